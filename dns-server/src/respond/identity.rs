//! What the server tells of itself in class CH (RFC 4892).

use model::RecordType;

use crate::policy::Identity;
use crate::respond::message::Message;
use crate::respond::request::Request;
use crate::respond::{ExtendedError, Rcode};

/// Answers where the operator wants it.
pub(super) fn identify(identity: &Identity, request: &Request, message: &mut Message<'_>) -> Rcode {
    let told = match request.name() {
        b"\x07version\x04bind\0" | b"\x07version\x06server\0" => &identity.version,
        b"\x02id\x06server\0" | b"\x08hostname\x04bind\0" => &identity.id,
        _ => &None,
    };
    let Some(text) = told else {
        message.extended_error = Some(ExtendedError::PROHIBITED);
        return Rcode::REFUSED;
    };
    message.authoritative = true;
    if matches!(request.record_type, RecordType::TXT | RecordType::ANY)
        && message.push_chaos_text(text).is_err()
    {
        message.truncated = true;
    }
    Rcode::NOERROR
}
