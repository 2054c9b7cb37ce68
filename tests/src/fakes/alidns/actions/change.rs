//! The actions that change records.

use serde_json::{Value, json};

use super::{Parameters, number, text};
use crate::fakes::alidns::domains::{Domains, NewRecord};
use crate::fakes::alidns::refusal::Refusal;

const TTL_DEFAULT: u32 = 600;
const LINE_DEFAULT: &str = "default";

pub(super) fn add(domains: &mut Domains, parameters: &Parameters) -> Result<Value, Refusal> {
    let id = domains.add_record(&parameters["DomainName"], record(parameters)?)?;
    Ok(json!({ "RecordId": id }))
}

pub(super) fn update(domains: &mut Domains, parameters: &Parameters) -> Result<Value, Refusal> {
    let id = &parameters["RecordId"];
    domains.update_record(id, record(parameters)?)?;
    Ok(json!({ "RecordId": id }))
}

pub(super) fn delete(domains: &mut Domains, parameters: &Parameters) -> Result<Value, Refusal> {
    let id = &parameters["RecordId"];
    domains.delete_record(id)?;
    Ok(json!({ "RecordId": id }))
}

pub(super) fn set_status(domains: &mut Domains, parameters: &Parameters) -> Result<Value, Refusal> {
    let id = &parameters["RecordId"];
    let enabled = match parameters["Status"].as_str() {
        "Enable" => true,
        "Disable" => false,
        _ => return Err(Refusal::parameter("Status")),
    };
    domains.set_enabled(id, enabled)?;
    Ok(json!({ "RecordId": id, "Status": parameters["Status"] }))
}

pub(super) fn set_remark(domains: &mut Domains, parameters: &Parameters) -> Result<Value, Refusal> {
    let remark = text(parameters, "Remark").unwrap_or_default();
    domains.set_remark(&parameters["RecordId"], remark)?;
    Ok(json!({}))
}

/// What is left out becomes the default, also in an update.
fn record(parameters: &Parameters) -> Result<NewRecord, Refusal> {
    let of = |name: &str| parameters[name].clone();
    let malformed = |_| Refusal::new("SubDomainInvalid.TTL", "The TTL value is invalid.");
    let ttl = number(parameters, "TTL").map_err(malformed)?.map(u32::try_from);
    let priority = number(parameters, "Priority")?.map(u32::try_from);
    Ok(NewRecord {
        rr: of("RR"),
        record_type: of("Type"),
        value: of("Value"),
        ttl: ttl.unwrap_or(Ok(TTL_DEFAULT)).map_err(|_| Refusal::parameter("TTL"))?,
        line: text(parameters, "Line").unwrap_or(LINE_DEFAULT).to_owned(),
        priority: priority.transpose().map_err(|_| Refusal::parameter("Priority"))?,
    })
}
