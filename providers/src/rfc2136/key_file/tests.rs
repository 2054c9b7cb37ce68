use super::*;

/// `AAECAw==`, quoted or not.
const BYTES: [u8; 4] = [0, 1, 2, 3];

#[track_caller]
fn reads(text: &str) {
    let key = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let expect = TsigKey::new(Name::parse("fed.").unwrap(), Algorithm::HmacSha256, BYTES.to_vec());
    assert_eq!(key, expect, "{text}");
}

#[track_caller]
fn refuses(text: &str, expect: &str) {
    let error = parse(text).expect_err(text).to_string();
    assert_eq!(error, expect, "{text}");
    assert!(!error.contains("AAECAw"), "{error}");
}

#[test]
fn the_form_of_tsig_keygen_is_read() {
    reads("key \"fed.\" {\n\talgorithm hmac-sha256;\n\tsecret \"AAECAw==\";\n};\n");
    reads("key FED { secret AAECAw==; algorithm HMAC-SHA256; };");
    reads(
        "# one\n// two\n/* three\n four */ key fed{algorithm hmac-sha256.;secret \"AAECAw==\";};",
    );
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    refuses("", "line 1: wanted key \"NAME\" { algorithm hmac-sha256; secret \"...\"; };");
    refuses("key a..b {", "line 1: the key's name is no domain name: a label is empty");
    refuses("key fed {\nsecret \"AAECAw==\";\n};", "line 3: algorithm is missing");
    refuses("key fed {\nalgorithm hmac-sha256;\n};", "line 3: secret is missing");
    refuses(
        "key fed {\nalgorithm hmac-md5;\nsecret \"AAECAw==\";\n};",
        "line 2: wanted hmac-sha256, hmac-sha384 or hmac-sha512; make such a key with \
         tsig-keygen -a hmac-sha256 NAME",
    );
    refuses("key fed {\nsecret \"AAECAw=\";\n};", "line 2: the secret is not base64");
    refuses("key fed {\nsecret \"\";\n};", "line 2: the secret is empty");
    refuses("key fed {\nsecret \"AAECAw==\n};", "line 2: the closing quote is missing");
    refuses("key fed {\nsecret AAECAw==\n};", "line 3: wanted ;");
    refuses(
        "key fed {\nsecret AAECAw==;\nsecret AAECAw==;\n};",
        "line 3: secret stands here twice",
    );
    refuses("/* key", "line 1: the comment has no end");
    refuses(
        "key fed { algorithm hmac-sha256; secret AAECAw==; };\nkey b {};",
        "line 2: there is more after the key; keep one key in this file",
    );
}
