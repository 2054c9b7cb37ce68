//! The token of who may give orders over the admin address.

use std::fmt;
use std::path::Path;

use subtle::ConstantTimeEq;

use super::{Config, ConfigError, Subject};

const TOKEN_FILE: &str = "a file with the token of who may give orders";
/// What is shorter may be guessed.
const LENGTH_MIN: usize = 16;

/// A bearer token (RFC 6750). Nothing prints it.
#[derive(Clone)]
pub struct AdminToken(String);

/// The one that the config names, where it does.
pub fn admin_token(config: &Config) -> Result<Option<AdminToken>, ConfigError> {
    let Some(file) = &config.admin_token_file else { return Ok(None) };
    let (places, subject) = (&config.places, Subject::AdminToken);
    let text = std::fs::read_to_string(file)
        .map_err(|error| ConfigError::one(places.unusable(&subject, file, TOKEN_FILE, &error)))?;
    let token = AdminToken::parse(&text).map_err(|message| {
        ConfigError::one(places.line(&subject, format_args!("{}: {message}", file.display())))
    })?;
    Ok(Some(token))
}

// === impl AdminToken ===

impl AdminToken {
    /// White space around it does not count. The message does not repeat it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let token = text.trim();
        // RFC 6750 section 2.1.
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        match () {
            () if !token.bytes().all(is_allowed) => {
                Err("found something else, wanted one token of letters, digits and -._~+/=")
            }
            () if token.len() < LENGTH_MIN => {
                Err("found a token that may be guessed, wanted 16 characters or more")
            }
            () => Ok(Self(token.to_owned())),
        }
    }

    /// The same of a file.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        Self::parse(&text).map_err(str::to_owned)
    }

    /// As a header has it.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// How long it takes tells nothing of where they differ.
    pub fn is(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_that_is_long_enough() {
        let token = AdminToken::parse(" 0123456789abcde=\n").unwrap();
        assert!(token.is("0123456789abcde="));
        assert!(!token.is("0123456789abcde-") && !token.is("0123456789abcde") && !token.is(""));
        assert_eq!(format!("{token:?}"), "AdminToken(***)");
        for text in
            ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdef\ng", "pässword-pässword"]
        {
            assert!(AdminToken::parse(text).is_err(), "{text:?}");
        }
    }
}
