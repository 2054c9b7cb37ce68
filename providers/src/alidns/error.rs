//! Every way in which a call fails, in one line with its cause and remedy.
//!
//! [`Error::class`] says what to do next. Two failures that differ only in the request are equal and
//! read the same: ids of requests, nonces and times of day are left out of texts, and secrets too.

mod api;
mod codes;

use std::time::Duration;

pub use api::ApiError;

use super::credentials::CredentialsError;

/// What a caller does after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing is known to be wrong with the call: the same one may succeed later.
    Retry,
    /// The same call fails again until somebody changes a setting, a right, a plan or the clock.
    Fatal,
    /// What was asked for stands already, or nothing would change.
    AlreadySo,
    /// The record is not there: a deletion has succeeded, an update is to be planned anew.
    Gone,
    /// Something that stands forbids it: another type at the name, a lock, another state than planned.
    Conflict,
    /// The plan allows no more records, addresses or levels.
    Quota,
}

/// Why a call to AliDNS failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// AliDNS answered with an error of its own.
    #[error(transparent)]
    Api(Box<ApiError>),

    /// No answer, or half of one.
    #[error("{action}: {cause}{}", consequence(*.reached, *.untrusted))]
    Transport {
        action: &'static str,
        cause: String,
        /// False if the call has certainly not been carried out.
        reached: bool,
        /// True if the server's certificate is not accepted.
        untrusted: bool,
    },

    /// An answer, but none of AliDNS: often that of a proxy.
    #[error("{action}: the answer (HTTP {status}) is not one of AliDNS: {found}")]
    Answer { action: &'static str, status: u16, found: String },

    #[error(transparent)]
    Credentials(#[from] CredentialsError),

    /// The domain changed during each attempt to list it. Nothing may be concluded from a part.
    #[error(
        "the records of {domain} could not be listed as a whole: {found} of {total} found, and they \
         changed during each of {attempts} attempts; it is tried again later"
    )]
    ListingIncomplete { domain: String, found: u64, total: u64, attempts: u32 },

    /// AliDNS says that the record stands already, and what stands is not what was asked for.
    #[error("{action}: {record} stands already, but {difference}; the domain is to be listed anew")]
    StandsOtherwise { action: &'static str, record: String, difference: String },

    /// The options of the client cannot work.
    #[error("{0}")]
    Options(String),
}

// === impl Error ===

impl Error {
    pub fn class(&self) -> Class {
        match self {
            Self::Api(error) => error.class(),
            Self::Transport { untrusted: true, .. } | Self::Options(_) => Class::Fatal,
            Self::Transport { .. } | Self::ListingIncomplete { .. } => Class::Retry,
            // A success that is none was cut short; a server's error passes.
            Self::Answer { status: 200..=299 | 429 | 500.., .. } => Class::Retry,
            Self::Answer { .. } => Class::Fatal,
            Self::Credentials(error) if error.may_pass() => Class::Retry,
            Self::Credentials(_) => Class::Fatal,
            Self::StandsOtherwise { .. } => Class::Conflict,
        }
    }

    /// AliDNS's own code, like `QuotaExceeded.TTL`.
    pub fn code(&self) -> Option<&str> {
        self.api().map(|error| error.code.as_str())
    }

    /// The id under which the vendor's support finds the call.
    pub fn request_id(&self) -> Option<&str> {
        self.api().and_then(|error| error.request_id.as_deref())
    }

    /// True if the call may have been carried out although it failed.
    pub fn may_have_been_carried_out(&self) -> bool {
        match self {
            Self::Transport { reached, .. } => *reached,
            Self::Answer { .. } => self.class() == Class::Retry,
            Self::Api(error) => error.status >= 500,
            _ => false,
        }
    }

    /// True where the account lacks the right to this action.
    pub fn is_denied(&self) -> bool {
        self.api().is_some_and(ApiError::is_denied)
    }

    /// True where other credentials may help: a key that was replaced, a token that has expired.
    pub fn is_about_credentials(&self) -> bool {
        self.api().is_some_and(ApiError::is_about_credentials)
    }

    /// True where AliDNS asks for fewer calls.
    pub fn is_throttling(&self) -> bool {
        self.api().is_some_and(ApiError::is_throttling)
    }

    /// How long AliDNS asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.api().and_then(|error| error.retry_after)
    }

    fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

fn consequence(reached: bool, untrusted: bool) -> &'static str {
    match (reached, untrusted) {
        (_, true) => "; if a proxy of yours stands there, add its authority to this machine's",
        (true, false) => "; whether it was carried out is not known",
        (false, false) => {
            "; see that this machine reaches it: name resolution, firewall, HTTPS_PROXY"
        }
    }
}

#[cfg(test)]
mod tests;
