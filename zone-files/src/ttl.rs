//! Times: seconds, or numbers with units as in `1h30m`.

use crate::words::Word;

/// The seconds that `word` writes; `None` where it is no time or passes 32 bits.
///
/// Units are w, d, h, m and s in either case. Each number but a lone one needs its unit, and a unit
/// may come twice, as BIND takes it.
pub fn seconds(word: Word<'_>) -> Option<u32> {
    if word.is_quoted || word.bytes.is_empty() {
        return None;
    }
    let (mut total, mut number) = (0u32, None);
    for &byte in word.bytes {
        if byte.is_ascii_digit() {
            let shifted = number.unwrap_or(0u32).checked_mul(10)?;
            number = Some(shifted.checked_add(u32::from(byte - b'0'))?);
        } else {
            let part = number.take()?.checked_mul(unit_seconds(byte)?)?;
            total = total.checked_add(part)?;
        }
    }
    match number {
        None => Some(total),
        Some(lone) => word.bytes.iter().all(u8::is_ascii_digit).then_some(lone),
    }
}

fn unit_seconds(unit: u8) -> Option<u32> {
    match unit.to_ascii_lowercase() {
        b's' => Some(1),
        b'm' => Some(60),
        b'h' => Some(3600),
        b'd' => Some(86_400),
        b'w' => Some(604_800),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<u32>) {
        let bytes = text.as_bytes();
        let word = Word { bytes, offset: 0, is_quoted: false, is_inside: false };
        assert_eq!(seconds(word), expect, "{text}");
    }

    #[test]
    fn times_have_units_or_none() {
        check("0", Some(0));
        check("4294967295", Some(u32::MAX));
        check("4294967296", None);
        check("1h30m", Some(5400));
        check("30M1H", Some(5400));
        check("1w2d3h4m5s", Some(604_800 + 2 * 86_400 + 3 * 3600 + 4 * 60 + 5));
        check("1h1h", Some(7200));
        check("7102w", None);
        for text in ["", "h", "1h30", "1x", "-1", "1 h", "1hh"] {
            check(text, None);
        }
    }
}
