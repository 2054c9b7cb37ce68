//! The actions with their parameters.

mod describe;
mod change;

use std::collections::BTreeMap;

use serde_json::Value;

use super::domains::Domains;
use super::refusal::Refusal;

type Parameters = BTreeMap<String, String>;

/// An action: what it must have, what it may have, what it does.
struct Action {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    act: fn(&mut Domains, &Parameters) -> Result<Value, Refusal>,
}

const ACTIONS: &[Action] = &[
    Action {
        name: "DescribeDomains",
        required: &[],
        optional: &[
            "KeyWord",
            "SearchMode",
            "PageNumber",
            "PageSize",
            "GroupId",
            "ResourceGroupId",
            "Starmark",
            "Lang",
        ],
        act: describe::domains,
    },
    Action {
        name: "DescribeDomainInfo",
        required: &["DomainName"],
        optional: &["NeedDetailAttributes", "Lang"],
        act: describe::domain_info,
    },
    Action {
        name: "GetMainDomainName",
        required: &["InputString"],
        optional: &["Lang"],
        act: describe::main_domain_name,
    },
    Action {
        name: "DescribeDnsProductInstance",
        required: &["InstanceId"],
        optional: &["Lang", "UserClientIp"],
        act: describe::product_instance,
    },
    Action {
        name: "DescribeDnsProductInstances",
        required: &[],
        optional: &[
            "Direction",
            "DomainType",
            "Lang",
            "OrderBy",
            "PageNumber",
            "PageSize",
            "UserClientIp",
            "VersionCode",
        ],
        act: describe::product_instances,
    },
    Action {
        name: "DescribeDomainNs",
        required: &["DomainName"],
        optional: &["Lang"],
        act: describe::domain_ns,
    },
    Action {
        name: "DescribeDomainRecords",
        required: &["DomainName"],
        optional: &[
            "Direction",
            "GroupId",
            "KeyWord",
            "Lang",
            "Line",
            "OrderBy",
            "PageNumber",
            "PageSize",
            "RRKeyWord",
            "SearchMode",
            "Status",
            "Type",
            "TypeKeyWord",
            "ValueKeyWord",
        ],
        act: describe::domain_records,
    },
    Action {
        name: "DescribeSubDomainRecords",
        required: &["SubDomain"],
        optional: &["DomainName", "Lang", "Line", "PageNumber", "PageSize", "Type", "UserClientIp"],
        act: describe::sub_domain_records,
    },
    Action {
        name: "DescribeDomainRecordInfo",
        required: &["RecordId"],
        optional: &["Lang", "UserClientIp"],
        act: describe::record_info,
    },
    Action {
        name: "AddDomainRecord",
        required: &["DomainName", "RR", "Type", "Value"],
        optional: &["TTL", "Line", "Priority", "Lang", "UserClientIp"],
        act: change::add,
    },
    Action {
        name: "UpdateDomainRecord",
        required: &["RecordId", "RR", "Type", "Value"],
        optional: &["TTL", "Line", "Priority", "Lang", "UserClientIp"],
        act: change::update,
    },
    Action {
        name: "DeleteDomainRecord",
        required: &["RecordId"],
        optional: &["Lang", "UserClientIp"],
        act: change::delete,
    },
    Action {
        name: "SetDomainRecordStatus",
        required: &["RecordId", "Status"],
        optional: &["Lang", "UserClientIp"],
        act: change::set_status,
    },
    Action {
        name: "UpdateDomainRecordRemark",
        required: &["RecordId"],
        optional: &["Remark", "Lang", "UserClientIp"],
        act: change::set_remark,
    },
];

/// Every parameter that comes must be known, every one that must come must be there.
pub(super) fn check_parameters(action: &str, parameters: &Parameters) -> Result<(), Refusal> {
    let Action { required, optional, .. } = find(action)?;
    for name in parameters.keys() {
        if !required.contains(&name.as_str()) && !optional.contains(&name.as_str()) {
            return Err(Refusal::parameter(name));
        }
    }
    match required.iter().find(|name| parameters.get(**name).is_none_or(String::is_empty)) {
        Some(name) => {
            let message = format!("{name} is mandatory for this action.");
            Err(Refusal::new("MissingParameter", message))
        }
        None => Ok(()),
    }
}

pub(super) fn act(
    domains: &mut Domains,
    action: &str,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    (find(action)?.act)(domains, parameters)
}

fn find(action: &str) -> Result<&'static Action, Refusal> {
    ACTIONS.iter().find(|it| it.name == action).ok_or_else(|| {
        let message = "Specified api is not found, please check your url and method.";
        Refusal::new("InvalidAction.NotFound", message).with_status(404)
    })
}

/// A parameter's text; empty counts as absent.
fn text<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    parameters.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

fn number(parameters: &Parameters, name: &str) -> Result<Option<u64>, Refusal> {
    let parse = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().ok_or_else(|| Refusal::parameter(name))
    };
    text(parameters, name).map(parse).transpose()
}
