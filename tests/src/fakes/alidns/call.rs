//! One call: what was asked, as it was understood.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use crate::fakes::http_server::Request;

/// A call that reached AliDNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Empty where the request names none.
    pub action: String,
    /// Those of the action, without what signs it.
    pub parameters: BTreeMap<String, String>,
    pub signature: SignatureVersion,
    pub access_key_id: String,
    /// What came of it; for a call that was carried out and not answered, the former.
    pub outcome: Result<(), String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureVersion {
    V1,
    V3,
}

/// All parameters of a request, from its query and its form.
pub(super) fn parameters(request: &Request) -> Result<BTreeMap<String, String>, Refusal> {
    let mut parameters = BTreeMap::new();
    read(&request.query, &mut parameters)?;
    if request.body.is_empty() {
        return Ok(parameters);
    }
    let content_type = request.header("content-type").unwrap_or_default();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(Refusal::new("InvalidContentType", "The body is not a form."));
    }
    let form = std::str::from_utf8(&request.body).map_err(|_| Refusal::parameter("body"))?;
    read(form, &mut parameters)?;
    Ok(parameters)
}

fn read(text: &str, parameters: &mut BTreeMap<String, String>) -> Result<(), Refusal> {
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| Refusal::parameter(pair))?;
        let (name, value) = (decode(name)?, decode(value)?);
        if parameters.insert(name.clone(), value).is_some() {
            return Err(Refusal::parameter(&name));
        }
    }
    Ok(())
}

/// Forms of the vendor's older client have `+` for a blank.
fn decode(text: &str) -> Result<String, Refusal> {
    let malformed = || Refusal::parameter(text);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match byte {
            b'%' => {
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let (Some(high), Some(low)) = (high, low) else { return Err(malformed()) };
                bytes.push(u8::try_from(high * 16 + low).expect("two digits"));
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}
