use super::Host;
use crate::name_server::ZONE;
use crate::webhook::StrictWebhook;

impl Host for StrictWebhook {
    fn zone(&self) -> &str {
        ZONE
    }

    fn entry(&self) -> String {
        format!("kind: webhook, endpoint: \"http://127.0.0.1:{}\", nameServers: []", self.port())
    }

    /// As the server itself lists it, without what a name server has for itself.
    fn data(&self) -> Vec<String> {
        assert_eq!(self.violations(), [""; 0]);
        let mut lines = self.server.records();
        let is_own = |line: &String| line.contains(" NS ") || line.starts_with("ns1.");
        lines.retain(|line| !line.contains(" TXT ") && !is_own(line));
        lines
    }
}
