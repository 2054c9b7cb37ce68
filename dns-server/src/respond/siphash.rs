//! SipHash-2-4 (Aumasson and Bernstein): a keyed hash of short messages, as RFC 9018 wants it.

use std::array;

/// 64 bits of `message` under a key of 128 bits; little-endian bytes of it are its wire form.
pub(crate) fn siphash_2_4(key: &[u8; 16], message: &[u8]) -> u64 {
    let [k0, k1] = array::from_fn(|at| word(&key[8 * at..8 * at + 8]));
    let mut state = State([
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ]);
    let words = message.chunks_exact(8);
    // The last word has what is left, and in its highest byte the length.
    let last = word(words.remainder()) | (message.len() as u64) << 56;
    for word in words.map(word).chain([last]) {
        state.absorb(word);
    }
    state.finish()
}

/// Little-endian, of at most 8 bytes.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

struct State([u64; 4]);

impl State {
    fn absorb(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    fn finish(mut self) -> u64 {
        self.0[2] ^= 0xff;
        (0..4).for_each(|_| self.round());
        self.0.into_iter().fold(0, |hash, word| hash ^ word)
    }

    fn round(&mut self) {
        let [a, b, c, d] = &mut self.0;
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;

    /// The standard library's is the same function, kept for old programs.
    #[test]
    #[expect(deprecated, reason = "there is no newer one with this key and these rounds")]
    fn messages_of_every_length_hash_as_elsewhere() {
        let key: [u8; 16] = array::from_fn(|at| at as u8 * 7);
        let message: Vec<u8> = (0..80).map(|at| at * 3).collect();
        for length in 0..message.len() {
            let mut expect = std::hash::SipHasher::new_with_keys(word(&key[..8]), word(&key[8..]));
            expect.write(&message[..length]);
            assert_eq!(siphash_2_4(&key, &message[..length]), expect.finish(), "{length}");
        }
    }

    /// The example in the paper of SipHash, appendix A.
    #[test]
    fn the_authors_vector() {
        let bytes: [u8; 16] = array::from_fn(|at| at as u8);
        assert_eq!(siphash_2_4(&bytes, &bytes[..15]), 0xa129_ca61_49be_45e5);
    }
}
