//! Names in Route53's words: lower case, octal escapes, a final dot.

/// A name, its labels from the right: the order in which Route53 lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DomainName(Vec<Vec<u8>>);

// === impl DomainName ===

impl DomainName {
    /// Reads text with or without its final dot; the service's own text where it is no name.
    pub fn read(text: &str) -> Result<Self, String> {
        let bytes = text.strip_suffix('.').unwrap_or(text).as_bytes();
        let mut labels = vec![Vec::new()];
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            let label = labels.last_mut().expect("one at least");
            match (byte, octal(bytes.get(at..at + 3))) {
                (b'.', _) => labels.push(Vec::new()),
                (b'\\', Some(value)) => {
                    label.push(value);
                    at += 3;
                }
                (b'\\', None) => {
                    return Err(fatal(
                        "UnsupportedCharacter (Value contains unsupported characters)",
                        text,
                    ));
                }
                (byte, _) => label.push(byte.to_ascii_lowercase()),
            }
        }
        if labels.iter().any(Vec::is_empty) {
            return Err(fatal("DomainLabelEmpty (Domain label is empty)", text));
        }
        if labels.iter().any(|label| label.len() > 63) {
            return Err(fatal("DomainLabelTooLong (Domain label is too long)", text));
        }
        if labels.iter().map(|label| label.len() + 1).sum::<usize>() > 254 {
            return Err(fatal("DomainNameTooLong (Domain name is too long)", text));
        }
        labels.reverse();
        Ok(Self(labels))
    }

    pub fn is_at_or_below(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

fn octal(digits: Option<&[u8]>) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits?).ok()?, 8).ok()
}

fn fatal(problem: &str, text: &str) -> String {
    format!("FATAL problem: {problem} encountered with '{text}'")
}

impl std::fmt::Display for DomainName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for label in self.0.iter().rev() {
            for byte in label {
                match byte {
                    b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => write!(f, "{}", char::from(*byte))?,
                    byte => write!(f, "\\{byte:03o}")?,
                }
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}
