//! The key in BIND's form, as `tsig-keygen` writes and `nsupdate -k` reads it:
//!
//! ```text
//! key "fed." {
//!     algorithm hmac-sha256;
//!     secret "...";
//! };
//! ```

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Name;

use super::tsig::{Algorithm, TsigKey};

/// What is wrong with a key file. Nothing of the secret is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct KeyFileError {
    /// From 1; the last line for what is missing.
    pub line: usize,
    pub problem: String,
}

/// A key file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct UnusableKeyFile {
    pub path: String,
    pub problem: String,
}

/// Reads the one key of a file.
pub fn read_key_file(path: &Path) -> Result<TsigKey, UnusableKeyFile> {
    let wrong = |problem: String| UnusableKeyFile { path: path.display().to_string(), problem };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    parse(&text).map_err(|error| wrong(error.to_string()))
}

/// Reads the one key of a text.
pub fn parse(text: &str) -> Result<TsigKey, KeyFileError> {
    let mut words = Words::new(text)?;
    let at = words.next();
    if at.text != "key" {
        return Err(at.wrong("wanted key \"NAME\" { algorithm hmac-sha256; secret \"...\"; };"));
    }
    let name = words.next();
    let name = Name::parse(&name.text)
        .map_err(|error| name.wrong(format_args!("the key's name is no domain name: {error}")))?;
    words.expect("{")?;
    let (mut algorithm, mut secret) = (None, None);
    let end = loop {
        let word = words.next();
        match word.text.as_str() {
            "algorithm" if algorithm.is_none() => algorithm = Some(read_algorithm(&mut words)?),
            "secret" if secret.is_none() => secret = Some(read_secret(&mut words)?),
            "algorithm" | "secret" => {
                return Err(word.wrong(format_args!("{} stands here twice", word.text)));
            }
            "}" => break word,
            _ => return Err(word.wrong("wanted algorithm, secret or }")),
        }
        words.expect(";")?;
    };
    words.expect(";")?;
    words.end()?;
    let algorithm = algorithm.ok_or_else(|| end.wrong("algorithm is missing"))?;
    let secret = secret.ok_or_else(|| end.wrong("secret is missing"))?;
    Ok(TsigKey::new(name, algorithm, secret))
}

fn read_algorithm(words: &mut Words) -> Result<Algorithm, KeyFileError> {
    let word = words.next();
    Algorithm::parse(&word.text).ok_or_else(|| {
        word.wrong(
            "wanted hmac-sha256, hmac-sha384 or hmac-sha512; make such a key with \
             tsig-keygen -a hmac-sha256 NAME",
        )
    })
}

fn read_secret(words: &mut Words) -> Result<Vec<u8>, KeyFileError> {
    let word = words.next();
    let bytes = STANDARD.decode(word.text.as_bytes());
    // The decoder's own error would repeat a character of the secret.
    let bytes = bytes.map_err(|_| word.wrong("the secret is not base64"))?;
    if bytes.is_empty() {
        return Err(word.wrong("the secret is empty"));
    }
    Ok(bytes)
}

struct Word {
    line: usize,
    text: String,
}

/// Words, quoted strings and the signs `{`, `}`, `;`, without comments.
struct Words {
    /// Reversed: the next one is the last.
    rest: Vec<Word>,
    last_line: usize,
}

// === impl Words ===

impl Words {
    fn new(text: &str) -> Result<Self, KeyFileError> {
        let mut rest = Vec::new();
        let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
        let mut line = 1;
        while let Some(char) = chars.next() {
            match char {
                '\n' => line += 1,
                char if char.is_whitespace() => {}
                '{' | '}' | ';' => rest.push(Word { line, text: char.into() }),
                '#' => while chars.next_if(|char| *char != '\n').is_some() {},
                '/' if chars.peek() == Some(&'/') => {
                    while chars.next_if(|char| *char != '\n').is_some() {}
                }
                '/' if chars.next_if_eq(&'*').is_some() => {
                    let start = Word { line, text: String::new() };
                    let mut last = ' ';
                    loop {
                        let char =
                            chars.next().ok_or_else(|| start.wrong("the comment has no end"))?;
                        line += usize::from(char == '\n');
                        if last == '*' && char == '/' {
                            break;
                        }
                        last = char;
                    }
                }
                '"' => {
                    let mut word = Word { line, text: String::new() };
                    while let Some(char) = chars.next_if(|char| !['"', '\n'].contains(char)) {
                        word.text.push(char);
                    }
                    if chars.next_if_eq(&'"').is_none() {
                        return Err(word.wrong("the closing quote is missing"));
                    }
                    rest.push(word);
                }
                first => {
                    let mut word = Word { line, text: first.into() };
                    let is_inside =
                        |char: &char| !char.is_whitespace() && !['{', '}', ';', '"'].contains(char);
                    while let Some(char) = chars.next_if(is_inside) {
                        word.text.push(char);
                    }
                    rest.push(word);
                }
            }
        }
        rest.reverse();
        Ok(Self { rest, last_line: text.lines().count().max(1) })
    }

    /// At the end of the file, an empty word that nothing takes for what it wants.
    fn next(&mut self) -> Word {
        self.rest.pop().unwrap_or(Word { line: self.last_line, text: String::new() })
    }

    fn expect(&mut self, sign: &str) -> Result<(), KeyFileError> {
        let word = self.next();
        match word.text == sign {
            true => Ok(()),
            false => Err(word.wrong(format_args!("wanted {sign}"))),
        }
    }

    fn end(&mut self) -> Result<(), KeyFileError> {
        match self.rest.pop() {
            None => Ok(()),
            Some(word) => Err(word.wrong("there is more after the key; keep one key in this file")),
        }
    }
}

// === impl Word ===

impl Word {
    fn wrong(&self, problem: impl std::fmt::Display) -> KeyFileError {
        KeyFileError { line: self.line, problem: problem.to_string() }
    }
}

#[cfg(test)]
mod tests;
