//! What calls are signed with.

use model::UnixTime;

use crate::secret::Secret;

/// A key, for good or for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub access_key_secret: Secret,
    /// Of temporary credentials (STS).
    pub security_token: Option<Secret>,
    pub expires: Option<UnixTime>,
}
