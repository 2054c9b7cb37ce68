//! The times of signatures (RFC 4034 section 3.2): `YYYYMMDDHHmmSS` in UTC, or seconds since 1970,
//! both modulo 2^32.

use crate::problem::Fault;
use crate::words::Words;

const WANTED: &str = "a time as YYYYMMDDHHmmSS, or in seconds since 1970";
const DATE_DIGITS: usize = 14;
const DAY_SECONDS: u64 = 86_400;

pub fn read(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED)?;
    let text = word.plain(WANTED)?;
    let seconds = if text.len() == DATE_DIGITS {
        from_date(text).ok_or_else(|| word.unexpected(WANTED))?
    } else {
        word.number(u32::MAX, WANTED)?
    };
    out.extend_from_slice(&seconds.to_be_bytes());
    Ok(())
}

/// Of all times that `seconds` can mean, prints the one between 1970 and 2106.
pub fn print(seconds: u32, text: &mut String) {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days.into());
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    text.push_str(&format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}"));
}

fn from_date(text: &str) -> Option<u32> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<u64> { text[from..to].parse().ok() };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    let is_real = year >= 1970
        && (1..=12).contains(&month)
        && (1..=month_days(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = is_real.then(|| days_since_1970(year, month, day) * DAY_SECONDS)?;
    Some((seconds + hour * 3600 + minute * 60 + second) as u32)
}

fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let months: u64 = (1..month).map(|month| month_days(year, month)).sum();
    days_before(year) - days_before(1970) + months + day - 1
}

/// Days from the start of year 1 to the start of `year` in the Gregorian calendar.
fn days_before(year: u64) -> u64 {
    let years = year - 1;
    years * 365 + years / 4 - years / 100 + years / 400
}

fn month_days(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The year, month and day that are `days` after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // No year is shorter than 365 days, so this is the year or a later one.
    let mut year = 1970 + days / 365;
    while days_since_1970(year, 1, 1) > days {
        year -= 1;
    }
    let mut day = days - days_since_1970(year, 1, 1);
    let mut month = 1;
    while day >= month_days(year, month) {
        day -= month_days(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(seconds: u32, date: &str) {
        let mut text = String::new();
        print(seconds, &mut text);
        assert_eq!(text, date);
        assert_eq!(from_date(date), Some(seconds));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        check(0, "19700101000000");
        check(951_782_400, "20000229000000");
        check(1_893_456_000, "20300101000000");
        check(u32::MAX, "21060207062815");
    }

    #[test]
    fn times_behind_2106_wrap() {
        assert_eq!(from_date("21060207062816"), Some(0));
    }

    #[test]
    fn dates_that_are_none_are_refused() {
        for text in [
            "20230230000000",
            "20231301000000",
            "20230101240000",
            "19691231235959",
            "2023010100000x",
        ] {
            assert_eq!(from_date(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn times_round_trip(seconds: u32) {
            let mut text = String::new();
            print(seconds, &mut text);
            prop_assert_eq!(from_date(&text), Some(seconds));
        }
    }
}
