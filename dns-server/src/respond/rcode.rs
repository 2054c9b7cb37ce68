//! Response codes, and what is said beside them.

use std::fmt;

/// A response code of the IANA registry, with the upper bits that EDNS carries (RFC 6891).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rcode(pub u16);

macro_rules! rcodes {
    ($($name:ident = $number:literal),* $(,)?) => {
        impl Rcode {
            $(pub const $name: Self = Self($number);)*

            fn mnemonic(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

rcodes! {
    NOERROR = 0, FORMERR = 1, SERVFAIL = 2, NXDOMAIN = 3, NOTIMP = 4, REFUSED = 5, YXDOMAIN = 6,
    NOTAUTH = 9, BADVERS = 16, BADCOOKIE = 23,
}

impl Rcode {
    /// All that [`crate::respond()`] uses are below this.
    pub const END: usize = 24;
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(mnemonic) => f.pad(mnemonic),
            None => f.pad(&format!("RCODE{}", self.0)),
        }
    }
}

impl fmt::Debug for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a query has no better answer, for people (RFC 8914); it changes nothing for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExtendedError(pub u16);

impl ExtendedError {
    /// The zone is not published yet.
    pub const NOT_READY: Self = Self(14);
    /// The client may not ask this.
    pub const PROHIBITED: Self = Self(18);
    /// No zone of ours.
    pub const NOT_AUTHORITATIVE: Self = Self(20);
    /// Nothing that this server does.
    pub const NOT_SUPPORTED: Self = Self(21);
}
