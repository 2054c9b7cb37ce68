use super::{Host, lines_of_sets};
use crate::google::Google;

/// A zone at something that speaks Cloud DNS, and the vendor's client that reads it.
pub struct ManagedZone {
    pub google: Google,
    /// Its domain, without the final dot.
    pub name: &'static str,
    /// Its name in the project.
    pub id: String,
    /// Further keys of the provider's entry, each after a comma.
    pub entry: String,
    pub files: Vec<(&'static str, String)>,
    /// Where the server finds who it is.
    pub environment: Vec<(&'static str, String)>,
}

// === impl ManagedZone ===

impl ManagedZone {
    /// A new public zone, for a server that nobody asks who it is.
    #[track_caller]
    pub fn create(google: Google, name: &'static str) -> Self {
        let id = name.replace('.', "-");
        google.create_zone(&id, &format!("{name}."), "public");
        let entry = format!(", project: {}", google.project);
        Self { google, name, id, entry, files: Vec::new(), environment: Vec::new() }
    }

    /// What the vendor's client reads, markers too.
    #[track_caller]
    pub fn lines(&self) -> Vec<String> {
        self.google.lines(&self.id)
    }
}

impl Host for ManagedZone {
    fn zone(&self) -> &str {
        self.name
    }

    fn entry(&self) -> String {
        let Self { google, entry, .. } = self;
        format!(
            "kind: clouddns, endpoint: \"http://127.0.0.1:{}\", nameServers: []{entry}",
            google.port
        )
    }

    fn files(&self) -> Vec<(&'static str, String)> {
        self.files.clone()
    }

    /// Nothing of this machine's own settings.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let none = ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GCE_METADATA_HOST"];
        let mut all: Vec<(&str, String)> = none.map(|name| (name, String::new())).into();
        all.retain(|(name, _)| !self.environment.iter().any(|(own, _)| own == name));
        all.push(("NO_PROXY", "127.0.0.1".into()));
        all.extend(self.environment.iter().cloned());
        all
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
