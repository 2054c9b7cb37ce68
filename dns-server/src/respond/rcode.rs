//! Response codes.

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
    NOTAUTH = 9, BADVERS = 16,
}

impl Rcode {
    /// All that [`crate::respond()`] uses are below this.
    pub const END: usize = 17;
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
