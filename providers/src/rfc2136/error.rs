//! Every failure in one line with its cause and remedy.

use std::time::Duration;

use model::Name;

use super::server::Server;
use super::tsig::{BADKEY, BADSIG, FUDGE, TsigError};
use crate::provider::{Failure, FailureKind};

/// Response codes (RFC 1035 section 4.1.1, RFC 2136 section 2.2).
pub mod rcode {
    pub const NOERROR: u8 = 0;
    pub const FORMERR: u8 = 1;
    pub const SERVFAIL: u8 = 2;
    pub const NXDOMAIN: u8 = 3;
    pub const NOTIMP: u8 = 4;
    pub const REFUSED: u8 = 5;
    pub const YXDOMAIN: u8 = 6;
    pub const YXRRSET: u8 = 7;
    pub const NXRRSET: u8 = 8;
    pub const NOTAUTH: u8 = 9;
    pub const NOTZONE: u8 = 10;
}

/// What was asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Query,
    Transfer,
    Update,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name server {server}: {cause}")]
pub struct Error {
    pub server: Server,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    #[error(
        "cannot be reached over TCP: {0}; see that it runs there and that no firewall is between"
    )]
    Unreachable(String),
    #[error("no answer within {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the connection broke off: {0}")]
    Broken(String),
    #[error("the answer is no DNS message of this kind")]
    Malformed,
    #[error("{}", of_tsig(key, *doing, *error))]
    Tsig { key: Name, doing: Doing, error: TsigError },
    #[error("{}", of_rcode(*rcode, *doing, zone, key))]
    Rcode { rcode: u8, doing: Doing, zone: Name, key: Name },
    #[error(
        "the zone transfer of {zone} is larger than {} MiB and was broken off", .limit >> 20
    )]
    TooLarge { zone: Name, limit: usize },
    #[error("it has no zone that holds {0}; name the server that is its primary, or set zone:")]
    NoZone(Name),
    #[error(
        "{below} is delegated to other name servers there; name the server that is its primary"
    )]
    Delegated { below: Name },
    #[error("a change has more records than one message takes: 64 KiB")]
    ChangeTooLarge,
    #[error(
        "{differ} of {written} sets do not stand as they were written, first {first}: somebody else \
         changed them just now, or the server passes over what cannot stand beside other records"
    )]
    NotTaken { differ: usize, written: usize, first: String },
}

// === impl Error ===

impl Error {
    pub fn rcode(&self) -> Option<u8> {
        match self.cause {
            Cause::Rcode { rcode, .. } => Some(rcode),
            _ => None,
        }
    }

    fn kind(&self) -> FailureKind {
        match &self.cause {
            Cause::Unreachable(_) | Cause::Silent(_) | Cause::Broken(_) | Cause::Malformed => {
                FailureKind::Later(None)
            }
            Cause::Rcode { rcode, doing, .. } => kind_of_rcode(*rcode, *doing),
            Cause::ChangeTooLarge => FailureKind::Refused,
            Cause::NotTaken { .. } => FailureKind::Moved,
            Cause::Tsig { .. }
            | Cause::TooLarge { .. }
            | Cause::NoZone(_)
            | Cause::Delegated { .. } => FailureKind::Fatal,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::new(error.kind(), error.to_string())
    }
}

fn kind_of_rcode(code: u8, doing: Doing) -> FailureKind {
    match code {
        rcode::NXDOMAIN | rcode::YXDOMAIN | rcode::YXRRSET | rcode::NXRRSET
            if doing == Doing::Update =>
        {
            FailureKind::Moved
        }
        rcode::NOTZONE => FailureKind::Refused,
        rcode::SERVFAIL => FailureKind::Later(None),
        _ => FailureKind::Fatal,
    }
}

fn of_tsig(key: &Name, doing: Doing, error: TsigError) -> String {
    match error {
        TsigError::Unsigned => format!(
            "the answer has no signature, so it may be anybody's: give the server key {key}"
        ),
        TsigError::Wrong => format!(
            "the answer is not signed with our key {key}: compare the key in configFile with the \
             server's"
        ),
        // Knot DNS says so of a key that it knows, too, where no acl lets it do this.
        TsigError::Rejected(BADKEY) => format!(
            "it does not take key {key} for this (BADKEY): compare name and algorithm in configFile \
             with the server's, and {}",
            permission(doing, key)
        ),
        TsigError::Rejected(BADSIG) => format!(
            "it has another secret for key {key}: compare the secret in configFile with the server's \
             (BADSIG)"
        ),
        TsigError::Rejected(code) => {
            format!("it does not take the signature with key {key}: TSIG error {code}")
        }
        TsigError::Time { ahead } => format!(
            "this machine's clock is about {} min {} the server's, and signatures allow {} min: set \
             the clock (BADTIME)",
            ahead.unsigned_abs() / 60,
            if ahead > 0 { "ahead of" } else { "behind" },
            FUDGE / 60
        ),
    }
}

fn of_rcode(code: u8, doing: Doing, zone: &Name, key: &Name) -> String {
    let name = name_of(code);
    let what = match doing {
        Doing::Query => format!("a query for {zone}"),
        Doing::Transfer => format!("the transfer of zone {zone}"),
        Doing::Update => format!("the update of zone {zone}"),
    };
    let remedy = match (code, doing) {
        (rcode::REFUSED | rcode::NOTAUTH, _) => format!(
            ": {}; see that it has the same key and is the zone's primary",
            permission(doing, key)
        ),
        (rcode::FORMERR | rcode::NOTIMP, Doing::Update) => {
            ": it may take no dynamic updates (RFC 2136)".into()
        }
        (rcode::NXDOMAIN | rcode::YXDOMAIN | rcode::YXRRSET | rcode::NXRRSET, Doing::Update) => {
            ": something else stands there than was listed".into()
        }
        _ => String::new(),
    };
    format!("{what} is answered with {name}{remedy}")
}

/// What lets a key do something.
fn permission(doing: Doing, key: &Name) -> String {
    match doing {
        Doing::Query => format!("let it answer queries that are signed with key {key}"),
        Doing::Transfer => format!(
            "let key {key} transfer the zone (BIND: allow-transfer {{ key {key}; }}; Knot DNS: an acl \
             with action transfer; PowerDNS: TSIG-ALLOW-AXFR)"
        ),
        Doing::Update => format!(
            "let key {key} update the zone (BIND: update-policy {{ grant {key} zonesub ANY; }}; Knot DNS: \
             an acl with action update; PowerDNS: dnsupdate=yes and TSIG-ALLOW-DNSUPDATE)"
        ),
    }
}

fn name_of(code: u8) -> String {
    const NAMES: [&str; 11] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
        "NXRRSET", "NOTAUTH", "NOTZONE",
    ];
    match NAMES.get(usize::from(code)) {
        Some(name) => (*name).to_owned(),
        None => format!("response code {code}"),
    }
}
