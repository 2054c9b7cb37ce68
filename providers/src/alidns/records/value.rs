//! When two texts are the same value to AliDNS.

use std::net::Ipv6Addr;

/// AliDNS stores names without a final dot, addresses in their short form and TXT without quotes.
pub(super) fn is_same(record_type: &str, one: &str, other: &str) -> bool {
    match record_type {
        "CNAME" | "NS" | "MX" | "SRV" | "PTR" => {
            let plain = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
            plain(one) == plain(other)
        }
        "AAAA" => match (one.parse::<Ipv6Addr>(), other.parse::<Ipv6Addr>()) {
            (Ok(one), Ok(other)) => one == other,
            _ => one == other,
        },
        "TXT" => {
            let plain = |text: &str| text.replace('"', "").trim_end().to_owned();
            plain(one) == plain(other)
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_as_they_are_stored() {
        let rows = [
            ("CNAME", "A.example.com.", "a.example.com", true),
            ("AAAA", "2001:db8:0::1", "2001:db8::1", true),
            ("AAAA", "2001:db8::1", "2001:db8::2", false),
            ("TXT", "\"v=1; a\" ", "v=1; a", true),
            ("TXT", "v=A", "v=a", false),
            ("A", "192.0.2.1", "192.0.2.1", true),
            ("A", "192.0.2.1", "192.0.2.10", false),
        ];
        for (record_type, one, other, same) in rows {
            assert_eq!(is_same(record_type, one, other), same, "{record_type} {one} {other}");
        }
    }
}
