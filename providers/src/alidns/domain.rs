//! Domain names in AliDNS's own form: without a final dot, relative to the domain, `@` for itself.

use model::{Name, NameError};

/// `example.com` for `example.com.`
pub fn domain_text(domain: &Name) -> String {
    let text = domain.to_string();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

/// The host record (`RR`) of a name at or below the domain.
pub fn host_record(name: &Name, domain: &Name) -> Option<String> {
    if !name.is_at_or_below(domain) {
        return None;
    }
    let below = name.label_count() - domain.label_count();
    if below == 0 {
        return Some("@".to_owned());
    }
    let labels = name.labels().take(below);
    let relative = Name::from_labels(labels, &Name::root()).ok()?;
    Some(domain_text(&relative))
}

/// The name of a host record below the domain.
///
/// # Errors
///
/// If it is no domain name.
pub fn full_name(host_record: &str, domain: &Name) -> Result<Name, NameError> {
    Name::parse_relative(host_record, domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    #[test]
    fn names_and_host_records_are_two_forms_of_one_thing() {
        let domain = name("k8s.example.com.");
        let rows = [
            ("k8s.example.com.", "@"),
            ("www.k8s.example.com.", "www"),
            ("a.b.c.k8s.example.com.", "a.b.c"),
            ("*.k8s.example.com.", "*"),
            ("_http._tcp.k8s.example.com.", "_http._tcp"),
        ];
        for (full, rr) in rows {
            assert_eq!(host_record(&name(full), &domain).as_deref(), Some(rr));
            assert_eq!(full_name(rr, &domain), Ok(name(full)));
        }
        assert_eq!(host_record(&name("example.com."), &domain), None);
        assert_eq!(host_record(&name("evilk8s.example.com."), &domain), None);
        assert_eq!(domain_text(&domain), "k8s.example.com");
    }
}
