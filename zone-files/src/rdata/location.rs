//! LOC (RFC 1876): a place on the earth, with the precision to which it is known.

use super::wire::Wire;
use crate::problem::Fault;
use crate::words::{Word, Words};

const WANTED_LATITUDE: &str = "a latitude: degrees up to 90, minutes, seconds, then N or S";
const WANTED_LONGITUDE: &str = "a longitude: degrees up to 180, minutes, seconds, then E or W";
const WANTED_ALTITUDE: &str = "an altitude from -100000.00m to 42849672.95m";
const WANTED_SIZE: &str = "a size or precision from 0m to 90000000.00m";

/// Angles are thousandths of a second of arc from here (RFC 1876 section 2).
const ANGLE_ZERO: u32 = 1 << 31;
const DEGREE: u32 = 3_600_000;
const MINUTE: u32 = 60_000;
/// Altitudes are centimetres above this depth.
const ALTITUDE_ZERO_CM: i64 = 10_000_000;
const SIZE_MAX_CM: i64 = 9_000_000_000;
/// Where size, horizontal and vertical precision are not given: 1 m, 10 km, 10 m.
const DEFAULT_SIZES: [u8; 3] = [0x12, 0x16, 0x13];

/// The letters of the positive and the negative half, and the largest angle in degrees.
struct Axis {
    positive: &'static str,
    negative: &'static str,
    degrees_max: u32,
    wanted: &'static str,
}

const LATITUDE: Axis =
    Axis { positive: "N", negative: "S", degrees_max: 90, wanted: WANTED_LATITUDE };
const LONGITUDE: Axis =
    Axis { positive: "E", negative: "W", degrees_max: 180, wanted: WANTED_LONGITUDE };

pub fn read(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let latitude = read_angle(&LATITUDE, words)?;
    let longitude = read_angle(&LONGITUDE, words)?;
    let altitude = words.expect(WANTED_ALTITUDE)?;
    let altitude_cm = centimetres(altitude)
        .and_then(|altitude_cm| u32::try_from(altitude_cm + ALTITUDE_ZERO_CM).ok())
        .ok_or_else(|| altitude.unexpected(WANTED_ALTITUDE))?;
    let mut sizes = DEFAULT_SIZES;
    for (size, word) in sizes.iter_mut().zip(&mut *words) {
        *size = read_size(word).ok_or_else(|| word.unexpected(WANTED_SIZE))?;
    }
    const VERSION: u8 = 0;
    out.push(VERSION);
    out.extend_from_slice(&sizes);
    for number in [latitude, longitude, altitude_cm] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    Ok(())
}

fn read_angle(axis: &Axis, words: &mut Words<'_>) -> Result<u32, Fault> {
    let degrees = words.expect(axis.wanted)?.number(axis.degrees_max, axis.wanted)?;
    let mut angle = degrees * DEGREE;
    let mut word = words.expect(axis.wanted)?;
    if starts_with_digit(word) {
        angle += word.number(59, axis.wanted)? * MINUTE;
        word = words.expect(axis.wanted)?;
        if starts_with_digit(word) {
            angle += decimal(word.plain(axis.wanted)?.as_bytes(), 3)
                .filter(|&thousandths| thousandths < i64::from(MINUTE))
                .ok_or_else(|| word.unexpected(axis.wanted))? as u32;
            word = words.expect(axis.wanted)?;
        }
    }
    let half = word.plain(axis.wanted)?;
    if angle > axis.degrees_max * DEGREE {
        Err(word.unexpected(axis.wanted))
    } else if half.eq_ignore_ascii_case(axis.positive) {
        Ok(ANGLE_ZERO + angle)
    } else if half.eq_ignore_ascii_case(axis.negative) {
        Ok(ANGLE_ZERO - angle)
    } else {
        Err(word.unexpected(axis.wanted))
    }
}

fn starts_with_digit(word: Word<'_>) -> bool {
    word.bytes.first().is_some_and(u8::is_ascii_digit)
}

/// Metres with up to two decimals and perhaps an `m`.
fn centimetres(word: Word<'_>) -> Option<i64> {
    let text = word.plain("metres").ok()?;
    let text = text.strip_suffix('m').unwrap_or(text);
    match text.strip_prefix('-') {
        Some(depth) => decimal(depth.as_bytes(), 2).map(|depth| -depth),
        None => decimal(text.as_bytes(), 2),
    }
}

/// A decimal number in units of its last allowed place; at least one digit before the point.
fn decimal(text: &[u8], places: usize) -> Option<i64> {
    let point = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &[][..]),
    };
    if whole.is_empty() || whole.len() > 10 || fraction.len() > places {
        return None;
    }
    let zeros = std::iter::repeat_n(&b'0', places - fraction.len());
    whole.iter().chain(fraction).chain(zeros).try_fold(0, |number: i64, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
    })
}

/// One digit and a power of ten, in centimetres; further digits are cut off.
fn read_size(word: Word<'_>) -> Option<u8> {
    let mut digit = centimetres(word).filter(|size| (0..=SIZE_MAX_CM).contains(size))?;
    let mut power = 0;
    while digit > 9 {
        digit /= 10;
        power += 1;
    }
    Some((digit as u8) << 4 | power)
}

pub fn print(wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    let version = wire.u8()?;
    let sizes: [u8; 3] = wire.array()?;
    let (latitude, longitude, altitude) = (wire.u32()?, wire.u32()?, wire.u32()?);
    if version != 0 {
        return None;
    }
    print_angle(&LATITUDE, latitude, text)?;
    text.push(' ');
    print_angle(&LONGITUDE, longitude, text)?;
    let altitude_cm = i64::from(altitude) - ALTITUDE_ZERO_CM;
    let sign = if altitude_cm < 0 { "-" } else { "" };
    let (metres, hundredths) = (altitude_cm.abs() / 100, altitude_cm.abs() % 100);
    text.push_str(&format!(" {sign}{metres}.{hundredths:02}m"));
    sizes.into_iter().try_for_each(|size| print_size(size, text))
}

fn print_angle(axis: &Axis, value: u32, text: &mut String) -> Option<()> {
    let angle = value.abs_diff(ANGLE_ZERO);
    let half = if value < ANGLE_ZERO { axis.negative } else { axis.positive };
    let (degrees, minutes) = (angle / DEGREE, angle % DEGREE / MINUTE);
    let (seconds, thousandths) = (angle % MINUTE / 1000, angle % 1000);
    text.push_str(&format!("{degrees} {minutes} {seconds}.{thousandths:03} {half}"));
    (angle <= axis.degrees_max * DEGREE).then_some(())
}

/// `None` for what [`read_size`] never gives: two digits, or a zero with a power.
fn print_size(size: u8, text: &mut String) -> Option<()> {
    let (digit, power) = (size >> 4, size & 15);
    if digit > 9 || power > 9 || (digit == 0 && power > 0) {
        return None;
    }
    let size_cm = u64::from(digit) * 10u64.pow(power.into());
    let (metres, hundredths) = (size_cm / 100, size_cm % 100);
    match hundredths {
        0 => text.push_str(&format!(" {metres}m")),
        _ => text.push_str(&format!(" {metres}.{hundredths:02}m")),
    }
    Some(())
}
