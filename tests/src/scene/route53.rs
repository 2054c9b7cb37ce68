use super::{Host, lines_of_sets};
use crate::botocore::Botocore;

/// A zone at something that speaks Route53, and the vendor's client that reads it.
pub struct HostedZone {
    pub aws: Botocore,
    /// Its name.
    pub name: &'static str,
    pub id: String,
}

// === impl HostedZone ===

impl HostedZone {
    /// A new public zone.
    #[track_caller]
    pub fn create(aws: Botocore, name: &'static str) -> Self {
        Self { aws, name, id: aws.create_zone(name) }
    }

    /// What the vendor's client reads, markers too.
    #[track_caller]
    pub fn lines(&self) -> Vec<String> {
        self.aws.lines(&self.id)
    }
}

impl Host for HostedZone {
    fn zone(&self) -> &str {
        self.name
    }

    fn entry(&self) -> String {
        format!("kind: route53, endpoint: \"http://127.0.0.1:{}\", nameServers: []", self.aws.port)
    }

    /// A key, and nothing of this machine's own settings.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let [id, secret] = self.aws.key;
        [
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("NO_PROXY", "127.0.0.1"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into()
    }

    fn data(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| !line.contains(" TXT "));
        lines
    }

    fn data_lines(&self) -> Vec<String> {
        lines_of_sets(&self.data())
    }
}
