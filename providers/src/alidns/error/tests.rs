use super::*;

fn api(code: &str, message: &str, request_id: &str) -> Error {
    let message = ApiError::repeatable(code, message, Some(request_id));
    Error::from(ApiError {
        action: "AddDomainRecord",
        status: 400,
        code: code.to_owned(),
        message,
        request_id: Some(request_id.to_owned()),
        recommend: None,
        retry_after: None,
    })
}

#[test]
fn a_known_code_is_one_line_with_cause_and_remedy() {
    let message = "The specified TTL is invalid. A valid TTL must be in the range of 600 to 86400.";
    assert_eq!(
        api("QuotaExceeded.TTL", message, "1").to_string(),
        "AddDomainRecord: QuotaExceeded.TTL: the domain's plan does not allow this TTL (The \
         specified TTL is invalid. A valid TTL must be in the range of 600 to 86400.); set a longer \
         `ttl:` for this provider, or move the domain to a plan with a lower minimum (Enterprise \
         Standard: 60)"
    );
}

#[test]
fn an_unknown_code_stays_visible() {
    let error = api("Brand.New", "Something.\nMore of it.", "1");
    assert_eq!(
        error.to_string(),
        "AddDomainRecord: Brand.New: Something. (HTTP 400, not known to fedns)"
    );
    assert_eq!(error.class(), Class::Fatal);
}

#[test]
fn the_id_of_a_request_changes_neither_text_nor_equality() {
    let (one, two) = (api("X", "failed, see 0A-1B", "0A-1B"), api("X", "failed, see FF-2", "FF-2"));
    assert_eq!(one, two);
    assert_eq!(one.to_string(), two.to_string());
    assert_eq!((one.request_id(), two.request_id()), (Some("0A-1B"), Some("FF-2")));
}

#[test]
fn what_was_signed_is_never_repeated() {
    let error = api(
        "SignatureDoesNotMatch",
        "server string to sign is:GET&%2F&AccessKeyId%3Dx%26SecurityToken%3Dhunter2",
        "1",
    );
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    assert!(error.to_string().contains("access-key-secret"), "{error}");
}

#[test]
fn classes_are_as_the_vendor_documents_them() {
    let rows = [
        ("Throttling.User", Class::Retry),
        ("InternalError", Class::Retry),
        ("QuotaExceeded.TTL", Class::Fatal),
        ("QuotaExceeded.Record", Class::Quota),
        ("QuotaExceeded.SubDomain", Class::Quota),
        ("DomainRecordDuplicate", Class::AlreadySo),
        ("DomainRecordConflict", Class::Conflict),
        ("DomainRecordNotBelongToUser", Class::Gone),
        ("InvalidDomainName.NoExist", Class::Fatal),
        ("Forbidden.RAM", Class::Fatal),
        ("InvalidTimeStamp.Expired", Class::Fatal),
    ];
    for (code, class) in rows {
        assert_eq!(api(code, "", "1").class(), class, "{code}");
    }
}
