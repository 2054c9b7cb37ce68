use super::*;

fn parsed(text: &str) -> ConfigFile {
    ConfigFile::parse(text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

#[test]
fn the_documented_file_is_read() {
    let file = parsed(
        "[Global]\naccess-key-id = LTAI1\naccess-key-secret = s3cr3t\nzones = spacexnice.xyz.\n",
    );
    let credentials = file.credentials.expect("the file has a key");
    assert_eq!(credentials.access_key_id, "LTAI1");
    assert_eq!(credentials.access_key_secret.expose(), "s3cr3t");
    assert_eq!(credentials.security_token, None);
    assert_eq!(file.zones, [Name::parse("spacexnice.xyz").expect("a name")]);
}

#[test]
fn case_quotes_comments_and_several_zones_are_understood() {
    let file = parsed(
        "\u{feff}; ours\r\n[ global ]\r\nAccess-Key-ID=\"a;b\" ; the test key\r\n\
         access-key-secret = c/+= # not this\r\nsecurity-token = t\r\nzones = a.example., b.example.\r\n",
    );
    let credentials = file.credentials.expect("the file has a key");
    assert_eq!(credentials.access_key_id, "a;b");
    assert_eq!(credentials.access_key_secret.expose(), "c/+=");
    assert_eq!(credentials.security_token, Some(Secret::new("t")));
    assert_eq!(file.zones.len(), 2);
}

#[test]
fn a_file_without_a_key_leaves_it_to_others() {
    assert_eq!(parsed("[Global]\nzones = example.com.\n").credentials, None);
    assert_eq!(parsed(""), ConfigFile::default());
}

#[test]
fn errors_name_the_place_and_never_a_value() {
    let rows = [
        ("[Global]\naccess-key-id = topsecret\n", "2:26: access-key-secret is missing"),
        ("[Global]\naccess-key-secret = topsecret\n", "2:30: access-key-id is missing"),
        ("[Global]\nsecurity-token = topsecret\n", "2:27: access-key-id is missing"),
        ("access-key-id = topsecret\n", "1:1: stands before the line [Global]"),
        ("[Global]\n topsecret\n", "2:2: not `key = value`"),
        ("[Globe]\n", "1:2: unknown section [Globe]; use [Global]"),
        ("[Global\naccess-key-id = topsecret\n", "1:8: the closing bracket is missing"),
        ("[Global] topsecret\n", "1:10: there is more after the closing bracket"),
        (
            "[Global] ; ours\n  access-key = topsecret\n",
            "2:3: unknown key access-key; known are access-key-id, access-key-secret, \
             security-token, zones",
        ),
        ("[Global]\naccess-key-secret = \"topsecret\n", "2:31: the closing quote is missing"),
        (
            "[Global]\naccess-key-secret = \"é\" topsecret\n",
            "2:25: there is more after the closing quote",
        ),
        (
            "[Global]\naccess-key-id = a\naccess-key-id = topsecret\n",
            "3:1: access-key-id stands in line 2 already",
        ),
        (
            "[Global]\naccess-key-id = <Your-key-id>\naccess-key-secret = topsecret\n",
            "2:17: access-key-id still holds the example's placeholder",
        ),
    ];
    for (text, expected) in rows {
        let error = ConfigFile::parse(text).expect_err(text);
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("topsecret"), "{error:?}");
    }
}
