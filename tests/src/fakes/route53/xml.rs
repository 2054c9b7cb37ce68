//! The XML of the service, in and out.

use roxmltree::{Document, Node};

use super::batch::{Action, Change};
use super::domain_name::DomainName;
use super::server::Refusal;
use super::zones::{Alias, NAME_SERVERS, Set, SetKey, Zone};

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";
const TTL_MAX: u32 = i32::MAX as u32;

/// What a new zone shall be.
pub struct NewZone {
    pub name: String,
    pub reference: String,
    pub is_private: bool,
}

// --- in ---

pub fn read_new_zone(body: &[u8]) -> Result<NewZone, Refusal> {
    read(body, "CreateHostedZoneRequest", |root| {
        known(root, &["Name", "VPC", "CallerReference", "HostedZoneConfig", "DelegationSetId"])?;
        let config = child(root, "HostedZoneConfig");
        let private = config.and_then(|config| child(config, "PrivateZone")).map(text);
        Ok(NewZone {
            name: required(root, "Name")?,
            reference: required(root, "CallerReference")?,
            is_private: private.as_deref() == Some("true") || child(root, "VPC").is_some(),
        })
    })
}

/// The changes of a batch; `Err` in the inner one is what the service says of a name.
pub fn read_batch(body: &[u8]) -> Result<Vec<Result<Change, String>>, Refusal> {
    read(body, "ChangeResourceRecordSetsRequest", |root| {
        known(root, &["ChangeBatch"])?;
        let batch = child(root, "ChangeBatch").ok_or_else(|| missing("ChangeBatch"))?;
        known(batch, &["Changes", "Comment"])?;
        let changes = child(batch, "Changes").ok_or_else(|| missing("Changes"))?;
        known(changes, &["Change"])?;
        let changes: Vec<_> = elements(changes).map(read_change).collect::<Result<_, _>>()?;
        if changes.is_empty() { Err(missing("Change")) } else { Ok(changes) }
    })
}

fn read_change(node: Node<'_, '_>) -> Result<Result<Change, String>, String> {
    known(node, &["Action", "ResourceRecordSet"])?;
    let action = match required(node, "Action")?.as_str() {
        "CREATE" => Action::Create,
        "DELETE" => Action::Delete,
        "UPSERT" => Action::Upsert,
        other => {
            return Err(format!("Value '{other}' at 'action' is not in [CREATE, DELETE, UPSERT]"));
        }
    };
    let set = child(node, "ResourceRecordSet").ok_or_else(|| missing("ResourceRecordSet"))?;
    Ok(read_set(set)?.map(|set| Change { action, set }))
}

fn read_set(node: Node<'_, '_>) -> Result<Result<Set, String>, String> {
    let names = [
        "Name",
        "Type",
        "SetIdentifier",
        "Weight",
        "TTL",
        "ResourceRecords",
        "AliasTarget",
        "HealthCheckId",
    ];
    known(node, &names)?;
    let number = |name: &str| child(node, name).map(|it| text(it).parse::<u32>());
    let ttl = number("TTL").transpose().map_err(|error| format!("ttl: {error}"))?;
    let weight = number("Weight").transpose().map_err(|error| format!("weight: {error}"))?;
    let weight = weight.map(u8::try_from).transpose().map_err(|_| "weight: more than 255")?;
    let records = child(node, "ResourceRecords");
    let mut values: Vec<String> = match records {
        Some(records) => {
            known(records, &["ResourceRecord"])?;
            elements(records).map(|record| required(record, "Value")).collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    values.sort();
    let alias = child(node, "AliasTarget").map(read_alias).transpose()?;
    let is_plain = ttl.is_some() && !values.is_empty();
    if ttl.is_some_and(|ttl| ttl > TTL_MAX) {
        return Err("ttl: must be at most 2147483647".into());
    }
    let is_partly_plain = ttl.is_some() || !values.is_empty();
    if is_plain == alias.is_some() || (is_partly_plain && !is_plain) {
        return Err("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and \
                    ResourceRecords], or TrafficPolicyInstanceId]"
            .into());
    }
    let identifier = child(node, "SetIdentifier").map(text);
    if identifier.is_some() != weight.is_some() {
        return Err("Invalid request: Missing field 'SetIdentifier' or 'Weight'".into());
    }
    let record_type = required(node, "Type")?;
    let name = DomainName::read(&required(node, "Name")?);
    Ok(name.map(|name| Set {
        key: SetKey { name, record_type, identifier },
        weight,
        ttl,
        values,
        alias,
        health_check: child(node, "HealthCheckId").map(text),
    }))
}

fn read_alias(node: Node<'_, '_>) -> Result<Alias, String> {
    known(node, &["HostedZoneId", "DNSName", "EvaluateTargetHealth"])?;
    Ok(Alias {
        zone: required(node, "HostedZoneId")?,
        name: required(node, "DNSName")?,
        evaluate: required(node, "EvaluateTargetHealth")? == "true",
    })
}

fn read<T>(
    body: &[u8],
    root: &str,
    then: impl FnOnce(Node<'_, '_>) -> Result<T, String>,
) -> Result<T, Refusal> {
    let malformed = |message: String| Refusal::new(400, "InvalidInput", message);
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    let document = Document::parse(text).map_err(|error| malformed(error.to_string()))?;
    let found = document.root_element();
    if !found.has_tag_name((NAMESPACE, root)) {
        return Err(malformed(format!("found {:?}, wanted {root}", found.tag_name())));
    }
    then(found).map_err(|problem| malformed(format!("1 validation error detected: {problem}")))
}

fn elements<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(Node::is_element)
}

/// Each child is one of these.
fn known(node: Node<'_, '_>, names: &[&str]) -> Result<(), String> {
    match elements(node).find(|it| !names.contains(&it.tag_name().name())) {
        None => Ok(()),
        Some(other) => Err(format!("unknown element {}", other.tag_name().name())),
    }
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    elements(node).find(|it| it.has_tag_name((NAMESPACE, name)))
}

fn text(node: Node<'_, '_>) -> String {
    node.text().unwrap_or_default().to_owned()
}

fn required(node: Node<'_, '_>, name: &str) -> Result<String, String> {
    child(node, name).map(text).filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> String {
    format!("{name} must not be null")
}

// --- out ---

/// An answer of this action.
pub fn answer(action: &str, content: &str) -> String {
    let name = format!("{action}Response");
    format!("<?xml version=\"1.0\"?>\n<{name} xmlns=\"{NAMESPACE}\">{content}</{name}>")
}

pub fn error(code: &str, message: &str) -> String {
    let error = format!(
        "<Error><Type>Sender</Type>{}{}</Error>{}",
        element("Code", code),
        element("Message", message),
        element("RequestId", "a-fake-request")
    );
    format!("<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"{NAMESPACE}\">{error}</ErrorResponse>")
}

pub fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub fn zone(zone: &Zone) -> String {
    let config = element("PrivateZone", &zone.is_private.to_string());
    let id = format!("/hostedzone/{}", zone.id);
    format!(
        "<HostedZone>{}{}{}<Config>{config}</Config>{}</HostedZone>",
        element("Id", &id),
        element("Name", &zone.name.to_string()),
        element("CallerReference", &zone.reference),
        element("ResourceRecordSetCount", &zone.sets.len().to_string())
    )
}

/// Private zones have none.
pub fn delegation(zone: &Zone) -> String {
    if zone.is_private {
        return "<VPCs><VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-1</VPCId></VPC></VPCs>"
            .into();
    }
    let servers: String = NAME_SERVERS.map(|server| element("NameServer", server)).concat();
    format!("<DelegationSet><NameServers>{servers}</NameServers></DelegationSet>")
}

pub fn set(set: &Set) -> String {
    let Set { key, weight, ttl, values, alias, health_check } = set;
    let optional =
        |name: &str, text: Option<String>| text.map_or_else(String::new, |it| element(name, &it));
    let mut content = element("Name", &key.name.to_string());
    content += &element("Type", &key.record_type);
    content += &optional("SetIdentifier", key.identifier.clone());
    content += &optional("Weight", weight.map(|weight| weight.to_string()));
    content += &optional("TTL", ttl.map(|ttl| ttl.to_string()));
    if !values.is_empty() {
        let record = |value: &String| {
            format!("<ResourceRecord>{}</ResourceRecord>", element("Value", value))
        };
        let records: String = values.iter().map(record).collect();
        content += &format!("<ResourceRecords>{records}</ResourceRecords>");
    }
    if let Some(Alias { zone, name, evaluate }) = alias {
        content += &format!(
            "<AliasTarget>{}{}{}</AliasTarget>",
            element("HostedZoneId", zone),
            element("DNSName", name),
            element("EvaluateTargetHealth", &evaluate.to_string())
        );
    }
    content += &optional("HealthCheckId", health_check.clone());
    format!("<ResourceRecordSet>{content}</ResourceRecordSet>")
}
