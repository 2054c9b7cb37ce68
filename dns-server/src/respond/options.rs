//! EDNS options: those of a query that mean something here, and those of its answer.

use crate::policy::Policy;
use crate::respond::cookie::{COOKIE_LENGTH, CookieStanding, is_cookie_length};
use crate::respond::{Client, ExtendedError};

const NSID: u16 = 3;
const COOKIE: u16 = 10;
const KEEPALIVE: u16 = 11;
const PADDING: u16 = 12;
const EXTENDED_ERROR: u16 = 15;
/// Code and length.
const OPTION_HEADER_LENGTH: usize = 4;
/// Padded answers are so many bytes long, or a multiple of it (RFC 8467 section 4.1).
const PADDED_LENGTH: usize = 468;

/// What the options of a query ask for. Unknown ones ask for nothing (RFC 6891 section 6.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// They do not follow one after the other to the end, or one of them cannot be read.
    pub malformed: bool,
    pub nsid: bool,
    pub keepalive: bool,
    pub padding: bool,
    pub cookie: Option<CookieAt>,
}

/// Where the data of a COOKIE option stands in the packet; its length is one that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CookieAt {
    start: u16,
    length: u8,
}

/// What an answer's OPT record says beyond its fixed part.
pub(crate) struct AnswerOptions<'p> {
    /// How many bytes all options but the extended error take.
    length: usize,
    cookie: Option<[u8; COOKIE_LENGTH]>,
    nsid: Option<&'p [u8]>,
    keepalive: Option<u16>,
    /// The answer's length is to tell less (RFC 7830).
    is_padded: bool,
    pub standing: CookieStanding,
}

// === impl Options ===

impl Options {
    pub const NONE: Self =
        Self { malformed: false, nsid: false, keepalive: false, padding: false, cookie: None };

    /// Reads the data of an OPT record that begins at `start` in its packet.
    pub fn read(data: &[u8], start: usize) -> Self {
        let mut options = Self::NONE;
        let mut position = 0;
        while position < data.len() {
            let Some((code, option)) = read_option(&data[position..]) else {
                return Self { malformed: true, ..options };
            };
            position += OPTION_HEADER_LENGTH;
            options.take(code, option.len(), start + position);
            position += option.len();
        }
        options
    }

    /// The first COOKIE counts (RFC 7873 section 5.2).
    fn take(&mut self, code: u16, length: usize, start: usize) {
        match code {
            NSID => self.nsid = true,
            // Clients send it empty (RFC 7828 section 3.1).
            KEEPALIVE => {
                self.keepalive = true;
                self.malformed |= !matches!(length, 0 | 2);
            }
            PADDING => self.padding = true,
            COOKIE if self.cookie.is_none() => match (u16::try_from(start), u8::try_from(length)) {
                (Ok(start), Ok(length)) if is_cookie_length(usize::from(length)) => {
                    self.cookie = Some(CookieAt { start, length });
                }
                _ => self.malformed = true,
            },
            _ => {}
        }
    }
}

fn read_option(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let ([c0, c1, l0, l1], rest) = bytes.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([*l0, *l1]));
    Some((u16::from_be_bytes([*c0, *c1]), rest.get(..length)?))
}

// === impl CookieAt ===

impl CookieAt {
    fn of(self, packet: &[u8]) -> &[u8] {
        let start = usize::from(self.start);
        packet.get(start..start + usize::from(self.length)).unwrap_or_default()
    }
}

// === impl AnswerOptions ===

impl<'p> AnswerOptions<'p> {
    pub const NONE: Self = Self {
        length: 0,
        cookie: None,
        nsid: None,
        keepalive: None,
        is_padded: false,
        standing: CookieStanding::Absent,
    };

    /// To a query that asks for something.
    pub fn new(options: Options, packet: &[u8], client: &Client<'p>) -> Self {
        if options.malformed {
            return Self::NONE;
        }
        let Client { transport, address, now, keepalive, policy } = *client;
        let Policy { cookies, nsid, .. } = policy;
        let cookie = cookies.as_ref().zip(options.cookie);
        let cookie = cookie.and_then(|(secrets, at)| secrets.answer(at.of(packet), address, now));
        let mut answer = Self {
            length: 0,
            cookie: cookie.map(|cookie| cookie.bytes),
            nsid: nsid.as_deref().filter(|_| options.nsid),
            keepalive: (options.keepalive && transport.has_keepalive()).then_some(keepalive),
            // Over UDP it would only help those who have answers sent to others.
            is_padded: options.padding && transport.is_encrypted(),
            standing: cookie.map_or(CookieStanding::Absent, |cookie| cookie.standing),
        };
        let lengths = [
            answer.cookie.map(|cookie| cookie.len()),
            answer.nsid.map(<[u8]>::len),
            answer.keepalive.map(|_| 2),
        ];
        answer.length = lengths.iter().flatten().map(|length| OPTION_HEADER_LENGTH + length).sum();
        answer
    }

    #[inline]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Fills a message of `length` bytes up behind its last option. Returns its length then, which is
    /// `limit` where that comes before the next multiple.
    pub fn pad(&self, out: &mut [u8], length: usize, limit: usize) -> usize {
        let start = length + OPTION_HEADER_LENGTH;
        if !self.is_padded || start > limit {
            return length;
        }
        let end = start.next_multiple_of(PADDED_LENGTH).min(limit);
        out[start..end].fill(0);
        out[length..length + 2].copy_from_slice(&PADDING.to_be_bytes());
        out[length + 2..start].copy_from_slice(&((end - start) as u16).to_be_bytes());
        end
    }

    /// Writes them to the start of `out`, which has room for them.
    pub fn write(&self, out: &mut [u8]) {
        let mut at = 0;
        if let Some(cookie) = &self.cookie {
            at = write_option(out, at, COOKIE, cookie);
        }
        if let Some(nsid) = self.nsid {
            at = write_option(out, at, NSID, nsid);
        }
        if let Some(keepalive) = self.keepalive {
            at = write_option(out, at, KEEPALIVE, &keepalive.to_be_bytes());
        }
        debug_assert_eq!(at, self.length);
    }
}

// === impl ExtendedError ===

impl ExtendedError {
    /// The whole option (RFC 8914 section 2), without a text of its own.
    pub(crate) const OPTION_LENGTH: usize = OPTION_HEADER_LENGTH + 2;

    pub(crate) fn write(self, out: &mut [u8]) {
        write_option(out, 0, EXTENDED_ERROR, &self.0.to_be_bytes());
    }
}

/// Returns where the next option goes.
fn write_option(out: &mut [u8], at: usize, code: u16, data: &[u8]) -> usize {
    let start = at + OPTION_HEADER_LENGTH;
    out[at..at + 2].copy_from_slice(&code.to_be_bytes());
    out[at + 2..start].copy_from_slice(&(data.len() as u16).to_be_bytes());
    out[start..start + data.len()].copy_from_slice(data);
    start + data.len()
}
