//! How clients are treated: what the config says of them, with the secrets of cookies read in.

use std::path::Path;

use dns_server::respond::COOKIE_SECRET_LENGTH;
use dns_server::{CookieSecrets, Policy};

use super::{Clients, Config, ConfigError, Cookies, Subject};

/// Where a line of the file cannot be read.
const WANTED: &str =
    "a secret of 32 hexadecimal digits in each line, the first of which makes new cookies";

/// `own` is the secret of this process, for where no file has one.
pub fn client_policy(config: &Config, own: &CookieSecrets) -> Result<Policy, ConfigError> {
    let Clients { query_access, cookies, rate_limit, nsid, identity } = config.clients.clone();
    let cookies = match cookies {
        Cookies::Off => None,
        Cookies::Own => Some(own.clone()),
        Cookies::Shared(_) => cookie_secrets(config)?,
    };
    Ok(Policy { query_access, cookies, rate_limit, nsid, identity })
}

/// Those of a file, where the config names one.
pub fn cookie_secrets(config: &Config) -> Result<Option<CookieSecrets>, ConfigError> {
    config.cookie_file().map(|file| read(config, file)).transpose()
}

fn read(config: &Config, file: &Path) -> Result<CookieSecrets, ConfigError> {
    let (places, subject) = (&config.places, Subject::CookieSecrets);
    let text = std::fs::read_to_string(file).map_err(|error| {
        ConfigError::one(places.unusable(&subject, file, "a file of cookie secrets", &error))
    })?;
    parse(&text).map_err(|found| {
        let message = format!("found {found} in {}, wanted {WANTED}", file.display());
        ConfigError::one(places.line(&subject, message))
    })
}

/// A line's own words are secret, so an error tells only where it is.
fn parse(text: &str) -> Result<CookieSecrets, String> {
    let mut secrets = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        secrets.push(secret(line).ok_or_else(|| format!("something else at line {number}"))?);
    }
    if secrets.is_empty() {
        return Err("no secret".into());
    }
    let current = secrets.remove(0);
    Ok(CookieSecrets::new(current, secrets))
}

fn secret(text: &str) -> Option<[u8; COOKIE_SECRET_LENGTH]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
    const SECOND: &str = "DD3BDF9344B678B185A6F5CB60FCA715";

    #[test]
    fn secrets_stand_one_in_a_line() {
        let first = secret(FIRST).unwrap();
        let second = secret(SECOND).unwrap();
        assert_eq!((first[0], second[0], second[15]), (0xe5, 0xdd, 0x15));
        let both = CookieSecrets::new(first, vec![second]);
        assert_eq!(parse(&format!("# Rolled in May.\n\n {FIRST} \r\n{SECOND}")), Ok(both));
    }

    #[test]
    fn what_is_no_secret_is_told_by_its_line() {
        let longer = format!("{FIRST}00");
        for line in ["secret", &FIRST[1..], &longer, "e5e973e5a6b2a43f48e7dc849e37bfcx"] {
            let error = parse(&format!("{FIRST}\n{line}\n")).unwrap_err();
            assert_eq!(error, "something else at line 2");
        }
        assert_eq!(parse("# none\n"), Err("no secret".into()));
    }
}
