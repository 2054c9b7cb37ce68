//! What none of BIND, ldns and Knot takes.

/// A record that is refused, and what is said of it here.
pub struct Forbidden {
    pub text: &'static str,
    pub says: &'static str,
}

pub const FORBIDDEN: &[Forbidden] = &[
    Forbidden {
        text: "x TXT \"a\nb\"",
        says: "zone:6:7: this quote is not closed in its line\nzone:7:2: this quote is not closed in its line",
    },
    Forbidden { text: "x A 10.1", says: r#"zone:6:5: found "10.1", wanted an IPv4 address"# },
    Forbidden {
        text: "x A 010.0.0.1",
        says: r#"zone:6:5: found "010.0.0.1", wanted an IPv4 address"#,
    },
    Forbidden {
        text: r"x TYPE65280 \# 2 abc",
        says: r#"zone:6:18: found "abc", wanted pairs of hex digits"#,
    },
    Forbidden {
        text: "x\x0bA 192.0.2.1",
        says: "zone:6:2: the control character 0x0b stands outside quotes",
    },
    Forbidden {
        text: r#"x A "192.0.2.1""#,
        says: r#"zone:6:6: found "192.0.2.1", wanted an IPv4 address"#,
    },
    Forbidden { text: "x TXT", says: "zone:6:6: the entry ends here, wanted a string" },
    Forbidden { text: "x HINFO a", says: "zone:6:10: the entry ends here, wanted a string" },
    Forbidden { text: r#"x HINFO "a b""#, says: "zone:6:14: the entry ends here, wanted a string" },
    Forbidden {
        text: "$FOO",
        says: r#"zone:6:1: "$FOO" is no directive here; $ORIGIN, $TTL and $INCLUDE are"#,
    },
    Forbidden {
        text: "x A 192.0.2.1 extra",
        says: r#"zone:6:15: found "extra" behind the end of the record"#,
    },
    Forbidden {
        text: "x..y A 192.0.2.1",
        says: r#"zone:6:1: "x..y" is no domain name: a label is empty"#,
    },
    Forbidden {
        text: ".x A 192.0.2.1",
        says: r#"zone:6:1: ".x" is no domain name: a label is empty"#,
    },
    Forbidden {
        text: r"x\25 A 192.0.2.1",
        says: "zone:6:2: a backslash is not followed by a character or by three digits up to 255",
    },
    Forbidden {
        text: r"x TXT \25",
        says: "zone:6:7: a backslash is not followed by a character or by three digits up to 255",
    },
    Forbidden {
        text: "x TXT a\\\n",
        says: "zone:6:8: a backslash is not followed by a character or by three digits up to 255",
    },
    Forbidden {
        text: "x AAAA 1::2::3",
        says: r#"zone:6:8: found "1::2::3", wanted an IPv6 address"#,
    },
    Forbidden {
        text: "x AAAA fe80::1%eth0",
        says: r#"zone:6:8: found "fe80::1%eth0", wanted an IPv6 address"#,
    },
    Forbidden {
        text: "x DS 60485 5 1",
        says: "zone:6:15: the entry ends here, wanted pairs of hex digits",
    },
    Forbidden {
        text: "x IPSECKEY 10 4 2 . AQ==",
        says: r#"zone:6:15: found "4", wanted 0 for no gateway, 1 for IPv4, 2 for IPv6 or 3 for a name"#,
    },
    Forbidden {
        text: "x RRSIG A RSASHA1 3 1d 20300101000000 20200101000000 2642 example.com. AAAA",
        says: r#"zone:6:21: found "1d", wanted a number from 0 to 4294967295"#,
    },
    Forbidden { text: "x DNSKEY 256 3 5", says: "zone:6:17: the entry ends here, wanted base 64" },
    Forbidden { text: "x DNSKEY 256 3 5 AQ=", says: r#"zone:6:18: found "AQ=", wanted base 64"# },
    Forbidden {
        text: "x TLSA 3 1 1",
        says: "zone:6:13: the entry ends here, wanted pairs of hex digits",
    },
    Forbidden {
        text: "x HTTPS 1 . no-default-alpn=x alpn=h2",
        says: r#"zone:6:13: "x" is no value for no-default-alpn: wanted no value"#,
    },
    Forbidden {
        text: "x HTTPS 1 . port=",
        says: r#"zone:6:13: "" is no value for port: wanted a number from 0 to 65535"#,
    },
    Forbidden {
        text: "x HTTPS 1 . ipv4hint=",
        says: r#"zone:6:13: "" is no value for ipv4hint: wanted IPv4 addresses with commas between them"#,
    },
    Forbidden {
        text: "x HTTPS 1 . alpn=",
        says: r#"zone:6:13: "" is no value for alpn: wanted protocols with commas between them"#,
    },
    Forbidden {
        text: "x SINK 1 1 AQ==",
        says: r#"zone:6:3: "SINK" is no known record type; any other is written TYPE<number> \# <length> <hex>"#,
    },
    Forbidden { text: r"x ANY \# 0", says: "zone:6:3: ANY exists only in messages, not in zones" },
    Forbidden { text: "x MX 10", says: "zone:6:8: the entry ends here, wanted a domain name" },
    Forbidden {
        text: "x SOA a b 1 2 3 4",
        says: "zone:6:18: the entry ends here, wanted a time in seconds, or with units as in 1h30m",
    },
    Forbidden {
        text: "x TYPE65280 foo",
        says: r"zone:6:13: TYPE65280 has no text form here; write \# <length> <hex> (RFC 3597)",
    },
    Forbidden {
        text: r"x TYPE65280 \#",
        says: "zone:6:15: the entry ends here, wanted the length of the data in bytes, up to 65535",
    },
    Forbidden { text: r"x TYPE65280 \# 1", says: r"zone:6:16: \# says 1 bytes, but 0 follow" },
    Forbidden {
        text: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa A 192.0.2.1",
        says: r#"zone:6:1: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..." is no domain name: the label "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..." has 64 bytes; 63 are allowed"#,
    },
];
