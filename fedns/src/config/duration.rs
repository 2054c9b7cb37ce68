//! Durations as a person writes them.

use std::time::Duration;

/// `180s`, `5m`, `1h30m`, `250ms`, or a bare number of seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = split_at_first(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split_at_first(after, |c| c.is_ascii_digit());
        let one = match unit {
            _ if number.is_empty() => return Err("a number must come first".into()),
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            "" => return Err(format!("a unit must follow {number}; use ms, s, m, h or d")),
            _ => return Err(format!("{unit:?} is no unit; use ms, s, m, h or d")),
        };
        let part = number.parse().ok().and_then(|number| one.checked_mul(number));
        let sum = part.and_then(|part| total.checked_add(part));
        total = sum.ok_or_else(|| format!("{number} is too large a number"))?;
        rest = after;
    }
    if text.is_empty() { Err("it is empty".into()) } else { Ok(total) }
}

fn split_at_first(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let seconds = |text| parse_duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("180"), Ok(180));
        assert_eq!(seconds("180s"), Ok(180));
        assert_eq!(seconds("1h30m"), Ok(5400));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for bad in ["", "s", "5 m", "-1", "1.5h", "5x", "1h30", "99999999999", "99999999999s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
