//! `$ORIGIN`, `$TTL` and `$INCLUDE`.

use super::fields::read_ttl;
use crate::name::{Case, push_name};
use crate::problem::{Fault, Problem};
use crate::words::{Word, Words};

/// What a directive asks for.
#[derive(Debug)]
pub enum Directive {
    /// Wire form, in the case that it was written in.
    Origin(Vec<u8>),
    /// Seconds.
    Ttl(u32),
    Include {
        /// Where the path stands.
        offset: usize,
        path: String,
        origin: Option<Vec<u8>>,
    },
}

const WANTED_NAME: &str = "a domain name";
const WANTED_TTL: &str = "a TTL";
const WANTED_PATH: &str = "a path in UTF-8";

/// Reads the directive that `keyword` begins; names are relative to `origin`.
pub fn read(keyword: Word<'_>, mut words: Words<'_>, origin: &[u8]) -> Result<Directive, Fault> {
    let is = |name: &str| keyword.bytes.eq_ignore_ascii_case(name.as_bytes());
    let directive = if is("$ORIGIN") {
        Directive::Origin(read_origin(words.expect(WANTED_NAME)?, origin)?)
    } else if is("$TTL") {
        Directive::Ttl(read_ttl(words.expect(WANTED_TTL)?)?)
    } else if is("$INCLUDE") {
        read_include(&mut words, origin)?
    } else if is("$GENERATE") {
        return Err(keyword.fault(Problem::Generate));
    } else {
        return Err(keyword.fault(Problem::UnknownDirective { found: keyword.excerpt() }));
    };
    words.finish()?;
    Ok(directive)
}

fn read_include(words: &mut Words<'_>, origin: &[u8]) -> Result<Directive, Fault> {
    let word = words.expect(WANTED_PATH)?;
    let mut path = Vec::new();
    word.unescape(&mut path)?;
    let path = String::from_utf8(path).map_err(|_| word.unexpected(WANTED_PATH))?;
    let origin = words.next().map(|word| read_origin(word, origin)).transpose()?;
    Ok(Directive::Include { offset: word.offset, path, origin })
}

fn read_origin(word: Word<'_>, origin: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut wire = Vec::new();
    push_name(word, origin, Case::AsWritten, &mut wire)?;
    Ok(wire)
}
