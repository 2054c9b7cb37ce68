//! The keys of service parameters (RFC 9460 section 14.3).

use std::fmt;

/// A parameter's key by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub u16);

impl Key {
    pub const MANDATORY: Self = Self(0);
    pub const ALPN: Self = Self(1);
    pub const NO_DEFAULT_ALPN: Self = Self(2);
    pub const PORT: Self = Self(3);
    pub const IPV4HINT: Self = Self(4);
    pub const ECH: Self = Self(5);
    pub const IPV6HINT: Self = Self(6);
    pub const DOHPATH: Self = Self(7);
    pub const OHTTP: Self = Self(8);

    const NAMES: [&str; 9] = [
        "mandatory",
        "alpn",
        "no-default-alpn",
        "port",
        "ipv4hint",
        "ech",
        "ipv6hint",
        "dohpath",
        "ohttp",
    ];

    /// A registered name, or `key` and a number without zeros before it.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(number) = Self::NAMES.iter().position(|name| *name == text) {
            return Some(Self(number as u16));
        }
        let digits = text.strip_prefix("key")?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_shortest = digits == "0" || !digits.starts_with('0');
        (is_number && is_shortest).then(|| digits.parse().ok().map(Self))?
    }

    /// True for `key` and a number, whose value is the wire form whatever the number.
    pub fn is_generic(text: &str) -> bool {
        !Self::NAMES.contains(&text)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "key{}", self.0),
        }
    }
}
