//! Master-file text to a stream of records.

mod directive;
mod fields;

use std::borrow::Cow;
use std::sync::Arc;

use model::{Name, Rdata, RecordType};

use crate::include::{IncludeRequest, Included, Load};
use crate::lexer::{Entry, Lexer, Token};
use crate::name::read_name;
use crate::position::Position;
use crate::problem::{Fault, Problem, TextError};
use crate::rdata::read_rdata;
use crate::words::Words;
use directive::Directive;
use fields::Ttls;

/// How many texts may be open at once: a file, what it includes, what that includes, and so on.
const DEPTH_MAX: usize = 16;
/// How many `$INCLUDE`s are followed in all, however they are nested.
const INCLUDES_MAX: usize = 10_000;

/// A text to read and what to call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// For messages, and for the loader of includes; usually a path.
    pub file: &'a str,
    /// Any bytes; what is no zone file gives errors.
    pub text: &'a [u8],
}

/// One record as it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub name: Name,
    /// Seconds.
    pub ttl: u32,
    pub record_type: RecordType,
    pub rdata: Rdata,
    /// Where the record begins: its name, or what follows the blank in its place.
    pub position: Position,
}

/// Reads records one by one. After an error it goes on with the next entry, so that one pass finds
/// every mistake; it ends with the text.
///
/// Nothing is checked beyond the single record: see [`read_zone`](crate::read_zone).
pub struct Reader<'a> {
    /// The text that is read, and below it those that wait for an `$INCLUDE` to end.
    frames: Vec<Frame<'a>>,
    ttls: Ttls,
    loader: &'a mut dyn Load,
    includes: usize,
    tokens: Vec<Token>,
    scratch: Vec<u8>,
}

/// One text and how far it has been read. An `$INCLUDE` starts from the origin and the name of the
/// place where it stands, and leaves both as they were there (RFC 1035 section 5.1); `$TTL` goes on.
struct Frame<'a> {
    file: Arc<str>,
    text: Cow<'a, [u8]>,
    lexer: Lexer,
    /// Wire form, in the case that it was written in.
    origin: Vec<u8>,
    owner: Owner,
}

/// The name of the last record, which one without a name shares.
#[derive(Clone, Debug)]
enum Owner {
    NoneYet,
    /// What stood there could not be read; records that share it are checked and then dropped.
    Broken,
    Name(Name),
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// Reads `source` with `origin` as the first `$ORIGIN`.
    pub fn new(source: Source<'a>, origin: &Name, loader: &'a mut dyn Load) -> Self {
        let frame = Frame {
            file: source.file.into(),
            lexer: Lexer::new(source.text),
            text: Cow::Borrowed(source.text),
            origin: origin.wire().to_vec(),
            owner: Owner::NoneYet,
        };
        Self {
            frames: vec![frame],
            ttls: Ttls::default(),
            loader,
            includes: 0,
            tokens: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// The TTL in seconds of records that have none, until a `$TTL` says another.
    pub fn with_default_ttl(mut self, ttl: u32) -> Self {
        self.ttls.default = Some(ttl);
        self
    }

    /// A record, or `None` for a directive and for a record whose name could not be read.
    fn read_entry(&mut self, entry: Entry) -> Result<Option<Record>, Fault> {
        let Self { frames, ttls, tokens, scratch, .. } = self;
        let Some(frame) = frames.last_mut() else { return Ok(None) };
        let mut words = Words::new(&frame.text, tokens);
        let Some(first) = words.peek() else { return Ok(None) };
        if !entry.starts_blank && !first.is_quoted && first.bytes.starts_with(b"$") {
            words.next();
            let directive = directive::read(first, words, &frame.origin)?;
            return self.obey(directive).map(|()| None);
        }
        if !entry.starts_blank {
            words.next();
            frame.owner = Owner::Broken;
            frame.owner = Owner::Name(read_name(first, &frame.origin, scratch)?);
        }
        let (ttl, record_type) = fields::read_ttl_and_type(&mut words)?;
        let offset = words.offset();
        read_rdata(record_type, words, &frame.origin, scratch)?;
        let ttl = ttls.resolve(ttl, record_type, scratch);
        let ttl = ttl.ok_or_else(|| Fault::new(offset, Problem::NoTtl))?;
        let name = match &frame.owner {
            Owner::Name(name) => name.clone(),
            Owner::Broken => return Ok(None),
            Owner::NoneYet => return Err(Fault::new(first.offset, Problem::NoOwner)),
        };
        let (line, column) = entry.place(&frame.text, first.offset);
        let position = Position { file: Arc::clone(&frame.file), line, column };
        let rdata = Rdata::from_wire(scratch.as_slice());
        Ok(Some(Record { name, ttl, record_type, rdata, position }))
    }

    fn obey(&mut self, directive: Directive) -> Result<(), Fault> {
        match directive {
            Directive::Ttl(ttl) => self.ttls.default = Some(ttl),
            Directive::Origin(origin) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.origin = origin;
                }
            }
            Directive::Include { offset, path, origin } => {
                self.include(&path, origin).map_err(|problem| Fault::new(offset, problem))?;
            }
        }
        Ok(())
    }

    fn include(&mut self, path: &str, origin: Option<Vec<u8>>) -> Result<(), Problem> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        if self.frames.len() == DEPTH_MAX {
            return Err(Problem::IncludeTooDeep { limit: DEPTH_MAX });
        }
        if self.includes == INCLUDES_MAX {
            return Err(Problem::TooManyIncludes { limit: INCLUDES_MAX });
        }
        self.includes += 1;
        let request = IncludeRequest { path, from: &frame.file };
        let Included { file, text } = self.loader.load(request).map_err(|error| {
            Problem::Include { path: path.to_owned(), reason: error.to_string() }
        })?;
        if self.frames.iter().any(|open| open.file == file) {
            return Err(Problem::IncludeCircle { path: path.to_owned() });
        }
        let included = Frame {
            file,
            lexer: Lexer::new(&text),
            text: Cow::Owned(text),
            origin: origin.unwrap_or_else(|| frame.origin.clone()),
            owner: frame.owner.clone(),
        };
        self.frames.push(included);
        Ok(())
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Record, TextError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // An entry's place counts in the frame that is the last one now; an include adds another.
            let depth = self.frames.len().checked_sub(1)?;
            let Self { frames, tokens, .. } = self;
            let Frame { lexer, text, .. } = &mut frames[depth];
            let Some((entry, outcome)) = lexer.next_entry(text, tokens) else {
                self.frames.pop();
                continue;
            };
            if outcome.is_err() && !entry.starts_blank {
                frames[depth].owner = Owner::Broken;
            }
            match outcome.and_then(|()| self.read_entry(entry)) {
                Ok(None) => {}
                Ok(Some(record)) => return Some(Ok(record)),
                Err(fault) => return Some(Err(self.frames[depth].locate(entry, fault))),
            }
        }
    }
}

// === impl Frame ===

impl Frame<'_> {
    fn locate(&self, entry: Entry, fault: Fault) -> TextError {
        let (line, column) = entry.place(&self.text, fault.offset);
        let position = Position { file: Arc::clone(&self.file), line, column };
        TextError { position, problem: *fault.problem }
    }
}

#[cfg(test)]
mod tests;
