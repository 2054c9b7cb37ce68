//! Random zones that every server takes, as sets of records whose data is still words.

use model::Name;

use super::random::Random;

/// One word of a record's data, in every way that it can be written.
#[derive(Clone, Debug)]
pub enum Word {
    /// Any case, relative or not.
    Name(Name),
    /// As it is, relative or not: types that keep the case of names.
    KeptName(Name),
    /// A string in quotes or without.
    Text(Vec<u8>),
    /// A string that must have quotes.
    Quoted(Vec<u8>),
    /// Digits that may be spread over several words.
    Split(String),
    /// As it is.
    Plain(String),
}

#[derive(Clone, Debug)]
pub struct Set {
    pub name: Name,
    pub ttl: u32,
    pub record_type: &'static str,
    pub values: Vec<Vec<Word>>,
}

#[derive(Clone, Debug)]
pub struct Zone {
    pub apex: Name,
    /// The SOA comes first.
    pub sets: Vec<Set>,
}

/// What the sets of one name are added to.
struct Builder {
    random: Random,
    zone: Zone,
}

const TTLS: [u32; 8] = [0, 1, 60, 180, 300, 3600, 90_061, 2_147_483_647];
const APEXES: [&str; 5] =
    ["example.com", "a", "x.y.z.example.org", "2.0.192.in-addr.arpa", "xn--bcher-kva.test"];

const DATA_TYPES: [&str; 38] = [
    "A",
    "AAAA",
    "AFSDB",
    "APL",
    "CAA",
    "CDNSKEY",
    "CDS",
    "CERT",
    "CSYNC",
    "DHCID",
    "DNSKEY",
    "EUI48",
    "EUI64",
    "HINFO",
    "HTTPS",
    "IPSECKEY",
    "KEY",
    "KX",
    "L32",
    "L64",
    "LOC",
    "LP",
    "MINFO",
    "MX",
    "NAPTR",
    "NID",
    "OPENPGPKEY",
    "PTR",
    "RP",
    "RT",
    "SMIMEA",
    "SPF",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
    "URI",
];
const UNKNOWN_TYPES: [&str; 3] = ["TYPE731", "TYPE65280", "TYPE65534"];

/// The zone of this seed, always the same.
pub fn zone(seed: u64) -> Zone {
    let mut random = Random::new(seed);
    let apex = Name::parse(random.pick(&APEXES)).unwrap();
    let mut builder = Builder { random, zone: Zone { apex, sets: Vec::new() } };
    builder.apex();
    for index in 0..builder.random.below(25) {
        let top = builder.top_name(index);
        match builder.random.below(12) {
            0 => builder.alias(top),
            1 => builder.delegation(top),
            2 => builder.rename(top),
            3 => builder.wildcard(top),
            4 => builder.below(top),
            _ => builder.data(top),
        }
    }
    builder.zone
}

impl Builder {
    fn add(&mut self, name: &Name, record_type: &'static str, values: Vec<Vec<Word>>) {
        let ttl = self.random.pick(&TTLS);
        self.zone.sets.push(Set { name: name.clone(), ttl, record_type, values });
    }

    fn child(&self, label: &str) -> Name {
        self.zone.apex.child(label.as_bytes()).unwrap()
    }

    fn apex(&mut self) {
        let apex = self.zone.apex.clone();
        let ns = self.child("ns1");
        let timers = ["1", "900", "300", "604800", "60"].map(plain);
        let names = [Word::Name(ns.clone()), Word::Name(self.child("host.master"))];
        self.add(&apex, "SOA", vec![names.into_iter().chain(timers).collect()]);
        self.add(&apex, "NS", vec![vec![Word::Name(ns.clone())], vec![Word::Name(far_name())]]);
        self.add(&ns, "A", vec![vec![plain("192.0.2.53")]]);
    }

    /// A name directly below the apex that no other index gives, so that nothing gets in the way of
    /// what is below a delegation or a DNAME.
    fn top_name(&mut self, index: usize) -> Name {
        let odd: &[u8] = self.random.pick(&[
            b"" as &[u8],
            b"-",
            b"_",
            b".",
            b" ",
            b";(",
            b"\"",
            b"\\",
            b"\0\xff",
            b"$",
        ]);
        let label = [format!("n{index}").as_bytes(), odd, b"x"].concat();
        self.zone.apex.child(&label).unwrap()
    }

    fn alias(&mut self, name: Name) {
        let target = self.target();
        self.add(&name, "CNAME", vec![vec![Word::Name(target)]]);
    }

    fn delegation(&mut self, name: Name) {
        let glue = name.child(b"ns").unwrap();
        self.add(&name, "NS", vec![vec![Word::Name(glue.clone())], vec![Word::Name(far_name())]]);
        let address = self.value("A");
        self.add(&glue, "A", vec![address]);
        if self.random.one_in(2) {
            let digest = hex(&self.random.bytes(32));
            self.add(
                &name,
                "DS",
                vec![vec![plain("60485"), plain("13"), plain("2"), Word::Split(digest)]],
            );
        }
    }

    fn rename(&mut self, name: Name) {
        let target = self.target();
        self.add(&name, "DNAME", vec![vec![Word::Name(target)]]);
        if self.random.one_in(2) {
            let value = self.value("TXT");
            self.add(&name, "TXT", vec![value]);
        }
    }

    fn wildcard(&mut self, name: Name) {
        self.data(name.child(b"*").unwrap());
    }

    /// Data at a name that has empty ones above it.
    fn below(&mut self, name: Name) {
        let below = name.child(b"_tcp").and_then(|name| name.child(b"deep")).unwrap();
        self.data(below);
        if self.random.one_in(2) {
            self.data(name);
        }
    }

    fn data(&mut self, name: Name) {
        let mut record_types = DATA_TYPES.to_vec();
        record_types.extend(UNKNOWN_TYPES);
        self.random.shuffle(&mut record_types);
        let count = 1 + self.random.below(4);
        for record_type in record_types.into_iter().take(count) {
            let count = 1 + self.random.below(3);
            let values = (0..count).map(|_| self.value(record_type)).collect();
            self.add(&name, record_type, values);
        }
    }

    fn target(&mut self) -> Name {
        match self.random.below(4) {
            0 => self.zone.apex.clone(),
            1 => far_name(),
            _ => self.child("ns1"),
        }
    }

    fn text(&mut self) -> Vec<u8> {
        let length = self.random.pick(&[0, 1, 5, 20, 254, 255]);
        match self.random.below(3) {
            0 => self.random.bytes(length),
            _ => (0..length).map(|_| self.random.pick(b"abc XYZ019-;()@$\\\"'=")).collect(),
        }
    }

    /// Not empty, which ldns loses where a string goes to the end of the data.
    fn long_text(&mut self) -> Vec<u8> {
        let mut text = self.text();
        text.push(b'.');
        text
    }

    fn value(&mut self, record_type: &str) -> Vec<Word> {
        let number = |this: &mut Self| Word::Plain(this.random.below(65_536).to_string());
        let small = |this: &mut Self| Word::Plain(this.random.below(256).to_string());
        let name = |this: &mut Self| Word::Name(this.target());
        let kept = |this: &mut Self| Word::KeptName(this.target());
        let text = |this: &mut Self| Word::Text(this.text());
        let binary = |this: &mut Self| {
            let length = 1 + this.random.below(40);
            this.random.bytes(length)
        };
        match record_type {
            "A" => vec![Word::Plain(address(&self.random.bytes(4)))],
            "L32" => vec![number(self), Word::Plain(address(&self.random.bytes(4)))],
            "AAAA" => vec![Word::Plain(groups(&self.random.bytes(16)))],
            "NID" | "L64" => vec![number(self), Word::Plain(groups(&self.random.bytes(8)))],
            "LP" => vec![number(self), kept(self)],
            "AFSDB" | "KX" | "MX" | "RT" => vec![number(self), name(self)],
            "PTR" => vec![name(self)],
            "MINFO" | "RP" => vec![name(self), name(self)],
            "SRV" => vec![number(self), number(self), number(self), name(self)],
            "HINFO" => vec![text(self), text(self)],
            "TXT" | "SPF" => (0..1 + self.random.below(4)).map(|_| text(self)).collect(),
            "NAPTR" => {
                let flag = self.random.pick(&["", "s", "u", "A"]);
                let rule = self.random.pick(&["", "!^.*$!sip:info@example.com!", "/a(b)/\\1;c/i"]);
                let strings = [flag, "E2U+sip", rule].map(|text| Word::Text(text.into()));
                let numbers = [number(self), number(self)];
                numbers.into_iter().chain(strings).chain([name(self)]).collect()
            }
            "CAA" => vec![small(self), plain("issue"), Word::Quoted(self.long_text())],
            "URI" => vec![number(self), number(self), Word::Quoted(self.long_text())],
            "APL" => {
                let negation = self.random.pick(&["", "!"]);
                let four = format!("1:{}/24", address(&[192, 0, 2, self.random.next() as u8]));
                let six = format!(
                    "{negation}2:{}/{}",
                    groups(&self.random.bytes(16)),
                    self.random.below(129)
                );
                vec![Word::Plain(four), Word::Plain(six)]
            }
            "CSYNC" => ["66", "3", "A", "ns", "TYPE731"].map(plain).to_vec(),
            "CDS" => {
                vec![plain("1"), plain("13"), plain("2"), Word::Split(hex(&self.random.bytes(32)))]
            }
            "SSHFP" => vec![plain("4"), plain("2"), Word::Split(hex(&self.random.bytes(32)))],
            "TLSA" | "SMIMEA" => {
                vec![small(self), small(self), small(self), Word::Split(hex(&binary(self)))]
            }
            "CDNSKEY" | "DNSKEY" | "KEY" => {
                vec![plain("256"), plain("3"), plain("8"), Word::Split(base64(&binary(self)))]
            }
            "CERT" => {
                vec![plain("PKIX"), number(self), plain("8"), Word::Split(base64(&binary(self)))]
            }
            "DHCID" | "OPENPGPKEY" => vec![Word::Split(base64(&binary(self)))],
            "EUI48" => vec![Word::Plain(pairs(&self.random.bytes(6)))],
            "EUI64" => vec![Word::Plain(pairs(&self.random.bytes(8)))],
            "IPSECKEY" => {
                let gateway = address(&self.random.bytes(4));
                // One word, as ldns wants it in this type.
                let key = Word::Plain(base64(&binary(self)));
                vec![small(self), plain("1"), plain("2"), Word::Plain(gateway), key]
            }
            "LOC" => location(&mut self.random),
            "HTTPS" | "SVCB" => {
                let mut words =
                    vec![Word::Plain((1 + self.random.below(9)).to_string()), kept(self)];
                let mut parameters = [
                    "alpn=h2,h3",
                    "port=\"853\"",
                    "ipv4hint=192.0.2.1,192.0.2.2",
                    "mandatory=alpn",
                    "ipv6hint=2001:db8::1",
                    "key667=\"a b;\\001\"",
                    "ech=AQ==",
                    "no-default-alpn",
                ];
                self.random.shuffle(&mut parameters);
                words.extend(parameters.map(plain));
                words
            }
            _ => {
                let length = self.random.below(20);
                vec![
                    plain(r"\#"),
                    Word::Plain(length.to_string()),
                    Word::Split(hex(&self.random.bytes(length))),
                ]
            }
        }
    }
}

fn far_name() -> Name {
    Name::parse("ns.elsewhere.test").unwrap()
}

fn plain(text: &str) -> Word {
    Word::Plain(text.to_owned())
}

fn location(random: &mut Random) -> Vec<Word> {
    let mut words = Vec::new();
    for (degrees, halves) in [(89, ["N", "S"]), (179, ["E", "W"])] {
        words.push(random.below(degrees).to_string());
        words.push(random.below(60).to_string());
        words.push(format!("{}.{:03}", random.below(60), random.below(1000)));
        words.push(random.pick(&halves).to_owned());
    }
    words.push(format!("{}.{:02}m", random.below(5000), random.below(100)));
    words.extend(["1m", "200m", "10m"].map(str::to_owned));
    words.into_iter().map(Word::Plain).collect()
}

fn joined(bytes: &[u8], size: usize, separator: &str) -> String {
    bytes.chunks(size).map(hex).collect::<Vec<_>>().join(separator)
}

fn pairs(bytes: &[u8]) -> String {
    joined(bytes, 1, "-")
}

fn groups(bytes: &[u8]) -> String {
    joined(bytes, 2, ":")
}

fn address(octets: &[u8]) -> String {
    octets.iter().map(u8::to_string).collect::<Vec<_>>().join(".")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32, shift: u32| char::from(DIGITS[(bits >> shift & 63) as usize]);
    let group = |group: &[u8]| {
        let bits =
            group.iter().chain(&[0, 0]).take(3).fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        let digits = [digit(bits, 18), digit(bits, 12), digit(bits, 6), digit(bits, 0)];
        let kept = digits.into_iter().take(group.len() + 1);
        kept.chain(std::iter::repeat_n('=', 3 - group.len())).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}
