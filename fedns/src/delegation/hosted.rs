//! Whether clients are led to a zone at a provider: what its parent names, beside what the provider does.

use std::collections::BTreeSet;

use model::Name;
use providers::preflight::{Finding, Severity, compare_delegation};
use providers::provider::Limits;

use super::Parent;
use super::look::{Settings, look_at_parent};

/// Looks at the parent of a zone; `None` where the provider has done so itself, and its own preflight
/// tells.
pub async fn look_at_hosted(
    hosted: &Name,
    limits: &Limits,
    settings: &Settings,
) -> Option<Finding> {
    if limits.delegated.is_some() {
        return None;
    }
    if let Some(finding) = without_looking(hosted, limits) {
        return Some(finding);
    }
    let parent = look_at_parent(hosted, settings).await;
    Some(judge_hosted(hosted, &limits.name_servers, &parent))
}

/// What is to be said where there is nothing to compare.
fn without_looking(hosted: &Name, limits: &Limits) -> Option<Finding> {
    let subject = "delegation";
    if limits.is_private {
        let text = format!("{hosted} is a private zone, to which no parent leads: not looked at");
        return Some(Finding { severity: Severity::Fine, subject, text });
    }
    limits.name_servers.is_empty().then(|| {
        let text = format!(
            "which name servers answer for {hosted} at the provider, it does not tell: see that the \
             parent names them, or clients do not see these records"
        );
        Finding::warning(subject, text)
    })
}

/// Nothing here is in the way of a write: records may stand before anybody is led to them.
fn judge_hosted(hosted: &Name, expected: &BTreeSet<Name>, parent: &Parent) -> Finding {
    let the_parent = format!("the parent of {hosted}");
    let (who, delegated) = match parent {
        Parent::Delegates { name_servers, .. } => {
            (the_parent, name_servers.keys().cloned().collect())
        }
        Parent::Silent { .. } => (the_parent, BTreeSet::new()),
        // Whoever is led to the parent's servers gets the zone from there.
        Parent::Answers { server, name_servers } => {
            let who = format!("{server}, which answers for {hosted} itself,");
            (who, name_servers.keys().cloned().collect())
        }
        Parent::Unknown(why) => {
            let text =
                format!("whether the parent of {hosted} leads to the provider is not known: {why}");
            return Finding::warning("delegation", text);
        }
    };
    compare_delegation(&who, &delegated, expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delegation::NameServers;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn names<C: FromIterator<Name>>(texts: &[&str]) -> C {
        texts.iter().map(|text| name(text)).collect()
    }

    fn servers(texts: &[&str]) -> NameServers {
        texts.iter().map(|text| (name(text), BTreeSet::new())).collect()
    }

    #[track_caller]
    fn judged(parent: Parent, expect: &str) {
        let expected = names(&["ns1.host.example", "ns2.host.example"]);
        let finding = judge_hosted(&name("a.example"), &expected, &parent);
        assert_eq!(format!("{:?} {finding}", finding.severity), expect);
    }

    fn delegates(texts: &[&str]) -> Parent {
        Parent::Delegates { parent: Some(name("example")), name_servers: servers(texts) }
    }

    #[test]
    fn the_parents_name_servers_are_compared_with_the_providers() {
        judged(
            delegates(&["ns2.host.example", "ns1.host.example"]),
            "Fine delegation: the parent of a.example. names ns1.host.example., ns2.host.example.",
        );
        judged(
            delegates(&["ns1.old.example"]),
            "Warning delegation: the parent of a.example. names ns1.old.example., and the provider answers \
             at ns1.host.example., ns2.host.example.: enter these NS records at the registrar or in the \
             parent zone; until then clients do not see these records",
        );
        judged(
            delegates(&["ns1.host.example", "ns1.old.example"]),
            "Warning delegation: the parent of a.example. names ns1.host.example., ns1.old.example., and \
             the provider answers at ns1.host.example., ns2.host.example.: enter these NS records at the \
             registrar or in the parent zone; until then not every client sees these records",
        );
        judged(
            Parent::Silent { parent: Some(name("example")) },
            "Warning delegation: the parent of a.example. names none, and the provider answers at \
             ns1.host.example., ns2.host.example.: enter these NS records at the registrar or in the \
             parent zone; until then clients do not see these records",
        );
    }

    #[test]
    fn a_parent_on_the_same_servers_leads_there() {
        let server = "192.0.2.1:53".parse().unwrap();
        let name_servers = servers(&["ns1.host.example", "ns2.host.example"]);
        judged(
            Parent::Answers { server, name_servers },
            "Fine delegation: 192.0.2.1:53, which answers for a.example. itself, names ns1.host.example., \
             ns2.host.example.",
        );
    }

    #[test]
    fn a_parent_that_cannot_be_asked_is_a_warning() {
        judged(
            Parent::Unknown("resolver 192.0.2.9:53: no answer within 2 s".into()),
            "Warning delegation: whether the parent of a.example. leads to the provider is not known: \
             resolver 192.0.2.9:53: no answer within 2 s",
        );
    }

    #[test]
    fn private_zones_and_zones_without_known_servers_are_told_without_looking() {
        let told = |limits: &Limits| {
            let finding = without_looking(&name("a.example"), limits).unwrap();
            (finding.severity, finding.text)
        };
        let private = Limits { is_private: true, ..Limits::default() };
        let (severity, text) = told(&private);
        assert_eq!(severity, Severity::Fine);
        assert!(
            text.starts_with("a.example. is a private zone, to which no parent leads"),
            "{text}"
        );
        let (severity, text) = told(&Limits::default());
        assert_eq!(severity, Severity::Warning);
        assert!(text.contains("at the provider, it does not tell"), "{text}");
        let known = Limits { name_servers: names(&["ns1.host.example"]), ..Limits::default() };
        assert_eq!(without_looking(&name("a.example"), &known), None);
    }
}
