//! How `$INCLUDE` reaches other texts: through the caller.

use std::io;
use std::sync::Arc;

/// What an `$INCLUDE` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncludeRequest<'a> {
    /// The path as the file writes it, escapes undone.
    pub path: &'a str,
    /// What the including text is called: the [`Included::file`] or [`Source::file`] it came with.
    ///
    /// [`Source::file`]: crate::Source::file
    pub from: &'a str,
}

/// A text that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// What to call it in messages; also tells whether a file includes itself.
    pub file: Arc<str>,
    pub text: Vec<u8>,
}

/// Fetches what a zone file includes. Any function of that form is one; whether a relative path
/// counts from the including file or from elsewhere is its choice.
pub trait Load {
    /// # Errors
    ///
    /// Whatever keeps the text from being read; it is reported at the place of the `$INCLUDE`.
    fn load(&mut self, request: IncludeRequest<'_>) -> io::Result<Included>;
}

/// Refuses every `$INCLUDE`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoIncludes;

impl<F> Load for F
where
    F: FnMut(IncludeRequest<'_>) -> io::Result<Included>,
{
    fn load(&mut self, request: IncludeRequest<'_>) -> io::Result<Included> {
        self(request)
    }
}

impl Load for NoIncludes {
    fn load(&mut self, _: IncludeRequest<'_>) -> io::Result<Included> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this text may not include others"))
    }
}
