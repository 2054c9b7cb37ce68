//! The vectors that the vendor has published.

use super::*;
use crate::secret::Secret;

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn check_v1(pairs: &[(&str, &str)], signature: &str) -> String {
    let mut parameters = parameters(pairs);
    for (name, value) in [
        ("AccessKeyId", "testid"),
        ("Format", "XML"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
    ] {
        parameters.insert(name.to_owned(), value.to_owned());
    }
    let text = v1::string_to_sign("GET", &parameters);
    assert_eq!(v1::signature(&Secret::new("testsecret"), &text), signature);
    text
}

#[test]
fn v1_signs_the_example_of_the_dns_documentation() {
    let text = check_v1(
        &[
            ("Action", "DescribeDomainRecords"),
            ("DomainName", "example.com"),
            ("SignatureNonce", "f59ed6a9-83fc-473b-9cc6-99c95df3856e"),
            ("Timestamp", "2016-03-24T16:41:54Z"),
            ("Version", "2015-01-09"),
        ],
        "uRpHwaSEt3J+6KQD//svCh/x+pI=",
    );
    assert_eq!(
        text,
        "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeDomainRecords%26DomainName%3Dexample.com\
         %26Format%3DXML%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Df59ed6a9-83fc-473b-9cc6-\
         99c95df3856e%26SignatureVersion%3D1.0%26Timestamp%3D2016-03-24T16%253A41%253A54Z%26Version\
         %3D2015-01-09"
    );
}

#[test]
fn v1_signs_the_example_of_the_server_documentation() {
    check_v1(
        &[
            ("Action", "DescribeRegions"),
            ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
            ("Timestamp", "2016-02-23T12:46:24Z"),
            ("Version", "2014-05-26"),
        ],
        "OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
    );
}

#[test]
fn v3_signs_the_example_of_the_signature_documentation() {
    let query = parameters(&[
        ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
        ("RegionId", "cn-shanghai"),
    ]);
    let request = v3::Request {
        method: "POST",
        host: "ecs.cn-shanghai.aliyuncs.com",
        action: "RunInstances",
        version: "2014-05-26",
        date: "2023-10-26T10:22:32Z",
        nonce: "3156853299f313e23d1673dc12e1703d",
        query: &query,
        body: b"",
        security_token: None,
    };
    let headers = v3::sign(&request, "YourAccessKeyId", &Secret::new("YourAccessKeySecret"));
    let names =
        "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
    assert_eq!(
        v3::string_to_sign(&v3::canonical_request(&request, &headers.signed, names)),
        "ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    );
    assert_eq!(
        headers.authorization,
        format!(
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={names},\
             Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
        )
    );
}

#[test]
fn v3_signs_the_token_of_temporary_credentials() {
    let token = Secret::new("token");
    let request = v3::Request {
        method: "POST",
        host: "127.0.0.1:8080",
        action: "DescribeDomains",
        version: "2015-01-09",
        date: "2026-01-01T00:00:00Z",
        nonce: "1",
        query: &Parameters::new(),
        body: b"",
        security_token: Some(&token),
    };
    let headers = v3::sign(&request, "id", &Secret::new("secret"));
    assert_eq!(headers.signed["x-acs-security-token"], "token");
    assert!(headers.authorization.contains(";x-acs-security-token;"), "{}", headers.authorization);
}

#[test]
fn everything_but_the_unreserved_is_encoded() {
    let rows = [
        ("AZaz09-_.~", "AZaz09-_.~"),
        ("a b+c*d", "a%20b%2Bc%2Ad"),
        ("@", "%40"),
        ("\"v=1;k/=\"", "%22v%3D1%3Bk%2F%3D%22"),
        ("华东", "%E5%8D%8E%E4%B8%9C"),
    ];
    for (text, encoded) in rows {
        assert_eq!(percent_encode(text), encoded);
    }
}

#[test]
fn parameters_are_sorted_by_bytes() {
    let query = canonical_query(&parameters(&[("Type", "A"), ("Timestamp", "t"), ("TTL", "600")]));
    assert_eq!(query, "TTL=600&Timestamp=t&Type=A");
}
