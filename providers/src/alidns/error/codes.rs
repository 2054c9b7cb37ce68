//! What AliDNS's error codes mean and what to do about them.

use super::Class;

/// One code, or all codes that begin with it and a dot.
pub(super) struct Known {
    code: &'static str,
    pub(super) class: Class,
    pub(super) cause: &'static str,
    pub(super) remedy: &'static str,
}

/// The entry of this code: that of the code itself, else that of the longest part before a dot.
pub(super) fn known(code: &str) -> Option<&'static Known> {
    let mut part = code;
    loop {
        if let Some(known) = TABLE.iter().find(|known| known.code == part) {
            return Some(known);
        }
        part = part.rsplit_once('.')?.0;
    }
}

/// True where the message holds nonces, times or the signed text, which may hold a token.
pub(super) fn repeats_what_was_signed(code: &str) -> bool {
    ["Signature", "IncompleteSignature", "InvalidTimeStamp", "InvalidSecurityToken"]
        .iter()
        .any(|start| code.starts_with(start))
}

const LATER: &str = "it is tried again";
pub(super) const GRANT: &str = "grant the action to the key's user or role in RAM";
pub(super) const CHECK_KEY: &str = "check access-key-id and access-key-secret";
pub(super) const NEW_TOKEN: &str = "a new token is fetched where a role gives it; else replace it";
const CHECK_CLOCK: &str = "set this machine's clock, for example with NTP";
const CHECK_ZONE: &str = "check the provider's zone and the account of the key";
const CHECK_VALUE: &str = "the record is left out until its value changes";
const UPGRADE: &str = "move the domain to a plan that allows more, or publish fewer";
const RELIST: &str = "the domain is listed anew";
const BY_HAND: &str = "change it by hand in the AliDNS console if it is to go";
const CONSOLE: &str = "see the domain's state in the AliDNS console";

const fn row(code: &'static str, class: Class, cause: &'static str, remedy: &'static str) -> Known {
    Known { code, class, cause, remedy }
}

/// Spelling mistakes are the vendor's.
const TABLE: &[Known] = &[
    // Too much, too early.
    row("Throttling", Class::Retry, "too many calls from this account", LATER),
    row("Fobidden.TooOfen", Class::Retry, "too many calls from this account", LATER),
    row("Forbidden.TooOften", Class::Retry, "too many calls from this account", LATER),
    row("RecordForbidden.DNSChange", Class::Retry, "the domain is being changed", LATER),
    row("LastOperationNotFinished", Class::Retry, "an earlier change is not finished", LATER),
    row("OperationThreadInUsed", Class::Retry, "an earlier change is not finished", LATER),
    row("InternalError", Class::Retry, "AliDNS failed", LATER),
    row("UnKnownError", Class::Retry, "AliDNS failed", LATER),
    row("ServiceUnavailable", Class::Retry, "AliDNS is not available", LATER),
    // What the plan allows.
    row(
        "QuotaExceeded.TTL",
        Class::Fatal,
        "the domain's plan does not allow this TTL",
        "set a longer `ttl:` for this provider, or move the domain to a plan with a lower minimum \
         (Enterprise Standard: 60)",
    ),
    row("SubDomainInvalid.TTL", Class::Fatal, "the TTL is malformed", "set `ttl:` anew"),
    row(
        "QuotaExceeded.SubDomain",
        Class::Quota,
        "the domain's plan does not allow names this deep",
        "set `levels: [global, region]`, or move the domain to a plan with more levels",
    ),
    row("QuotaExceeded.ARecord", Class::Quota, "too many addresses at one name and line", UPGRADE),
    row("LineDnsSlb.QuotaExceeded", Class::Quota, "too many addresses at one line", UPGRADE),
    row("QuotaExceeded", Class::Quota, "the domain's plan does not allow more records", UPGRADE),
    // What stands.
    row("DomainRecordDuplicate", Class::AlreadySo, "the record stands already", RELIST),
    row(
        "DomainRecordConflict",
        Class::Conflict,
        "another record at this name and line excludes it",
        "remove the CNAME, NS or URL record at this name, or name the service otherwise",
    ),
    row("DomainRecordLocked", Class::Conflict, "the record is locked", BY_HAND),
    row("Forbidden.RecordLocked", Class::Conflict, "the record is locked", BY_HAND),
    row("DomainRecordNotBelongToUser", Class::Gone, "the record is not there", RELIST),
    row("InvalidRR.NoExist", Class::Gone, "the record is not there", RELIST),
    row("InvalidRecordId.NotFound", Class::Gone, "the record is not there", RELIST),
    // The domain.
    row("InvalidDomainName.NoExist", Class::Fatal, "the account has no such domain", CHECK_ZONE),
    row("DomainNotFound", Class::Fatal, "the account has no such domain", CHECK_ZONE),
    row("IncorrectDomainUser", Class::Fatal, "the domain is another account's", CHECK_ZONE),
    row("DomainAddedByOthers", Class::Fatal, "the domain is another account's", CHECK_ZONE),
    row("InvalidDomainName", Class::Fatal, "AliDNS does not take this domain's name", CHECK_ZONE),
    row("DomainForbidden", Class::Fatal, "the domain is suspended", CONSOLE),
    row("Forbidden.DomainExpired", Class::Fatal, "the domain has expired", CONSOLE),
    row("DomainExpiredDNSForbidden", Class::Fatal, "the domain has expired", CONSOLE),
    row("RecordForbidden", Class::Fatal, "changes to the domain are forbidden", CONSOLE),
    row("RecordFobidden", Class::Fatal, "changes to the domain are forbidden", CONSOLE),
    row("Forbidden.RiskControl", Class::Fatal, "the vendor holds this account", CONSOLE),
    row("DisableDNSSLB", Class::Conflict, "weights are not switched on at this name", BY_HAND),
    // The record.
    row("InvalidRR", Class::Fatal, "AliDNS does not take this host record", CHECK_VALUE),
    row("Record.Invalid", Class::Fatal, "AliDNS does not take this host record", CHECK_VALUE),
    row("SubDomainInvalid", Class::Fatal, "AliDNS does not take this record", CHECK_VALUE),
    row("UnsupportedLine", Class::Fatal, "the domain's plan does not have this line", UPGRADE),
    row("InvalidParameter", Class::Fatal, "AliDNS does not take a parameter", CHECK_VALUE),
    row("MissingParameter", Class::Fatal, "AliDNS misses a parameter", CHECK_VALUE),
    row("DataFormatError", Class::Fatal, "AliDNS does not take a parameter", CHECK_VALUE),
    // Rights, keys, clocks.
    row("OperationDomain.NoPermission", Class::Fatal, "the right to this action is missing", GRANT),
    row("NoPermission", Class::Fatal, "the right to this action is missing", GRANT),
    row("Forbidden.RAM", Class::Fatal, "the right to this action is missing", GRANT),
    row("Forbidden.NoPermission", Class::Fatal, "the right to this action is missing", GRANT),
    row("IllegalUser", Class::Fatal, "the right to this action is missing", GRANT),
    row("Forbidden", Class::Fatal, "AliDNS forbids it", CONSOLE),
    row("InvalidAccessKeyId", Class::Fatal, "the access key is not known or is off", CHECK_KEY),
    row(
        "InvalidAccessKeySecret",
        Class::Fatal,
        "the secret does not fit the access key",
        CHECK_KEY,
    ),
    row("SignatureDoesNotMatch", Class::Fatal, "the secret does not fit the access key", CHECK_KEY),
    row("IncompleteSignature", Class::Fatal, "the secret does not fit the access key", CHECK_KEY),
    row("InvalidSecurityToken", Class::Fatal, "the security token is not valid", NEW_TOKEN),
    row("MissingSecurityToken", Class::Fatal, "the key needs its security token", NEW_TOKEN),
    row("SignatureNonceUsed", Class::Retry, "the call reached AliDNS twice", LATER),
    row(
        "InvalidTimeStamp",
        Class::Fatal,
        "this machine's clock and that of AliDNS are more than 15 minutes apart",
        CHECK_CLOCK,
    ),
    row(
        "IllegalTimestamp",
        Class::Fatal,
        "this machine's clock and that of AliDNS are more than 15 minutes apart",
        CHECK_CLOCK,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_known_part_decides() {
        let rows = [
            ("Throttling.User", Some("Throttling")),
            ("Throttling", Some("Throttling")),
            ("ThrottlingX", None),
            ("QuotaExceeded.TTL", Some("QuotaExceeded.TTL")),
            ("QuotaExceeded.FreeDnsRecord", Some("QuotaExceeded")),
            ("InvalidSecurityToken.Expired", Some("InvalidSecurityToken")),
            ("InvalidRR.NoExist", Some("InvalidRR.NoExist")),
            ("InvalidRR.AValue", Some("InvalidRR")),
            ("Never.Heard.Of", None),
        ];
        for (code, expected) in rows {
            assert_eq!(known(code).map(|known| known.code), expected, "{code}");
        }
    }

    #[test]
    fn no_code_stands_twice() {
        for (index, known) in TABLE.iter().enumerate() {
            assert!(TABLE[..index].iter().all(|it| it.code != known.code), "{}", known.code);
        }
    }
}
