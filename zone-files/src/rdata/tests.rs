use super::*;
use proptest::prelude::*;

fn origin() -> Name {
    Name::parse("example.com").unwrap()
}

fn parse(record_type: &str, text: &str) -> Result<Rdata, TextError> {
    parse_rdata(record_type.parse().unwrap(), text, &origin())
}

/// `text` is taken and prints as `canonical`, which reads back to the same bytes.
#[track_caller]
fn check(record_type: &str, text: &str, canonical: &str) {
    let rdata = parse(record_type, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(rdata_text(record_type.parse().unwrap(), &rdata), canonical);
    assert_eq!(parse(record_type, canonical), Ok(rdata), "{canonical}");
}

#[track_caller]
fn check_same(record_type: &str, text: &str) {
    check(record_type, text, text);
}

/// The data is these bytes, in hex, and the generic form of them is the same data.
#[track_caller]
fn check_wire(record_type: &str, text: &str, hex: &str) {
    let rdata = parse(record_type, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let hex = hex.replace(' ', "");
    assert_eq!(format!("{rdata:?}"), format!(r"\# {} {hex}", hex.len() / 2));
    assert_eq!(parse(record_type, &format!("{rdata:?}")), Ok(rdata));
}

#[track_caller]
fn refuse(record_type: &str, text: &str, error: &str) {
    let refused = parse(record_type, text).expect_err(text);
    assert_eq!(refused.to_string(), format!("data:{error}"), "{record_type} {text}");
}

#[test]
fn simple_types() {
    check_same("A", "192.0.2.1");
    check("AAAA", "2001:DB8:0::1", "2001:db8::1");
    check_same("AAAA", "::ffff:192.0.2.1");
    check("NS", "NS1", "ns1.example.com.");
    check("CNAME", "@", "example.com.");
    check_same("PTR", ".");
    check("MX", "010 Mail", "10 mail.example.com.");
    check("SOA", "ns1 h 7 15m 5m 1w 60", "ns1.example.com. h.example.com. 7 900 300 604800 60");
    check("SRV", "0 1 80 a.b.", "0 1 80 a.b.");
    check("TXT", r#"a "b c" "" \"\065\200"#, r#""a" "b c" "" "\"A\200""#);
    check("HINFO", "a \"b c\"", r#""a" "b c""#);
    check("NAPTR", "100 50 s z \"!^.*$!\" .", r#"100 50 "s" "z" "!^.*$!" ."#);
    check_same("URI", r#"10 1 "ftp://ftp1.example.com/public""#);
    check("CAA", "128 IsSue ca", r#"128 IsSue "ca""#);
    check("ISDN", "1", r#""1""#);
    check("ISDN", "1 2", r#""1" "2""#);
    check("PX", "1 a b", "1 a.example.com. b.example.com.");
    check("TYPE65280", r"\# 2 0 0f f", r"\# 2 00ff");
    check("TYPE65280", r"\# 0", r"\# 0");
}

#[test]
fn simple_types_on_the_wire() {
    check_wire("MX", "10 A.b.", "000a0161016200");
    check_wire("SRV", "1 2 3 a.", "000100020003016100");
    check_wire("SOA", "a. b. 1 2 3 4 5", "01610001620000000001000000020000000300000004 00000005");
    check_wire("TXT", "ab c", "0261620163");
    check_wire("CAA", "0 issue \"x\"", "0005697373756578");
    check_wire("NAPTR", "1 2 a b c d.", "00010002016101620163016400");
    check_wire("URI", "1 2 \"a\"", "0001000261");
}

#[test]
fn simple_types_are_checked() {
    refuse("A", "10.1", r#"1:1: found "10.1", wanted an IPv4 address"#);
    refuse("A", "010.0.0.1", r#"1:1: found "010.0.0.1", wanted an IPv4 address"#);
    refuse("A", "\"192.0.2.1\"", r#"1:2: found "192.0.2.1", wanted an IPv4 address"#);
    refuse("A", "192.0.2.1 x y", r#"1:11: found "x" behind the end of the record"#);
    refuse("A", "192.0.2.1\nb A", r#"2:1: found "b A" behind the end of the record"#);
    refuse("A", "", "1:1: the entry ends here, wanted an IPv4 address");
    refuse("AAAA", "1::2::3", r#"1:1: found "1::2::3", wanted an IPv6 address"#);
    refuse("MX", "10", "1:3: the entry ends here, wanted a domain name");
    refuse("MX", "-1 a", r#"1:1: found "-1", wanted a number from 0 to 65535"#);
    refuse("SRV", "0 1 65536 a", r#"1:5: found "65536", wanted a number from 0 to 65535"#);
    refuse("CNAME", "\"y\"", r#"1:2: found "y", wanted a domain name"#);
    refuse("CNAME", "a..b", r#"1:1: "a..b" is no domain name: a label is empty"#);
    refuse(
        "CNAME",
        r"a\300",
        "1:2: a backslash is not followed by a character or by three digits up to 255",
    );
    refuse(
        "CNAME",
        "ü",
        "1:1: \"ü\" is no domain name: write its ASCII form (xn--...), or each byte as \\DDD",
    );
    refuse("TXT", "", "1:1: the entry ends here, wanted a string");
    refuse(
        "TXT",
        &"x".repeat(256),
        "1:1: a string of 256 bytes; 255 are allowed, so split it into several",
    );
    refuse(
        "TXT",
        "a=\"b c\"",
        r#"1:3: this quote begins in the middle of a word: quote the whole, or write \""#,
    );
    refuse("HINFO", "\"a b\"", "1:6: the entry ends here, wanted a string");
    refuse("CAA", "0 is-sue x", r#"1:3: found "is-sue", wanted a tag of letters and digits"#);
    refuse("CAA", "256 issue x", r#"1:1: found "256", wanted a number from 0 to 255"#);
    refuse(
        "WKS",
        "10.0.0.1 6 25",
        r"1:1: WKS has no text form here; write \# <length> <hex> (RFC 3597)",
    );
    refuse("ANY", r"\# 0", "1:1: ANY exists only in messages, not in zones");
    refuse("TYPE0", r"\# 0", "1:1: TYPE0 exists only in messages, not in zones");
}

#[test]
fn the_generic_form_is_checked_against_the_type() {
    check("A", r"\# 4 c0000201", "192.0.2.1");
    check("MX", r"\# 5 000a 0141 00", "10 a.");
    check("SVCB", r"\# 3 000100", "1 .");
    check("APL", r"\# 0", "");
    refuse("A", r"\# 3 c00002", "1:4: these bytes do not fit A");
    refuse("A", r"\# 4 c00002", r"1:4: \# says 4 bytes, but 3 follow");
    refuse("TXT", r"\# 0", "1:4: these bytes do not fit TXT");
    refuse("TXT", r"\# 2 0561", "1:4: these bytes do not fit TXT");
    refuse("MX", r"\# 4 000a0161", "1:4: these bytes do not fit MX");
    refuse("DS", r"\# 5 ec45050100", "1:4: these bytes do not fit DS");
    refuse("APL", r"\# 8 00010804 c0000200", "1:4: these bytes do not fit APL");
    refuse("TYPE65280", r"\# 2 abc", r#"1:6: found "abc", wanted pairs of hex digits"#);
    refuse(
        "TYPE65280",
        r"\#",
        "1:3: the entry ends here, wanted the length of the data in bytes, up to 65535",
    );
    refuse(
        "TYPE65280",
        r"\# 65536",
        r#"1:4: found "65536", wanted the length of the data in bytes, up to 65535"#,
    );
    refuse(
        "TYPE65280",
        "abc",
        r"1:1: TYPE65280 has no text form here; write \# <length> <hex> (RFC 3597)",
    );
}

#[test]
fn data_has_a_largest_length() {
    let string = format!("\"{}\" ", "x".repeat(255));
    assert!(parse("TXT", &string.repeat(255)).is_ok());
    refuse("TXT", &string.repeat(257), "1:2: data of 65792 bytes; 65535 are allowed");
}

#[test]
fn security_types() {
    check(
        "DS",
        "60485 RSASHA1 1 2BB183AF5F22588179A5 3B0A98631FAD1A292118",
        "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118",
    );
    check("CDS", "0 0 0 00", "0 0 0 00");
    check("DNSKEY", "256 3 ed25519 AQ PS", "256 3 15 AQPS");
    check("KEY", "49152 3 1", "49152 3 1");
    check(
        "RRSIG",
        "A 5 3 86400 1893456000 20200101000000 2642 Example.com. oJB1",
        "A 5 3 86400 20300101000000 20200101000000 2642 example.com. oJB1",
    );
    check("NSEC", "HOST a mx TYPE1234 A", "HOST.example.com. A MX TYPE1234");
    let (low, high) = ("0006400100000003", format!("041b{}20", "00".repeat(26)));
    check_wire("NSEC", "h. A MX RRSIG NSEC TYPE1234", &format!("016800{low}{high}"));
    check(
        "NSEC3",
        "1 1 12 AABB 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A",
        "1 1 12 aabb 2t7b4g4vsa5smi47k61mv5bv1a22bojr A",
    );
    check_same("NSEC3", "1 1 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr");
    check_same("NSEC3PARAM", "1 0 12 -");
    check_same("CSYNC", "66 3 A NS AAAA");
    check("CERT", "PKIX 0 RSASHA256 AAAA", "1 0 8 AAAA");
    check_same("SSHFP", "2 1 123456789abcdef67890123456789abcdef67890");
    check("TLSA", "3 1 1 0C7 2AC", "3 1 1 0c72ac");
    check_same("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=");
    check_same("OPENPGPKEY", "AAAA");
    check_same("ZONEMD", &format!("2018031500 1 1 {}", "c6".repeat(48)));
}

#[test]
fn security_types_are_checked() {
    refuse("DS", "1 5 1 2bb1", "1:7: a digest of 2 bytes; type 1 has 20");
    refuse("SSHFP", "1 2 2bb1", "1:5: a digest of 2 bytes; type 2 has 32");
    refuse("DS", "1 5 1", "1:6: the entry ends here, wanted pairs of hex digits");
    refuse(
        "DS",
        "1 RSA 1 00",
        r#"1:3: found "RSA", wanted a DNSSEC algorithm: its number or mnemonic"#,
    );
    refuse("DNSKEY", "256 3 5", "1:8: the entry ends here, wanted base 64");
    refuse("DNSKEY", "256 3 5 AR==", r#"1:9: found "AR==", wanted base 64"#);
    let time = "wanted a time as YYYYMMDDHHmmSS, or in seconds since 1970";
    let error = format!(r#"1:9: found "20230230000000", {time}"#);
    refuse("RRSIG", "A 5 3 1 20230230000000 20200101000000 1 a. AAAA", &error);
    refuse(
        "NSEC3",
        "1 1 1 - 000",
        r#"1:9: found "000", wanted a hash of up to 255 bytes in base 32 with extended hex alphabet"#,
    );
    refuse("NSEC", "a. NOPE", r#"1:4: found "NOPE", wanted a record type"#);
    // Windows out of order, an empty one, and one that ends with a zero byte.
    for hex in ["00 01 01 40 00 01 40", "00 00 00", "00 00 02 40 00"] {
        let text = format!(r"\# {} {hex}", hex.split(' ').count());
        refuse("NSEC", &text, "1:4: these bytes do not fit NSEC");
    }
}

#[test]
fn addresses_and_places() {
    check("EUI48", "00-00-5E-00-53-2A", "00-00-5e-00-53-2a");
    check_same("EUI64", "00-00-5e-ef-10-00-00-2a");
    check("NID", "10 14:4FFF:ff20:ee64", "10 0014:4fff:ff20:ee64");
    check_same("L32", "10 10.1.2.0");
    check("LP", "10 L64", "10 L64.example.com.");
    check("NSAP", "0x47.0005.80", "0x47000580");
    check_same("APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32 1:0.0.0.0/0");
    check_wire("APL", "!1:192.168.0.0/16", "00011082c0a8");
    check("LOC", "42 N 71 W 0", "42 0 0.000 N 71 0 0.000 W 0.00m 1m 10000m 10m");
    check(
        "LOC",
        "42 21 54.1 s 71 06 18 e -24.01m 30 0.05m 90000000m",
        "42 21 54.100 S 71 6 18.000 E -24.01m 30m 0.05m 90000000m",
    );
    check_wire("LOC", "0 N 0 E 0", "00121613800000008000000000989680");
    let eui = "wanted pairs of hex digits with hyphens between them, as many as the type has";
    for text in ["00-00-5e-00-53", "00-00-5e-00-53-2", "00:00:5e:00:53:2a", "00-00-5e-00-53-2g"] {
        refuse("EUI48", text, &format!(r#"1:1: found "{text}", {eui}"#));
    }
    let prefix = "wanted a prefix as [!]1:192.0.2.0/24 or [!]2:2001:db8::/32";
    for text in ["1:192.0.2.0", "1:192.0.2.0/33", "3:192.0.2.0/24", "1:::/0", "1:192.0.2.0/+1"] {
        refuse("APL", text, &format!(r#"1:1: found "{text}", {prefix}"#));
    }
    let latitude = "wanted a latitude: degrees up to 90, minutes, seconds, then N or S";
    refuse("LOC", "91 N 0 E 0", &format!(r#"1:1: found "91", {latitude}"#));
    refuse("LOC", "90 0 1 N 0 E 0", &format!(r#"1:8: found "N", {latitude}"#));
    refuse("LOC", "1 60 N 0 E 0", &format!(r#"1:3: found "60", {latitude}"#));
    refuse("LOC", "1 \"\" N 0 E 0", &format!(r#"1:4: found "", {latitude}"#));
    refuse(
        "LOC",
        "1 N 1 E 1.005m",
        r#"1:9: found "1.005m", wanted an altitude from -100000.00m to 42849672.95m"#,
    );
}

#[test]
fn gateways_and_hosts() {
    check_same("IPSECKEY", "10 1 2 192.0.2.38 AQ==");
    check_same("IPSECKEY", "10 2 2 2001:db8::1 AQ==");
    check("IPSECKEY", "10 3 2 GW AQ==", "10 3 2 GW.example.com. AQ==");
    check_same("IPSECKEY", "10 0 0 .");
    check_same("AMTRELAY", "10 1 1 203.0.113.15");
    check_same("AMTRELAY", "10 0 0 .");
    check("HIP", "2 2001AB AwEAAQ== Rvs", "2 2001ab AwEAAQ== Rvs.example.com.");
    refuse("IPSECKEY", "10 0 2 .", "1:9: the entry ends here, wanted base 64");
    refuse(
        "IPSECKEY",
        "10 0 2 a",
        r#"1:8: found "a", wanted a single dot, as type 0 is no gateway"#,
    );
    refuse(
        "HIP",
        "2 2001 \"AQ==\"",
        r#"1:9: found "AQ==", wanted the public key: 1 to 65535 bytes in base 64, as one word"#,
    );
}

#[test]
fn service_parameters() {
    check_same("SVCB", "0 foo.example.net.");
    check("HTTPS", "1 Foo", "1 Foo.example.com.");
    check(
        "HTTPS",
        "1 . port=8443 ipv6hint=2001:DB8::1 alpn=h2,h3 ipv4hint=192.0.2.1,192.0.2.2",
        r#"1 . alpn="h2,h3" port=8443 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1"#,
    );
    check(
        "HTTPS",
        "1 . mandatory=port,alpn port=1 alpn=\"h2\"",
        "1 . mandatory=alpn,port alpn=\"h2\" port=1",
    );
    check("HTTPS", "1 . no-default-alpn alpn=h3 ohttp", r#"1 . alpn="h3" no-default-alpn ohttp"#);
    check("SVCB", "1 . dohpath=/q{?dns} ech=AQ==", r#"1 . ech=AQ== dohpath="/q{?dns}""#);
    check(
        "SVCB",
        r#"1 . key667="a b\210" key668 key669="""#,
        r#"1 . key667="a b\210" key668 key669"#,
    );
    check("SVCB", r"1 . key1=\002h2 key3=\001\002", r#"1 . alpn="h2" port=258"#);
    // The example of RFC 9460 appendix A.1, in both of its spellings.
    let protocols = r#"1 . alpn="f\\\\oo\\,bar,h2""#;
    check_same("SVCB", protocols);
    check("SVCB", r"1 . alpn=f\\\092oo\092,bar,h2", protocols);
    check_wire("SVCB", protocols, "000100000100 0c 08 665c6f6f2c626172 02 6832");
}

#[test]
fn service_parameters_are_checked() {
    let refuse_one = |text: &str, error: &str| {
        refuse("SVCB", &format!("1 . {text}"), &format!("1:5: {error}"));
    };
    let parameter = "wanted a service parameter as key or key=value";
    refuse_one("PORT=1", &format!(r#"found "PORT=1", {parameter}"#));
    refuse_one("key01=a", &format!(r#"found "key01=a", {parameter}"#));
    refuse_one("key65536", &format!(r#"found "key65536", {parameter}"#));
    refuse_one("port=", r#""" is no value for port: wanted a number from 0 to 65535"#);
    refuse_one("port=65536", r#""65536" is no value for port: wanted a number from 0 to 65535"#);
    refuse_one("key3=1", r#""1" is no value for port: wanted a number from 0 to 65535"#);
    refuse_one("alpn", r#""" is no value for alpn: wanted protocols with commas between them"#);
    refuse_one(
        "alpn=h2,,h3",
        r#""h2,,h3" is no value for alpn: wanted protocols with commas between them"#,
    );
    refuse_one("ohttp=1", r#""1" is no value for ohttp: wanted no value"#);
    refuse_one("no-default-alpn", "no-default-alpn stands without alpn");
    refuse_one("mandatory=port", "port is mandatory but not there");
    refuse("SVCB", "1 . port=1 port=1", "1:12: port comes twice");
    let keys = "wanted different keys with commas between them, without mandatory itself";
    for list in ["mandatory", "port,port", ""] {
        let text = format!("mandatory={list} port=1");
        refuse_one(&text, &format!(r#""{list}" is no value for mandatory: {keys}"#));
    }
    refuse("SVCB", r"\# 3 0001ff", "1:4: these bytes do not fit SVCB");
    // Keys that do not grow, and one that comes twice.
    let twice = r"\# 15 000100 0003 0002 0001 0003 0002 0001";
    refuse("SVCB", twice, "1:4: these bytes do not fit SVCB");
    refuse("SVCB", r"\# 13 000100 0003 0002 0001 00020000", "1:4: these bytes do not fit SVCB");
}

/// Types whose data has fields, for trying arbitrary bytes on.
fn record_types_with_fields() -> Vec<RecordType> {
    (0..=u16::MAX).map(RecordType).filter(|&known| format::fields(known).is_some()).collect()
}

proptest! {
    /// Whatever prints as the text of its type reads back; and reading what was printed changes
    /// nothing but the case of names.
    #[test]
    fn any_bytes_print_and_read_back(
        record_type in prop::sample::select(record_types_with_fields()),
        wire in prop::collection::vec(prop_oneof![0u8..4, any::<u8>()], 0..40),
    ) {
        let rdata = Rdata::from_wire(wire);
        let text = rdata_text(record_type, &rdata);
        if !text.starts_with(r"\#") {
            let read = parse_rdata(record_type, &text, &origin()).unwrap();
            prop_assert_eq!(rdata_text(record_type, &read).to_lowercase(), text.to_lowercase());
            prop_assert_eq!(read.wire().len(), rdata.wire().len());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(
        record_type in prop::sample::select(record_types_with_fields()),
        words in prop::collection::vec(prop::sample::select(vec![
            "0", "1", "2", "255", "65535", ".", "a", "@", "\"\"", "AQ==", "00", "-", "N", "1h", "=",
            "alpn=", "\"b\"", "192.0.2.1", "::1", "\\", "\\#", "(", "\n", "key9", "A", "TYPE9",
        ]), 0..9),
    ) {
        let text = words.join(" ");
        if let Ok(rdata) = parse_rdata(record_type, &text, &origin()) {
            let printed = rdata_text(record_type, &rdata);
            prop_assert_eq!(parse_rdata(record_type, &printed, &origin()), Ok(rdata));
        }
    }
}
