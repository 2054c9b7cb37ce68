//! From when until when a certificate is good: the one thing in it that no client of ours looks at.

use model::UnixTime;

const SEQUENCE: u8 = 0x30;
/// The version, which is left out where it is the first.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SECONDS_OF_DAY: i64 = 24 * 60 * 60;

/// Both included (RFC 5280 section 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub not_before: UnixTime,
    pub not_after: UnixTime,
}

/// One value of DER (X.690), and what follows it.
struct Value<'a> {
    tag: u8,
    contents: &'a [u8],
    rest: &'a [u8],
}

impl Validity {
    /// Of a certificate in DER; None for what is none.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let certificate = sequence(certificate)?;
        let fields = sequence(certificate.contents)?.contents;
        let first = Value::read(fields)?;
        let serial = if first.tag == VERSION { Value::read(first.rest)? } else { first };
        let signature = sequence(serial.rest)?;
        let issuer = sequence(signature.rest)?;
        let validity = sequence(issuer.rest)?;
        let not_before = Value::read(validity.contents)?;
        let not_after = Value::read(not_before.rest)?;
        Some(Self { not_before: not_before.time()?, not_after: not_after.time()? })
    }
}

fn sequence(bytes: &[u8]) -> Option<Value<'_>> {
    Value::read(bytes).filter(|value| value.tag == SEQUENCE)
}

impl<'a> Value<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let ([tag, length], rest) = bytes.split_first_chunk()?;
        let (length, rest) = match usize::from(*length) {
            short @ ..=0x7f => (short, rest),
            // So many bytes of length follow.
            long @ 0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(long - 0x80)?;
                (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        Some(Self { tag: *tag, contents, rest })
    }

    /// Certificates have no time zones and no fractions; what was before 1970 counts as then.
    fn time(&self) -> Option<UnixTime> {
        let text = self.contents.strip_suffix(b"Z")?;
        let (year, rest) = match self.tag {
            UTC_TIME => {
                let (year, rest) = text.split_at_checked(2)?;
                let year = number(year)?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4)?;
                (number(year)?, rest)
            }
            _ => return None,
        };
        let (pairs, []) = rest.as_chunks::<2>() else { return None };
        let [month, day, hour, minute, second] = pairs else { return None };
        let [month, day] = [number(month)?, number(day)?];
        let seconds = number(hour)? * 3600 + number(minute)? * 60 + number(second)?;
        let seconds = days(year, month, day) * SECONDS_OF_DAY + seconds;
        Some(UnixTime(u64::try_from(seconds).unwrap_or(0)))
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |sum, byte| Some(sum * 10 + i64::from(char::from(*byte).to_digit(10)?)))
}

/// From 1970-01-01 to a day of the Gregorian calendar, which is counted from the first of March, so
/// that the day that some years have more is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let years = if month > 2 { year } else { year - 1 };
    let months = (month + 9) % 12;
    let leap_days = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    // Five months have 153 days, from March on and from August on.
    years * 365 + leap_days + (153 * months + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn the_times_are_those_that_another_library_wrote() {
        let key = KeyPair::generate().unwrap();
        for ((year, month, day), expect) in [
            ((1970, 1, 1), 0),
            ((1999, 12, 31), 946_598_400),
            ((2000, 2, 29), 951_782_400),
            ((2000, 3, 1), 951_868_800),
            ((2026, 11, 22), 1_795_305_600),
            ((2049, 12, 31), 2_524_521_600),
            // From here on with four digits of the year.
            ((2050, 1, 1), 2_524_608_000),
            ((2100, 3, 1), 4_107_542_400),
        ] {
            let mut params = CertificateParams::default();
            params.not_before = date_time_ymd(year, month, day);
            params.not_after = date_time_ymd(year + 1, month, 1);
            let certificate = params.self_signed(&key).unwrap();
            let validity = Validity::of(certificate.der()).unwrap();
            assert_eq!(validity.not_before, UnixTime(expect), "{year}-{month}-{day}");
            assert!(validity.not_after > validity.not_before);
        }
    }

    #[test]
    fn what_is_cut_off_has_no_times() {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let der = certificate.der();
        assert!((0..der.len()).all(|length| Validity::of(&der[..length]).is_none()));
    }
}
