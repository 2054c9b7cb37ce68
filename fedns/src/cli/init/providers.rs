//! Providers that `init` is about to use, and those where records stay that nobody writes any more.

use std::fmt;

use providers::preflight::Severity;

use crate::cli::Failure;
use crate::config::{Config, ConfigError, ProviderConfig, ZoneConfig};
use crate::control_plane::delete::records;
use crate::control_plane::server_config::is_aws;
use crate::delegation::look;
use crate::mirror::check::check;

/// How many of the names that stay are shown.
const SHOWN: usize = 5;

/// Configs with their files where they are on this machine; `None` where no provider is in them.
pub(super) struct Providers {
    pub now: Option<Config>,
    /// As it stands in the host cluster; it may be that nobody can use that any more.
    pub before: Option<Result<Config, ConfigError>>,
    /// The command line names a provider: then it is asked even if nothing changes.
    pub are_named: bool,
    /// The AWS tools find their key in a file that the pod gets, too.
    pub has_aws_file: bool,
}

/// Records that stay at a provider.
pub(super) struct Left {
    zone: String,
    /// What stays, or why that is not known.
    what: Result<records::RecordsPlan, String>,
}

type Place<'a> = (&'a ZoneConfig, &'a ProviderConfig);

// === impl Providers ===

impl Providers {
    /// Nothing is created or changed where a provider would refuse what is wanted. One that is used as it was
    /// is not asked.
    pub(super) async fn preflight(&self) -> Result<Vec<String>, Failure> {
        let (mut lines, mut notes) = (Vec::new(), Vec::new());
        let Some(config) = &self.now else { return Ok(notes) };
        let resolvers = config.resolver.clone();
        let asking = look::Settings { resolvers, ..look::Settings::default() };
        for (zone, provider) in places(config).filter(|place| self.are_named || !self.stood(place))
        {
            let checked = check(config, None, (zone, provider), &asking).await;
            for finding in checked.findings {
                let line = format!("{}: {finding}", checked.title);
                // Keys that come from where it runs are others in the pod.
                let travels = provider.kind.file().is_some()
                    || (self.has_aws_file && is_aws(provider.kind.word()));
                let is_of_here = finding.subject == "provider" && !travels;
                match finding.severity {
                    Severity::Fine => {}
                    Severity::Blocking if !is_of_here => lines.push(line),
                    _ => notes.push(line),
                }
            }
        }
        if lines.is_empty() { Ok(notes) } else { Err(Failure { lines }) }
    }

    fn stood(&self, (zone, provider): &Place<'_>) -> bool {
        let mut before = self.before.iter().flatten().flat_map(places);
        before.any(|(earlier, its)| earlier.name == zone.name && its == *provider)
    }

    /// What is the federation's in zones, at providers and with owners that are not in the config any more.
    pub(super) async fn left(&self) -> Vec<Left> {
        let before = match &self.before {
            None => return Vec::new(),
            Some(Ok(before)) => before,
            Some(Err(error)) => {
                let zone = "the zone that it had".to_owned();
                return vec![Left { zone, what: Err(error.lines.join("; ")) }];
            }
        };
        let mut left = Vec::new();
        for (zone, provider) in places(before).filter(|place| !self.is_kept(place)) {
            let alone = ZoneConfig { providers: vec![provider.clone()], ..zone.clone() };
            let found = records::look(&Config { zones: vec![alone], ..before.clone() }).await;
            let zone = zone.name.to_string();
            match found {
                Ok(plans) => {
                    let plans = plans.into_iter().filter(|plan| !plan.is_empty());
                    left.extend(plans.map(|plan| Left { zone: zone.clone(), what: Ok(plan) }));
                }
                Err(lines) => left.push(Left { zone, what: Err(lines.join("; ")) }),
            }
        }
        left
    }

    fn is_kept(&self, (zone, provider): &Place<'_>) -> bool {
        self.now.iter().flat_map(places).any(|(later, its)| {
            later.name == zone.name
                && its.kind.word() == provider.kind.word()
                && its.owner == provider.owner
        })
    }
}

fn places(config: &Config) -> impl Iterator<Item = Place<'_>> {
    config.zones.iter().flat_map(|zone| zone.providers.iter().map(move |provider| (zone, provider)))
}

// === impl Left ===

impl Left {
    /// With the command that removes it, given what comes before the zone in it.
    pub(super) fn line(&self, delete: &str) -> String {
        let zone = if self.what.is_ok() { &self.zone } else { "ZONE" };
        format!(
            "{self}; when nobody asks for them any more, this removes them: {delete} --former-zone={zone}"
        )
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = match &self.what {
            Ok(plan) => plan,
            Err(why) => {
                return write!(
                    f,
                    "records of {} may stay, which cannot be listed ({why})",
                    self.zone
                );
            }
        };
        // Their markers go without saying.
        let rows = plan.rows.iter().filter(|row| row.record_type != "TXT");
        let mut names: Vec<&str> = rows.map(|row| row.name.as_str()).collect();
        names.dedup();
        let more = if names.len() > SHOWN { ", ..." } else { "" };
        names.truncate(SHOWN);
        write!(
            f,
            "{} names stay at {} as they are, with the owner {} ({}{more}), and nobody keeps them up to date",
            plan.names,
            plan.title,
            plan.owner,
            names.join(", ")
        )
    }
}
