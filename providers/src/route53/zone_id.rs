use std::fmt;

/// The id of a hosted zone, like `Z1D633PJN98FT9`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZoneId(String);

// === impl ZoneId ===

impl ZoneId {
    /// Takes `/hostedzone/ID`, too, which is how the service writes it.
    pub fn new(text: &str) -> Self {
        Self(text.strip_prefix("/hostedzone/").unwrap_or(text).to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ZoneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
