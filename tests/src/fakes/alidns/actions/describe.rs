//! The actions that only read.

use serde_json::{Value, json};

use super::{Parameters, number, text};
use crate::fakes::alidns::answers;
use crate::fakes::alidns::domains::{Domain, Domains, FakeRecord};
use crate::fakes::alidns::refusal::Refusal;

pub(super) fn domains(domains: &mut Domains, parameters: &Parameters) -> Result<Value, Refusal> {
    let paging = paging(parameters, 100)?;
    let word = text(parameters, "KeyWord").unwrap_or_default().to_ascii_lowercase();
    let exact = match text(parameters, "SearchMode") {
        None | Some("LIKE") => false,
        Some("EXACT") => true,
        Some(_) => return Err(Refusal::parameter("SearchMode")),
    };
    let selected = |domain: &&Domain| match exact {
        true => domain.name == word || word.is_empty(),
        false => domain.name.contains(&word),
    };
    let selected: Vec<&Domain> = domains.all().filter(selected).collect();
    let wrapped = |rows| json!({ "Domains": { "Domain": rows } });
    Ok(answers::page(selected, paging, answers::domain, wrapped))
}

pub(super) fn domain_info(
    domains: &mut Domains,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let domain = domains.get(&parameters["DomainName"])?;
    // Python says `True`.
    let detailed = text(parameters, "NeedDetailAttributes").unwrap_or("false").to_ascii_lowercase();
    let detailed = detailed.parse().map_err(|_| Refusal::parameter("NeedDetailAttributes"))?;
    Ok(answers::domain_info(domain, detailed))
}

pub(super) fn main_domain_name(
    domains: &mut Domains,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let name = parameters["InputString"].to_ascii_lowercase();
    let hosted = domains.get(&name).ok().and_then(|domain| domain.main.clone());
    // Without a list of public suffixes: two labels.
    let labels: Vec<&str> = name.split('.').collect();
    let last_two = labels[labels.len().saturating_sub(2)..].join(".");
    let main = hosted.unwrap_or(last_two);
    let rr = name.strip_suffix(&main).unwrap_or_default().trim_end_matches('.').to_owned();
    let level = if rr.is_empty() { 0 } else { rr.split('.').count() };
    Ok(json!({ "DomainName": main, "RR": rr, "DomainLevel": level }))
}

pub(super) fn product_instance(
    domains: &mut Domains,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let id = &parameters["InstanceId"];
    let found = domains.all().find(|domain| domain.instance_id.as_ref() == Some(id));
    let no = || Refusal::new("InvalidInstanceId.NotFound", "The instance does not exist.");
    found.map(answers::product_instance).ok_or_else(no)
}

pub(super) fn product_instances(
    domains: &mut Domains,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let paging = paging(parameters, 100)?;
    let version = text(parameters, "VersionCode");
    let selected: Vec<&Domain> = domains
        .all()
        .filter(|domain| domain.instance_id.is_some())
        .filter(|domain| version.is_none_or(|version| domain.plan.version_code == version))
        .collect();
    let wrapped = |rows| json!({ "DnsProducts": { "DnsProduct": rows } });
    Ok(answers::page(selected, paging, answers::product_instance, wrapped))
}

pub(super) fn domain_ns(domains: &mut Domains, parameters: &Parameters) -> Result<Value, Refusal> {
    Ok(answers::domain_ns(domains.get(&parameters["DomainName"])?))
}

pub(super) fn record_info(
    domains: &mut Domains,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let (domain, record) = domains.find(&parameters["RecordId"])?;
    Ok(answers::record_info(domain, record))
}

pub(super) fn domain_records(
    domains: &mut Domains,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let domain = domains.get(&parameters["DomainName"])?;
    let paging = paging(parameters, 500)?;
    let filter = Filter::read(parameters)?;
    let descending = match text(parameters, "Direction") {
        None | Some("DESC") => true,
        Some("ASC") => false,
        Some(_) => return Err(Refusal::parameter("Direction")),
    };
    let mut selected: Vec<_> = domain.records().filter(|it| filter.selects(it)).collect();
    if descending {
        selected.reverse();
    }
    Ok(answers::page(selected, paging, |it| answers::record_row(domain, it), records))
}

pub(super) fn sub_domain_records(
    domains: &mut Domains,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let paging = paging(parameters, 100)?;
    let name = parameters["SubDomain"].to_ascii_lowercase();
    let is_below = |domain: &&Domain| {
        name == domain.name || name.strip_suffix(&domain.name).is_some_and(|it| it.ends_with('.'))
    };
    let domain = match text(parameters, "DomainName") {
        Some(name) => domains.get(name)?,
        None => {
            let longest = domains.all().filter(is_below).max_by_key(|domain| domain.name.len());
            longest.ok_or_else(|| Refusal::parameter("SubDomain"))?
        }
    };
    let rr = name.strip_suffix(&domain.name).ok_or_else(|| Refusal::parameter("SubDomain"))?;
    let rr = if rr.is_empty() { "@" } else { rr.trim_end_matches('.') };
    let (of_type, on_line) = (text(parameters, "Type"), text(parameters, "Line"));
    let mut selected: Vec<_> = domain
        .at(rr)
        .filter(|it| of_type.is_none_or(|of_type| it.record.record_type == of_type))
        .filter(|it| on_line.is_none_or(|line| it.record.line == line))
        .collect();
    selected.reverse();
    Ok(answers::page(selected, paging, |it| answers::sub_domain_row(domain, it), records))
}

fn records(rows: Vec<Value>) -> Value {
    json!({ "DomainRecords": { "Record": rows } })
}

/// Which records a listing holds.
struct Filter<'a> {
    parameters: &'a Parameters,
    exact: bool,
}

impl<'a> Filter<'a> {
    fn read(parameters: &'a Parameters) -> Result<Self, Refusal> {
        let exact = match text(parameters, "SearchMode") {
            None | Some("LIKE" | "ADVANCED" | "COMBINATION") => false,
            Some("EXACT") => true,
            Some(_) => return Err(Refusal::parameter("SearchMode")),
        };
        if !matches!(text(parameters, "Status"), None | Some("Enable" | "Disable")) {
            return Err(Refusal::parameter("Status"));
        }
        Ok(Self { parameters, exact })
    }

    /// Key words are found anywhere in the text, types and lines must be equal.
    fn selects(&self, it: &FakeRecord) -> bool {
        let of = |name: &str| text(self.parameters, name);
        let has = |text: &str, word: &str| {
            let (text, word) = (text.to_ascii_lowercase(), word.to_ascii_lowercase());
            if self.exact { text == word } else { text.contains(&word) }
        };
        let record = &it.record;
        let is_type = |it: &str| record.record_type.eq_ignore_ascii_case(it);
        of("KeyWord").is_none_or(|word| has(&record.rr, word) || has(&record.value, word))
            && of("RRKeyWord").is_none_or(|word| has(&record.rr, word))
            && of("ValueKeyWord").is_none_or(|word| has(&record.value, word))
            && of("TypeKeyWord").is_none_or(is_type)
            && of("Type").is_none_or(is_type)
            && of("Line").is_none_or(|line| record.line == line)
            && of("Status").is_none_or(|status| (status == "Enable") == it.enabled)
    }
}

fn paging(parameters: &Parameters, size_max: u64) -> Result<(u64, u64), Refusal> {
    let page = number(parameters, "PageNumber")?.unwrap_or(1);
    let size = number(parameters, "PageSize")?.unwrap_or(20);
    if page == 0 {
        return Err(Refusal::parameter("PageNumber"));
    }
    if !(1..=size_max).contains(&size) {
        return Err(Refusal::parameter("PageSize"));
    }
    Ok((page, size))
}
