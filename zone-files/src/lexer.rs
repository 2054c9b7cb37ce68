//! Bytes to entries: an entry is what ends at a line's end outside parentheses (RFC 1035 section 5.1).
//!
//! The lexer only finds where words begin and end; escapes are undone by whoever reads a word, since
//! `\.` means one thing in a name and another in a string.

use crate::position::column_after;
use crate::problem::{Fault, Problem};

/// More words than the longest record data can be written with: 65535 bytes, one hex digit a word.
const WORDS_MAX: usize = 1 << 18;

/// Goes through one text, an entry at a time.
#[derive(Debug)]
pub struct Lexer {
    /// The next byte to look at.
    at: usize,
    /// The line that `at` stands in, from 1.
    line: u32,
    line_start: usize,
}

/// Where an entry begins.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// True where the line begins with a blank: the record has the name of the one before it.
    pub starts_blank: bool,
    start: usize,
    line: u32,
    line_start: usize,
}

/// A word of an entry, as byte offsets into the text; quotes are not part of it.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub start: usize,
    pub end: usize,
    pub is_quoted: bool,
    /// True for a quote that begins in the middle of a word, right behind its unquoted part.
    pub is_inside: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Blank,
    Newline,
    Comment,
    Open,
    Close,
    Quote,
    Control,
}

/// What the entry that is being read has so far.
struct Progress<'t> {
    tokens: &'t mut Vec<Token>,
    /// How many parentheses wait to be closed, and where the first of them stands.
    open: usize,
    outermost_open: usize,
    fault: Option<Fault>,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Word; 256];
    let mut control = 0;
    while control < 0x20 {
        classes[control] = Class::Control;
        control += 1;
    }
    classes[0x7f] = Class::Control;
    classes[b' ' as usize] = Class::Blank;
    classes[b'\t' as usize] = Class::Blank;
    classes[b'\n' as usize] = Class::Newline;
    classes[b';' as usize] = Class::Comment;
    classes[b'(' as usize] = Class::Open;
    classes[b')' as usize] = Class::Close;
    classes[b'"' as usize] = Class::Quote;
    classes
};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

// === impl Lexer ===

impl Lexer {
    /// Starts at the beginning of `text`, behind a byte-order mark if an editor left one.
    pub fn new(text: &[u8]) -> Self {
        let at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Self { at, line: 1, line_start: at }
    }

    /// Reads the next entry's words into `tokens`; `None` at the end of the text.
    ///
    /// An entry is always read to its end, so that after a fault the next call goes on with the
    /// next entry. The first fault of an entry is the one that is told.
    pub fn next_entry(
        &mut self,
        text: &[u8],
        tokens: &mut Vec<Token>,
    ) -> Option<(Entry, Result<(), Fault>)> {
        tokens.clear();
        let mut progress = Progress { tokens, open: 0, outermost_open: 0, fault: None };
        let mut entry = self.entry_here(text);
        while let Some(&byte) = text.get(self.at) {
            match CLASSES[usize::from(byte)] {
                Class::Word => self.bare_word(text, &mut progress),
                Class::Blank => self.at += 1,
                Class::Newline => {
                    self.newline();
                    if progress.open > 0 {
                        continue;
                    }
                    if progress.is_empty() {
                        entry = self.entry_here(text);
                    } else {
                        return Some((entry, progress.finish()));
                    }
                }
                Class::Comment => self.comment(text),
                Class::Open => progress.open_at(self.step()),
                Class::Close => progress.close_at(self.step()),
                Class::Quote => self.quoted_word(text, &mut progress),
                Class::Control => self.control(text, &mut progress),
            }
        }
        progress.end_of_text();
        (!progress.is_empty()).then(|| (entry, progress.finish()))
    }

    fn entry_here(&self, text: &[u8]) -> Entry {
        let starts_blank = matches!(text.get(self.at), Some(b' ' | b'\t'));
        let Self { at: start, line, line_start } = *self;
        Entry { starts_blank, start, line, line_start }
    }

    /// The present offset, which is then left behind.
    fn step(&mut self) -> usize {
        self.at += 1;
        self.at - 1
    }

    fn newline(&mut self) {
        self.at += 1;
        self.line += 1;
        self.line_start = self.at;
    }

    fn comment(&mut self, text: &[u8]) {
        let rest = &text[self.at..];
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }

    /// A carriage return is part of its line's end; any other control character is a fault, and then
    /// stands for a blank.
    fn control(&mut self, text: &[u8], progress: &mut Progress<'_>) {
        let byte = text[self.at];
        let ends_line = byte == b'\r' && matches!(text.get(self.at + 1), None | Some(b'\n'));
        if !ends_line {
            progress.note(self.at, || Problem::ControlCharacter { byte });
        }
        self.at += 1;
    }

    fn bare_word(&mut self, text: &[u8], progress: &mut Progress<'_>) {
        let start = self.at;
        while let Some(&byte) = text.get(self.at) {
            if CLASSES[usize::from(byte)] != Class::Word {
                break;
            }
            self.at += 1;
            if byte == b'\\' {
                self.escaped(text, progress);
            }
        }
        progress.push(start, self.at, false);
    }

    fn quoted_word(&mut self, text: &[u8], progress: &mut Progress<'_>) {
        let quote = self.step();
        loop {
            match text.get(self.at) {
                None | Some(b'\n') => {
                    progress.note(quote, || Problem::UnclosedQuote);
                    progress.push(quote + 1, self.at, true);
                    return;
                }
                Some(b'"') => {
                    progress.push(quote + 1, self.at, true);
                    self.at += 1;
                    return;
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escaped(text, progress);
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// Passes the byte behind a backslash, which cannot be a line's end.
    fn escaped(&mut self, text: &[u8], progress: &mut Progress<'_>) {
        match text.get(self.at) {
            None | Some(b'\n' | b'\r') => progress.note(self.at - 1, || Problem::BadEscape),
            Some(_) => self.at += 1,
        }
    }
}

// === impl Progress ===

impl Progress<'_> {
    /// True where the line held only blanks and comments so far.
    fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.fault.is_none()
    }

    fn push(&mut self, start: usize, end: usize, is_quoted: bool) {
        if self.tokens.len() == WORDS_MAX {
            self.note(start, || Problem::EntryTooLong { limit: WORDS_MAX });
            return;
        }
        let last_bare_end = self.tokens.last().filter(|last| !last.is_quoted).map(|last| last.end);
        let is_inside = is_quoted && last_bare_end == Some(start - 1);
        self.tokens.push(Token { start, end, is_quoted, is_inside });
    }

    fn open_at(&mut self, offset: usize) {
        if self.open == 0 {
            self.outermost_open = offset;
        }
        self.open += 1;
    }

    fn close_at(&mut self, offset: usize) {
        match self.open.checked_sub(1) {
            Some(open) => self.open = open,
            None => self.note(offset, || Problem::UnopenedParenthesis),
        }
    }

    fn end_of_text(&mut self) {
        if self.open > 0 {
            self.fault = Some(Fault::new(self.outermost_open, Problem::UnclosedParenthesis));
        }
    }

    fn note(&mut self, offset: usize, problem: impl FnOnce() -> Problem) {
        if self.fault.is_none() {
            self.fault = Some(Fault::new(offset, problem()));
        }
    }

    fn finish(self) -> Result<(), Fault> {
        self.fault.map_or(Ok(()), Err)
    }
}

// === impl Entry ===

impl Entry {
    /// The entry at the start of a text.
    pub const FIRST: Self = Self { starts_blank: false, start: 0, line: 1, line_start: 0 };

    /// The line and column of a byte of this entry, both from 1.
    pub fn place(&self, text: &[u8], offset: usize) -> (u32, u32) {
        let before = &text[self.start..offset.clamp(self.start, text.len())];
        match before.iter().rposition(|&byte| byte == b'\n') {
            None => (self.line, column_after(&text[self.line_start..self.start + before.len()])),
            Some(last) => {
                let newlines = before.iter().filter(|&&byte| byte == b'\n').count();
                let line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
                (line, column_after(&before[last + 1..]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of each entry, or `line:column: problem`; `_` stands for a blank at the start.
    fn entries(text: &str) -> Vec<String> {
        let text = text.as_bytes();
        let (mut lexer, mut tokens, mut entries) = (Lexer::new(text), Vec::new(), Vec::new());
        while let Some((entry, outcome)) = lexer.next_entry(text, &mut tokens) {
            let words = tokens.iter().map(|token| {
                let word = String::from_utf8_lossy(&text[token.start..token.end]);
                if token.is_quoted { format!("{word:?}") } else { word.into_owned() }
            });
            let blank = entry.starts_blank.then(|| "_".to_owned());
            entries.push(match outcome {
                Ok(()) => blank.into_iter().chain(words).collect::<Vec<_>>().join(" "),
                Err(Fault { offset, problem }) => {
                    let (line, column) = entry.place(text, offset);
                    format!("{line}:{column}: {problem}")
                }
            });
        }
        entries
    }

    #[test]
    fn entries_end_at_lines_outside_parentheses() {
        assert_eq!(entries(""), [""; 0]);
        assert_eq!(entries("\n ; only a comment\n\t\n()\n"), [""; 0]);
        assert_eq!(entries("a b\n\tc\r\nd"), ["a b", "_ c", "d"]);
        assert_eq!(entries("a ( b ; c\n\n d(e)\n) f\ng"), ["a b d e f", "g"]);
        assert_eq!(entries("\u{feff}a ;c"), ["a"]);
        assert_eq!(entries("(a\n b)c\n"), ["a b c"]);
    }

    #[test]
    fn quotes_and_escapes_hold_words_together() {
        assert_eq!(entries(r#"a "b ; (c" "" d\ e\;f\"g"#), [r#"a "b ; (c" "" d\ e\;f\"g"#]);
        assert_eq!(entries(r#""a\"b""c" d="e f""#), [r#""a\\\"b" "c" d= "e f""#]);
    }

    #[test]
    fn faults_have_a_place_and_do_not_stop_the_rest() {
        let check = |text: &str, problem: &str| assert_eq!(entries(text), [problem, "next"]);
        check("a \"b\nnext", "1:3: this quote is not closed in its line");
        check("ä (\n ü \"b\n )\nnext", "2:4: this quote is not closed in its line");
        check("a b )\nnext", "1:5: this parenthesis closes none");
        check("a\u{1}b\nnext", "1:2: the control character 0x01 stands outside quotes");
        check("a\rb\nnext", "1:2: the control character 0x0d stands outside quotes");
        let escape = "a backslash is not followed by a character or by three digits up to 255";
        check("a b\\\nnext", &format!("1:4: {escape}"));
        check("a \"b\\\nnext", &format!("1:5: {escape}"));
        assert_eq!(entries("a\n(b\n(c\n"), ["a", "2:1: this parenthesis is never closed"]);
    }
}
