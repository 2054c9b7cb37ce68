//! Where something stands in a zone file.

use std::fmt;
use std::sync::Arc;

/// A place in the text of a zone; prints as `file:line:column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// What the caller or the include loader calls the text, usually its path.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters as an editor counts them.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How many characters stand before the end of `line_start`; bytes that continue a UTF-8 character
/// do not count.
pub(crate) fn column_after(line_start: &[u8]) -> u32 {
    let characters = line_start.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
    u32::try_from(characters + 1).unwrap_or(u32::MAX)
}
