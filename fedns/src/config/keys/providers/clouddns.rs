//! The keys of kind `google-clouddns`.

use providers::clouddns::credentials::is_on_this_machine;
use providers::clouddns::{Options, ZoneId};

use super::read_file;
use crate::config::CloudDnsConfig;
use crate::config::read::{MapReader, Reader};

/// Longest id of a zone.
const ID_LENGTH_MAX: usize = 63;
/// Longest id of a project, with the domain that old ones have.
const PROJECT_LENGTH_MAX: usize = 100;

pub(super) fn settings(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> CloudDnsConfig {
    let config_file = map.take("configFile").and_then(|node| read_file(reader, node));
    let project = map.take("project").and_then(|node| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
        let is_project = |text: &str| {
            (1..=PROJECT_LENGTH_MAX).contains(&text.len()) && text.bytes().all(is_plain)
        };
        let wanted = "the id of a project, like my-project-1";
        reader.understood(node, wanted, |text| is_project(text).then(|| text.to_owned()))
    });
    let zone_id = map.take("zoneId").and_then(|node| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_id = |id: &str| (1..=ID_LENGTH_MAX).contains(&id.len()) && id.bytes().all(is_plain);
        let wanted = "the name of a managed zone, like example-com, or its number";
        reader.understood(node, wanted, |text| is_id(text).then(|| ZoneId::new(text)))
    });
    let endpoint = map.take("endpoint").and_then(|node| {
        // Whoever reads a token on the way may use it.
        let is_safe = |text: &str| text.starts_with("https://") || is_on_this_machine(text);
        let wanted = "a URL like https://dns.googleapis.com; without TLS only on this machine";
        reader.understood(node, wanted, |text| is_safe(text).then(|| text.to_owned()))
    });
    CloudDnsConfig { zone_id, options: Options { config_file, project, endpoint } }
}
