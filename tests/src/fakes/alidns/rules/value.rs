//! Values, type by type.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::is_label;
use crate::fakes::alidns::domains::NewRecord;
use crate::fakes::alidns::refusal::Refusal;

const TXT_LENGTH_MAX: usize = 511;
const TXT_MARKS: &str = " -~=:;/.@+^!*,_";

/// The value as AliDNS keeps it.
pub(super) fn kept(record: &NewRecord) -> Result<String, Refusal> {
    let value = record.value.as_str();
    match record.record_type.as_str() {
        "A" => address::<Ipv4Addr>(value, "InvalidRR.AValue"),
        "AAAA" => address::<Ipv6Addr>(value, "InvalidRR.AAAAValue"),
        "CNAME" => name(value, "SubDomainInvalid.Value"),
        "MX" => name(value, "InvalidRR.MXValue"),
        "NS" => name(value, "InvalidRR.NSValue"),
        "SRV" => service(value),
        "TXT" => text(value),
        _ => Ok(value.to_owned()),
    }
}

fn address<T: std::str::FromStr + ToString>(value: &str, code: &str) -> Result<String, Refusal> {
    value.parse::<T>().map(|address| address.to_string()).map_err(|_| invalid(code))
}

fn name(value: &str, code: &str) -> Result<String, Refusal> {
    let name = value.strip_suffix('.').unwrap_or(value).to_ascii_lowercase();
    let good =
        name.len() <= 253 && name.split('.').all(|label| label.len() < 64 && is_label(label));
    if good && name.contains('.') { Ok(name) } else { Err(invalid(code)) }
}

/// `priority weight port target`
fn service(value: &str) -> Result<String, Refusal> {
    let invalid = || invalid("SubDomainInvalid.Value");
    let fields: Vec<&str> = value.split(' ').collect();
    let [numbers @ .., target] = fields.as_slice() else { return Err(invalid()) };
    if numbers.len() != 3 || numbers.iter().any(|number| number.parse::<u16>().is_err()) {
        return Err(invalid());
    }
    Ok(format!("{} {}", numbers.join(" "), name(target, "SubDomainInvalid.Value")?))
}

/// Double quotes and blanks at the end do not survive.
fn text(value: &str) -> Result<String, Refusal> {
    let kept = value.replace('"', "");
    let kept = kept.trim_end();
    let is_good = |it: char| it.is_ascii_alphanumeric() || TXT_MARKS.contains(it);
    if kept.is_empty() || kept.len() > TXT_LENGTH_MAX || !kept.chars().all(is_good) {
        return Err(invalid("SubDomainInvalid.Value"));
    }
    Ok(kept.to_owned())
}

fn invalid(code: &str) -> Refusal {
    Refusal::new(code, "The DNS record value is invalid.")
}
