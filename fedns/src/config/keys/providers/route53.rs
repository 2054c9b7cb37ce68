//! The keys of kind `aws-route53`.

use std::path::PathBuf;

use providers::route53::{Options, ZoneId};

use super::read_endpoint;
use crate::config::Route53Config;
use crate::config::read::{MapReader, Reader};

/// Longest id of a zone.
const ID_LENGTH_MAX: usize = 32;

pub(super) fn settings(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> Route53Config {
    let endpoint = read_endpoint(reader, map, "a URL like https://route53.amazonaws.com");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let region = map.take("region").and_then(|node| {
        let is_region = |text: &str| !text.is_empty() && text.bytes().all(is_plain);
        let wanted = "a region like us-east-1, or cn-northwest-1 in China";
        reader.understood(node, wanted, |text| is_region(text).then(|| text.to_owned()))
    });
    let zone_id = map.take("zoneId").and_then(|node| {
        let is_id = |id: &str| {
            (1..=ID_LENGTH_MAX).contains(&id.len())
                && id.bytes().all(|it| it.is_ascii_alphanumeric())
        };
        let wanted = "the id of a hosted zone, like Z1D633PJN98FT9";
        let read = |text: &str| Some(ZoneId::new(text)).filter(|id| is_id(id.as_str()));
        reader.understood(node, wanted, read)
    });
    if let Some((_, node)) = map.take_later("configFile") {
        let message = "Route53's keys are where the vendor's own tools look: the environment, the file \
                       ~/.aws/credentials, a role; remove it";
        reader.value_problem(node, message);
    }
    let options = Options { endpoint, region };
    Route53Config { zone_id, options, credentials_file: credentials_file() }
}

/// As the vendor's tools find it. One in the home folder need not be there, where a role gives the key; and what is
/// no file, like /dev/null, never has another key.
fn credentials_file() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let at_home = || Some(PathBuf::from(variable("HOME")?).join(".aws/credentials"));
    match variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from) {
        Some(file) => (file.is_file() || !file.exists()).then_some(file),
        None => at_home().filter(|file| file.is_file()),
    }
}
