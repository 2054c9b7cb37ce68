//! Taking apart the wire form of record data. Everything returns `None` where the bytes do not fit.

/// What is left of the data, and what came before it.
#[derive(Debug)]
pub struct Wire<'a> {
    whole: &'a [u8],
    at: usize,
}

impl<'a> Wire<'a> {
    pub fn new(whole: &'a [u8]) -> Self {
        Self { whole, at: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.at == self.whole.len()
    }

    /// The byte before the next one.
    pub fn previous(&self) -> Option<u8> {
        self.whole[..self.at].last().copied()
    }

    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.whole[self.at..].get(..length)?;
        self.at += length;
        Some(taken)
    }

    pub fn take_rest(&mut self) -> &'a [u8] {
        let rest = &self.whole[self.at..];
        self.at = self.whole.len();
        rest
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A length byte and that many bytes.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    /// An uncompressed name, its root byte included.
    pub fn name(&mut self) -> Option<&'a [u8]> {
        let (_, length) = model::Name::read_wire(&self.whole[self.at..]).ok()?;
        self.take(length)
    }
}
