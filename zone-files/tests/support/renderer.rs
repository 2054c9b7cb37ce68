//! Zones as text: plainly, or in the many ways in which a zone can be written.

use model::Name;

use super::generator::{Set, Word, Zone};
use super::random::Random;

/// One record a line, nothing shortened.
pub fn plain(zone: &Zone) -> String {
    let mut text = format!("$ORIGIN {}\n", zone.apex);
    for Set { name, ttl, record_type, values } in &zone.sets {
        for value in values {
            let words: Vec<String> = value.iter().map(plain_word).collect();
            text += &format!("{name} {ttl} IN {record_type} {}\n", words.join(" "));
        }
    }
    text
}

fn plain_word(word: &Word) -> String {
    match word {
        Word::Name(name) | Word::KeptName(name) => name.to_string(),
        Word::Text(bytes) | Word::Quoted(bytes) => quoted(bytes, |_| false),
        Word::Split(text) | Word::Plain(text) => text.clone(),
    }
}

/// Written by somebody who knows every trick.
pub fn varied(zone: &Zone, seed: u64) -> String {
    let mut records: Vec<Line<'_>> = zone
        .sets
        .iter()
        .flat_map(|set| set.values.iter().map(move |value| Line { set, value }))
        .collect();
    let mut random = Random::new(seed);
    if random.one_in(2) {
        // The SOA stays first.
        random.shuffle(&mut records[1..]);
    }
    let text = format!("$ORIGIN {}\n$TTL 300\n", zone.apex);
    let origin = zone.apex.clone();
    let mut writer = Writer { random, text, origin, ttl: 300, owner: None };
    for line in records {
        writer.record(&line);
        writer.between(zone);
    }
    writer.text
}

struct Line<'z> {
    set: &'z Set,
    value: &'z [Word],
}

struct Writer {
    random: Random,
    text: String,
    origin: Name,
    ttl: u32,
    owner: Option<Name>,
}

impl Writer {
    /// Comments, empty lines, and other origins and TTLs from here on.
    fn between(&mut self, zone: &Zone) {
        match self.random.below(20) {
            0 => self.text += "\n",
            1 => self.text += "   ; a comment with \"quotes and ( parentheses\n",
            2 => {
                let at = self.random.below(zone.sets.len());
                self.origin = zone.sets[at].name.clone();
                self.text += &format!("$ORIGIN {}\n", self.origin);
            }
            3 => {
                // Not 0, which ldns takes for none.
                self.ttl = self.random.pick(&[1, 180, 3600, 90_061]);
                self.text += &format!("$TTL {} ; from here on\n", self.ttl);
            }
            _ => {}
        }
    }

    fn record(&mut self, line: &Line<'_>) {
        let Line { set, value } = line;
        let is_same = self.owner.as_ref() == Some(&set.name);
        if !is_same || self.random.one_in(4) {
            let owner = self.name(&set.name, true);
            self.text += &owner;
        }
        self.owner = Some(set.name.clone());
        self.blank();
        if set.ttl != self.ttl || self.random.one_in(4) {
            let ttl = self.time(set.ttl);
            self.text += &ttl;
            self.blank();
        }
        if self.random.one_in(2) {
            self.text += self.random.pick(&["IN", "in", "In"]);
            self.blank();
        }
        let record_type = self.letters(set.record_type);
        self.text += &record_type;
        self.data(value);
        self.text += self.random.pick(&["", "", " ", "\t; comment"]);
        self.text.push('\n');
    }

    fn data(&mut self, value: &[Word]) {
        let has_parentheses = self.random.one_in(4);
        self.blank();
        if has_parentheses {
            self.text += "( ";
        }
        for word in value {
            for word in self.words(word) {
                self.text += &word;
                self.blank();
                if has_parentheses && self.random.one_in(3) {
                    self.text += self.random.pick(&["\n", "; ) \"\n\t", "\n\n  "]);
                }
            }
        }
        if has_parentheses {
            self.text += ")";
        }
    }

    fn words(&mut self, word: &Word) -> Vec<String> {
        match word {
            Word::Name(name) => vec![self.name(name, true)],
            Word::KeptName(name) => vec![self.name(name, false)],
            Word::Quoted(bytes) => vec![self.quoted(bytes)],
            Word::Text(bytes) if bytes.is_empty() || self.random.one_in(2) => {
                vec![self.quoted(bytes)]
            }
            Word::Text(bytes) => vec![self.bare(bytes)],
            Word::Plain(text) => vec![text.clone()],
            Word::Split(text) => self.split(text),
        }
    }

    fn blank(&mut self) {
        self.text += self.random.pick(&[" ", " ", "\t", "  \t "]);
    }

    /// Pieces of whole bytes and of whole base 64 groups, as one reader of zone files wants them.
    fn split(&mut self, text: &str) -> Vec<String> {
        let at = self.random.below(text.len() + 1) / 4 * 4;
        let pieces = [&text[..at], &text[at..]].map(str::to_owned);
        pieces.into_iter().filter(|piece| !piece.is_empty()).collect()
    }

    fn time(&mut self, seconds: u32) -> String {
        if self.random.one_in(2) {
            return seconds.to_string();
        }
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        format!("{days}d{hours}H{}m{}s", seconds / 60 % 60, seconds % 60)
    }

    fn letters(&mut self, text: &str) -> String {
        if self.random.one_in(4) { text.to_lowercase() } else { text.to_owned() }
    }

    /// Relative to the present origin where that can be, or absolute.
    fn name(&mut self, name: &Name, any_case: bool) -> String {
        let is_relative = !self.random.one_in(3);
        if *name == self.origin && is_relative {
            return "@".to_owned();
        }
        let mut labels: Vec<&[u8]> = name.labels().collect();
        let is_relative = is_relative && name.is_below(&self.origin);
        if is_relative {
            labels.truncate(labels.len() - self.origin.label_count());
        }
        let labels: Vec<String> =
            labels.into_iter().map(|label| self.label(label, any_case)).collect();
        labels.join(".") + if is_relative { "" } else { "." }
    }

    fn label(&mut self, label: &[u8], any_case: bool) -> String {
        let upper = any_case && self.random.one_in(4);
        let mut text = String::new();
        for &byte in label {
            let byte = if upper { byte.to_ascii_uppercase() } else { byte };
            match byte {
                _ if self.random.one_in(15) => text += &format!("\\{byte:03}"),
                b'.' | b' ' | b';' | b'(' | b')' | b'"' | b'\\' | b'@' | b'$' => {
                    text.extend(['\\', char::from(byte)]);
                }
                0x21..=0x7e => text.push(char::from(byte)),
                _ => text += &format!("\\{byte:03}"),
            }
        }
        text
    }

    fn quoted(&mut self, bytes: &[u8]) -> String {
        quoted(bytes, |_| self.random.one_in(15))
    }

    fn bare(&mut self, bytes: &[u8]) -> String {
        let mut text = String::new();
        for &byte in bytes {
            match byte {
                b' ' | b';' | b'(' | b')' | b'"' | b'\\' | b'@' => {
                    text.extend(['\\', char::from(byte)])
                }
                0x21..=0x7e => text.push(char::from(byte)),
                _ => text += &format!("\\{byte:03}"),
            }
        }
        text
    }
}

fn quoted(bytes: &[u8], mut escapes: impl FnMut(u8) -> bool) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            0x20..=0x7e if !escapes(byte) => text.push(char::from(byte)),
            _ => text += &format!("\\{byte:03}"),
        }
    }
    text + "\""
}
