//! Text that is never shown.

use std::fmt;
use std::sync::Arc;

/// A key or a token. It has no text of its own in logs and errors: both ways of formatting it print
/// asterisks. It is not serialisable.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

// === impl Secret ===

impl Secret {
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, to sign or to send.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of this secret blotted out.
    pub fn redacted(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&*self.0, "***") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_in_no_format() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "*** *** ***");
        assert_eq!(secret.redacted("key hunter2: hunter2!"), "key ***: ***!");
        assert_eq!(Secret::new("").redacted("as it was"), "as it was");
    }
}
