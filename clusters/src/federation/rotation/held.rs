//! Which credential of a member stands in the host, how old it is, and what is due. Pure: the clock comes in as
//! an argument.

use std::hash::{DefaultHasher, Hash, Hasher};

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use model::UnixTime;

use super::claims;
use crate::federation::account::Account;
use crate::federation::member_secret::TOKEN_KEY;
use crate::federation::names::{
    CLUSTER_LABEL, CLUSTER_NAME_ANNOTATION, FEDERATION_NAME_ANNOTATION, HOST_UID_ANNOTATION,
    SYSTEM_NAMESPACE, TOKEN_SINCE_ANNOTATION,
};

const DAY: u64 = 24 * 60 * 60;
/// Older than this, in seconds, a credential is renewed.
pub const AGE_MAX: u64 = 30 * DAY;
/// What is asked for of a token that ends by itself, in seconds; clusters may give less. Much longer than
/// [`AGE_MAX`]: a control plane that was down for weeks still gets in.
pub const BOUND_LIFE: u64 = 90 * DAY;
/// After this part of its life, in percent, such a token is renewed in any case.
const LIFE_PERCENT: u64 = 80;
/// By up to so much earlier, in percent, each member at another time.
const JITTER_PERCENT: u64 = 5;
/// Until everybody who reads the host's Secret shows the new token, in seconds.
pub const SETTLING: u64 = 5 * 60;

/// The credential in a member's Secret, where a join made it. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCredential {
    /// Name of the Secret in the host.
    pub secret: String,
    /// Whose it is.
    pub account: Account,
    pub token: Token,
    /// When it was put there.
    pub since: UnixTime,
}

/// How long a token is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// As long as this Secret in the member stands.
    OfSecret { name: String },
    /// For so many seconds from its making on (TokenRequest).
    Bound { life: u64 },
}

// === impl HeldCredential ===

impl HeldCredential {
    /// `None` for a Secret that somebody wrote by hand, or without the token of an account that a join made.
    pub fn of(secret: &Secret) -> Option<Self> {
        let annotation = |key: &str| secret.annotations().get(key).cloned();
        let claims = claims::read(&secret.data.as_ref()?.get(TOKEN_KEY)?.0)?;
        if claims.namespace != SYSTEM_NAMESPACE {
            return None;
        }
        let account = Account {
            federation: annotation(FEDERATION_NAME_ANNOTATION)?,
            host_uid: annotation(HOST_UID_ANNOTATION)?,
            cluster: annotation(CLUSTER_NAME_ANNOTATION)?,
            name: claims.account,
        };
        if secret.labels().get(CLUSTER_LABEL) != Some(&account.cluster) {
            return None;
        }
        let token = match (claims.secret, claims.life) {
            (Some(name), _) => Token::OfSecret { name },
            (None, life) => Token::Bound { life: life? },
        };
        Some(Self { secret: secret.name_any(), account, token, since: since(secret)? })
    }

    /// When it is to be renewed.
    pub fn due_at(&self) -> UnixTime {
        let after = match self.token {
            Token::OfSecret { .. } => AGE_MAX,
            Token::Bound { life } => {
                let after = (life * LIFE_PERCENT / 100).min(AGE_MAX);
                after - after * JITTER_PERCENT / 100 * self.lot() / 100
            }
        };
        UnixTime(self.since.0.saturating_add(after))
    }

    pub fn is_due(&self, now: UnixTime) -> bool {
        self.due_at() <= now
    }

    /// Everybody shows it by now: what was used before may go.
    pub fn is_settled(&self, now: UnixTime) -> bool {
        self.since.0.saturating_add(SETTLING) <= now.0
    }

    /// The names in the member under which tokens of this account stand without being used.
    pub fn unused_names(&self) -> Vec<String> {
        let used = match &self.token {
            Token::OfSecret { name } => Some(name),
            Token::Bound { .. } => None,
        };
        self.account.token_secret_names().into_iter().filter(|it| Some(it) != used).collect()
    }

    /// From 0 to 99, always the same for a member.
    fn lot(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.account.cluster.hash(&mut hasher);
        hasher.finish() % 100
    }
}

/// As it is written into an annotation (RFC 3339).
pub fn time_text(at: UnixTime) -> String {
    let seconds = i64::try_from(at.0).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).to_string()
}

/// As it was written beside the token; without that, the token is as old as its Secret.
fn since(secret: &Secret) -> Option<UnixTime> {
    let written = secret.annotations().get(TOKEN_SINCE_ANNOTATION);
    let written = written.and_then(|text| text.parse::<Timestamp>().ok());
    let at = written.or_else(|| Some(secret.metadata.creation_timestamp.as_ref()?.0))?;
    Some(UnixTime(u64::try_from(at.as_second()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

    use super::super::claims::tests::token;
    use super::*;

    const OF_SECRET: &str = r#"{"kubernetes.io/serviceaccount/secret.name":"beijing-hangzhou-token",
        "sub":"system:serviceaccount:federation-system:beijing-hangzhou"}"#;

    fn secret(payload: &str, since: Option<&str>) -> Secret {
        let mut annotations: std::collections::BTreeMap<String, String> = [
            (FEDERATION_NAME_ANNOTATION, "fed"),
            (HOST_UID_ANNOTATION, "u1"),
            (CLUSTER_NAME_ANNOTATION, "beijing"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        annotations.extend(since.map(|it| (TOKEN_SINCE_ANNOTATION.to_owned(), it.to_owned())));
        let metadata = ObjectMeta {
            name: Some("beijing".into()),
            labels: Some([(CLUSTER_LABEL.to_owned(), "beijing".to_owned())].into()),
            annotations: Some(annotations),
            creation_timestamp: Some(Time(Timestamp::from_second(1_000).unwrap())),
            ..ObjectMeta::default()
        };
        let data = [(TOKEN_KEY.to_owned(), ByteString(token(payload).into()))];
        Secret { metadata, data: Some(data.into()), ..Secret::default() }
    }

    fn bound(life: u64) -> HeldCredential {
        let payload = format!(
            r#"{{"iat":0,"exp":{life},"sub":"system:serviceaccount:federation-system:beijing-hangzhou"}}"#
        );
        HeldCredential::of(&secret(&payload, Some("1970-01-01T00:00:00Z"))).unwrap()
    }

    #[test]
    fn the_token_of_a_secret_is_due_after_thirty_days() {
        let held = HeldCredential::of(&secret(OF_SECRET, Some("1970-01-02T00:00:00Z"))).unwrap();
        assert_eq!(held.since, UnixTime(DAY));
        assert!(!held.is_due(UnixTime(31 * DAY - 1)));
        assert!(held.is_due(UnixTime(31 * DAY)));
        assert!(!held.is_settled(UnixTime(DAY + SETTLING - 1)));
        assert!(held.is_settled(UnixTime(DAY + SETTLING)));
        assert_eq!(held.unused_names(), ["beijing-hangzhou-token-2"]);
        assert_eq!(held.since, UnixTime(DAY));
        assert_eq!(time_text(held.since), "1970-01-02T00:00:00Z");
    }

    #[test]
    fn without_its_time_it_is_as_old_as_its_secret() {
        for since in [None, Some("yesterday")] {
            let held = HeldCredential::of(&secret(OF_SECRET, since)).unwrap();
            assert_eq!(held.since, UnixTime(1_000));
        }
    }

    #[test]
    fn a_token_that_ends_by_itself_is_due_well_before() {
        let after = bound(1_000).due_at().0;
        assert!((760..=800).contains(&after), "{after}");
        let after = bound(365 * DAY).due_at().0;
        assert!((AGE_MAX * 95 / 100..=AGE_MAX).contains(&after), "{after}");
        assert_eq!(bound(1_000).due_at(), bound(1_000).due_at());
        assert_eq!(bound(1_000).unused_names().len(), 2);
    }

    #[test]
    fn what_no_join_made_is_left_to_its_maker() {
        let check = |change: &dyn Fn(&mut Secret)| {
            let mut secret = secret(OF_SECRET, None);
            change(&mut secret);
            assert_eq!(HeldCredential::of(&secret), None);
        };
        check(&|secret| secret.metadata.labels = None);
        check(&|secret| secret.metadata.annotations = None);
        check(&|secret| secret.data = None);
        let elsewhere = OF_SECRET.replace("federation-system", "kube-system");
        assert_eq!(HeldCredential::of(&self::secret(&elsewhere, None)), None);
    }
}
