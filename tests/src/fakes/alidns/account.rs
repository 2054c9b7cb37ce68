//! Who may call: keys, rights, and signatures that were used.

use std::collections::{BTreeMap, BTreeSet};

use model::UnixTime;

use super::refusal::Refusal;

/// A signature is good for this long before and after its time.
const SKEW_SECONDS_MAX: i64 = 15 * 60;

#[derive(Default)]
pub(super) struct Account {
    keys: BTreeMap<String, Key>,
    denied: BTreeSet<String>,
    nonces: BTreeSet<String>,
}

#[derive(Clone)]
pub(super) struct Key {
    pub(super) secret: String,
    temporary: Option<Temporary>,
}

#[derive(Clone)]
struct Temporary {
    token: String,
    expires: UnixTime,
}

// === impl Key ===

impl Key {
    pub(super) fn lasting(secret: &str) -> Self {
        Self { secret: secret.to_owned(), temporary: None }
    }

    pub(super) fn temporary(secret: &str, token: &str, expires: UnixTime) -> Self {
        let temporary = Temporary { token: token.to_owned(), expires };
        Self { secret: secret.to_owned(), temporary: Some(temporary) }
    }
}

// === impl Account ===

impl Account {
    pub(super) fn add_key(&mut self, id: &str, key: Key) {
        self.keys.insert(id.to_owned(), key);
    }

    pub(super) fn remove_key(&mut self, id: &str) {
        self.keys.remove(id);
    }

    pub(super) fn deny(&mut self, action: &str) {
        self.denied.insert(action.to_owned());
    }

    pub(super) fn allow(&mut self, action: &str) {
        self.denied.remove(action);
    }

    pub(super) fn key(&self, id: &str) -> Result<&Key, Refusal> {
        self.keys.get(id).ok_or_else(|| {
            let refusal =
                Refusal::new("InvalidAccessKeyId.NotFound", "Specified access key is not found.");
            refusal.with_status(404)
        })
    }

    pub(super) fn check_token(
        &self,
        id: &str,
        token: Option<&str>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let no = |code: &str, message: &str| Err(Refusal::new(code, message));
        match (&self.key(id)?.temporary, token.filter(|token| !token.is_empty())) {
            (None, None) => Ok(()),
            (Some(_), None) => {
                no("MissingSecurityToken", "SecurityToken is mandatory for this action.")
            }
            (Some(temporary), Some(token)) if temporary.token == token => {
                if temporary.expires > now {
                    return Ok(());
                }
                no("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
            }
            (_, Some(_)) => no(
                "InvalidSecurityToken.MismatchWithAccessKey",
                "Specified SecurityToken mismatch with the AccessKey.",
            ),
        }
    }

    pub(super) fn check_time(&self, text: &str, now: UnixTime) -> Result<(), Refusal> {
        let malformed = || {
            Refusal::new("InvalidTimeStamp.Format", "Specified time stamp is not well formatted.")
        };
        if text.len() != "2016-03-24T16:41:54Z".len() || !text.ends_with('Z') {
            return Err(malformed());
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| malformed())?;
        let now = i64::try_from(now.0).expect("a time of this age");
        if (time.as_second() - now).abs() <= SKEW_SECONDS_MAX {
            return Ok(());
        }
        Err(Refusal::new(
            "InvalidTimeStamp.Expired",
            "Specified time stamp or date value is expired.",
        ))
    }

    /// Each nonce is good once.
    pub(super) fn use_nonce(&mut self, nonce: &str) -> Result<(), Refusal> {
        if nonce.is_empty() {
            let message = "SignatureNonce is mandatory for this action.";
            return Err(Refusal::new("MissingSignatureNonce", message));
        }
        if self.nonces.insert(nonce.to_owned()) {
            return Ok(());
        }
        Err(Refusal::new("SignatureNonceUsed", "Specified signature nonce was used already."))
    }

    pub(super) fn check_right(&self, action: &str) -> Result<(), Refusal> {
        if !self.denied.contains(action) {
            return Ok(());
        }
        let message = "User not authorized to operate on the specified resource, or this API \
                       doesn't support RAM.";
        Err(Refusal::new("Forbidden.RAM", message).with_status(403))
    }
}
