//! The certificate of the encrypted listeners, read in with its key.

use std::path::Path;

use dns_server::server::{Certificate, CertificateError};
use jiff::Timestamp;
use model::UnixTime;

use super::{Config, ConfigError, Subject, TlsFiles};

const CERTIFICATE_FILE: &str = "a file with a certificate chain in PEM";
const KEY_FILE: &str = "a file with the certificate's private key in PEM";

/// The one that the config names, as long as it is good at `now`.
pub fn certificate(config: &Config, now: UnixTime) -> Result<Option<Certificate>, ConfigError> {
    config.tls.as_ref().map(|files| read(config, files, now)).transpose()
}

fn read(config: &Config, files: &TlsFiles, now: UnixTime) -> Result<Certificate, ConfigError> {
    let TlsFiles { certificate, key } = files;
    let read = |subject: Subject, path: &Path, wanted: &str| {
        let failed = |error| config.places.unusable(&subject, path, wanted, &error);
        std::fs::read(path).map_err(failed)
    };
    let chain = read(Subject::TlsCertificate, certificate, CERTIFICATE_FILE);
    let private_key = read(Subject::TlsKey, key, KEY_FILE);
    let (chain, private_key) = match (chain, private_key) {
        (Ok(chain), Ok(key)) => (chain, key),
        (chain, key) => {
            let lines = [chain.err(), key.err()].into_iter().flatten().collect();
            return Err(ConfigError { lines });
        }
    };
    let good = Certificate::from_pem(&chain, &private_key)
        .and_then(|certificate| certificate.check_time(now).map(|()| certificate));
    good.map_err(|error| {
        let (subject, file) = match error.is_of_key() {
            true => (Subject::TlsKey, key),
            false => (Subject::TlsCertificate, certificate),
        };
        let message = format!("{}: {}", file.display(), line(error, certificate));
        ConfigError::one(config.places.line(&subject, message))
    })
}

/// What was found, and what to do.
fn line(error: CertificateError, certificate: &Path) -> String {
    match error {
        CertificateError::NoCertificate => format!("{error}; wanted {CERTIFICATE_FILE}"),
        CertificateError::UnreadableCertificate => format!("{error}; write the file anew"),
        CertificateError::NoKey => format!("{error}; wanted {KEY_FILE}"),
        CertificateError::UnusableKey => format!("{error}; make a key of one of these kinds"),
        CertificateError::OtherKey => {
            format!("{error} in {}; name the files that belong together", certificate.display())
        }
        CertificateError::Expired(time) => format!("{error} at {}; renew it", time_text(time)),
        CertificateError::NotYetValid(time) => {
            format!("{error}: it is from {} on; look at the clock", time_text(time))
        }
    }
}

fn time_text(time: UnixTime) -> String {
    let seconds = i64::try_from(time.0).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
