//! The words of one entry, taken from left to right.

use crate::lexer::Token;
use crate::problem::{Excerpt, Fault, Problem};

/// One word, with its escapes as they stand in the text.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    pub bytes: &'a [u8],
    pub offset: usize,
    pub is_quoted: bool,
    pub is_inside: bool,
}

/// What is left of an entry.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    text: &'a [u8],
    tokens: &'a [Token],
    /// Behind the last word, where a missing one is reported.
    end: usize,
}

/// How many bytes a character string can hold (RFC 1035 section 3.3).
const STRING_LENGTH_MAX: usize = 255;

// === impl Words ===

impl<'a> Words<'a> {
    pub fn new(text: &'a [u8], tokens: &'a [Token]) -> Self {
        let end = tokens.last().map_or(0, |last| last.end + usize::from(last.is_quoted));
        Self { text, tokens, end }
    }

    pub fn peek(&self) -> Option<Word<'a>> {
        self.clone().next()
    }

    /// The next word; without one, `wanted` is missing.
    pub fn expect(&mut self, wanted: &'static str) -> Result<Word<'a>, Fault> {
        self.next().ok_or_else(|| self.missing(wanted))
    }

    pub fn missing(&self, wanted: &'static str) -> Fault {
        Fault::new(self.end, Problem::Missing { wanted })
    }

    /// Where the next word stands, or the end of the entry.
    pub fn offset(&self) -> usize {
        self.peek().map_or(self.end, |word| word.offset)
    }

    /// Nothing may be left.
    pub fn finish(mut self) -> Result<(), Fault> {
        match self.next() {
            None => Ok(()),
            Some(word) => Err(word.fault(Problem::Trailing { found: word.excerpt() })),
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let (token, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(Word {
            bytes: &self.text[token.start..token.end],
            offset: token.start,
            is_quoted: token.is_quoted,
            is_inside: token.is_inside,
        })
    }
}

// === impl Word ===

impl<'a> Word<'a> {
    pub fn fault(&self, problem: Problem) -> Fault {
        Fault::new(self.offset, problem)
    }

    /// The fault of a word that is not what was `wanted`.
    pub fn unexpected(&self, wanted: &'static str) -> Fault {
        self.fault(Problem::Unexpected { found: self.excerpt(), wanted })
    }

    pub fn excerpt(&self) -> Excerpt {
        Excerpt::new(self.bytes)
    }

    /// The word as text where escapes have no place: numbers, addresses, mnemonics.
    pub fn plain(&self, wanted: &'static str) -> Result<&'a str, Fault> {
        match std::str::from_utf8(self.bytes) {
            Ok(text) if !self.is_quoted => Ok(text),
            _ => Err(self.unexpected(wanted)),
        }
    }

    /// A decimal number without sign, up to `max`.
    pub fn number(&self, max: u32, wanted: &'static str) -> Result<u32, Fault> {
        self.digits().filter(|&number| number <= max).ok_or_else(|| self.unexpected(wanted))
    }

    fn digits(&self) -> Option<u32> {
        if self.is_quoted || self.bytes.is_empty() {
            return None;
        }
        self.bytes.iter().try_fold(0u32, |number, byte| {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            number.checked_mul(10)?.checked_add(u32::from(digit))
        })
    }

    /// Undoes `\X` and `\DDD` and puts the bytes behind those of `out`.
    ///
    /// A string whose quotes begin in its middle is refused: readers of zone files disagree on
    /// whether it is one string or two, and whether the quotes belong to it.
    pub fn unescape(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.is_inside {
            return Err(Fault::new(self.offset - 1, Problem::QuoteInside));
        }
        let mut rest = self.bytes;
        while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
            out.extend_from_slice(&rest[..at]);
            let offset = self.offset + self.bytes.len() - rest.len() + at;
            let (byte, length) =
                unescape_one(&rest[at..]).ok_or_else(|| Fault::new(offset, Problem::BadEscape))?;
            out.push(byte);
            rest = &rest[at + length..];
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    /// Undoes escapes into a character string: one length byte, then up to 255 bytes.
    pub fn character_string(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let start = out.len();
        out.push(0);
        self.unescape(out)?;
        let length = out.len() - start - 1;
        if length > STRING_LENGTH_MAX {
            return Err(self.fault(Problem::StringTooLong { length }));
        }
        out[start] = length as u8;
        Ok(())
    }
}

/// The byte that an escape at the start of `bytes` stands for, and how many bytes the escape takes.
pub fn unescape_one(bytes: &[u8]) -> Option<(u8, usize)> {
    let &[_, first, ref more @ ..] = bytes else { return None };
    if !first.is_ascii_digit() {
        return Some((first, 2));
    }
    let &[second, third, ..] = more else { return None };
    if !second.is_ascii_digit() || !third.is_ascii_digit() {
        return None;
    }
    let digit = |byte: u8| u32::from(byte - b'0');
    let value = 100 * digit(first) + 10 * digit(second) + digit(third);
    u8::try_from(value).ok().map(|byte| (byte, 4))
}
