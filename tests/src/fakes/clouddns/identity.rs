//! Who asks: tokens, and those who give them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::query::decoded;
use super::server::Refusal;
use super::{PROJECT, READER, TOKEN};
use crate::fakes::http_server::{Reply, Request};

/// A service account with a key, as the console would give it.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    pub email: String,
    pub key_id: String,
    /// It may do everything; else list and get only.
    pub may_change: bool,
    /// In PKCS#8 and PEM.
    pub private_key: String,
    /// In PKCS#1 and DER, base64.
    pub public_key: String,
}

/// What a cluster gives its pods, which Google exchanges for one of its tokens.
pub const WORKLOAD_TOKEN: &str = "a-token-of-the-cluster";
/// What gcloud keeps of a person.
pub const REFRESH_TOKEN: &str = "a-token-to-renew";
const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/ndev.clouddns.readwrite",
    "https://www.googleapis.com/auth/cloud-platform",
];
/// A token that somebody signs lives no longer, in seconds; clocks may differ a little.
const LIFETIME_MAX: i64 = 3_600 + 60;

// === impl ServiceAccount ===

impl ServiceAccount {
    /// The file with the key.
    pub fn file(&self) -> String {
        json!({
            "type": "service_account", "project_id": PROJECT, "private_key_id": self.key_id,
            "private_key": self.private_key, "client_email": self.email, "client_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token",
        })
        .to_string()
    }
}

/// Whose request it is, as [`TOKEN`] or [`READER`], if its token is good for this service; `now` in
/// seconds.
pub fn checked(
    request: &Request,
    accounts: &[ServiceAccount],
    now: i64,
) -> Result<&'static str, Refusal> {
    let token = request.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
    let Some(token) = token else {
        return Err(Refusal::new(401, "required", "Login Required."));
    };
    let known = [TOKEN, READER].into_iter().find(|known| *known == token);
    let known = known.or_else(|| {
        let account = signer(token, accounts, now)?;
        Some(if account.may_change { TOKEN } else { READER })
    });
    known.ok_or_else(|| Refusal::new(401, "authError", "Invalid Credentials"))
}

/// Who signed a token itself (RFC 7519, RFC 7515).
fn signer<'a>(token: &str, accounts: &'a [ServiceAccount], now: i64) -> Option<&'a ServiceAccount> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let read = |text: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    };
    let (head, claims) = (read(head)?, read(claims)?);
    let account = accounts.iter().find(|account| claims["iss"] == account.email)?;
    let key = STANDARD.decode(&account.public_key).expect("a key in base64");
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let is_whole = head["alg"] == "RS256"
        && head["typ"] == "JWT"
        && head["kid"] == account.key_id
        && claims["sub"] == account.email;
    let scopes: Vec<&str> = claims["scope"].as_str()?.split(' ').collect();
    let (issued, expires) = (claims["iat"].as_i64()?, claims["exp"].as_i64()?);
    let is_timely = issued <= now && now < expires && expires - issued <= LIFETIME_MAX;
    (is_whole && is_timely && scopes.iter().any(|scope| SCOPES.contains(scope))).then_some(account)
}

/// What the metadata server and the token services answer; `None` for other paths.
pub fn answer(request: &Request) -> Option<Reply> {
    let body = match (request.method.as_str(), request.path.as_str()) {
        ("GET", path) if path.starts_with("/computeMetadata/") => return Some(metadata(request)),
        ("POST", "/sts/token") => exchanged(&form(&request.body)),
        ("POST", "/oauth/token") => renewed(&form(&request.body)),
        _ => return None,
    };
    Some(match body {
        Some(body) => reply(200, "application/json", body.to_string()),
        None => reply(400, "application/json", json!({ "error": "invalid_grant" }).to_string()),
    })
}

fn metadata(request: &Request) -> Reply {
    if request.header("metadata-flavor") != Some("Google") {
        return reply(403, "text/html", "Missing Metadata-Flavor:Google header.".into());
    }
    match request.path.trim_start_matches("/computeMetadata/v1/") {
        "project/project-id" => reply(200, "application/text", PROJECT.into()),
        "instance/service-accounts/default/token" => {
            reply(200, "application/json", token(TOKEN).to_string())
        }
        _ => reply(404, "text/html", "not found".into()),
    }
}

fn reply(status: u16, content: &str, body: String) -> Reply {
    let headers = vec![("content-type", content.to_owned()), ("metadata-flavor", "Google".into())];
    Reply::Answer { status, headers, body }
}

fn token(text: &str) -> Value {
    json!({ "access_token": text, "expires_in": 3_599, "token_type": "Bearer" })
}

/// RFC 8693.
fn exchanged(form: &BTreeMap<String, String>) -> Option<Value> {
    let has = |key: &str, value: &str| form.get(key).is_some_and(|it| it == value);
    let is_good = has("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
        && has("subject_token", WORKLOAD_TOKEN)
        && has("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")
        && has("audience", "//iam.googleapis.com/fedns");
    let mut answer = token(TOKEN);
    answer["issued_token_type"] = json!("urn:ietf:params:oauth:token-type:access_token");
    is_good.then_some(answer)
}

/// RFC 6749 section 6. Google's own client sends JSON here.
fn renewed(form: &BTreeMap<String, String>) -> Option<Value> {
    let has = |key: &str, value: &str| form.get(key).is_some_and(|it| it == value);
    (has("grant_type", "refresh_token") && has("refresh_token", REFRESH_TOKEN))
        .then(|| token(TOKEN))
}

/// The fields of a form, or of a JSON object.
fn form(body: &[u8]) -> BTreeMap<String, String> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        let text = |(key, value): (String, Value)| Some((key, value.as_str()?.to_owned()));
        return fields.into_iter().filter_map(text).collect();
    }
    let text = String::from_utf8_lossy(body);
    let field = |field: &str| {
        let (key, value) = field.split_once('=')?;
        Some((key.to_owned(), decoded(value)?))
    };
    text.split('&').filter_map(field).collect()
}

/// Seconds since 1970 on this machine.
pub fn machine_time() -> i64 {
    Timestamp::now().as_second()
}
