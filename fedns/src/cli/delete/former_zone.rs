//! Records of a zone that the federation had before, and that nobody writes any more.

use std::process::ExitCode;

use clusters::federation::steps::Told;

use super::Delete;
use super::prepare::{Outside, Seen};
use crate::cli::steps::{self, Teller};
use crate::cli::{CommandResult, Failure, print};
use crate::control_plane::delete::records;
use crate::control_plane::server_config::ServerConfig;

impl Delete {
    pub(super) async fn delete_records_of(
        &self,
        zone: &str,
        seen: &Seen,
        outside: &Outside,
        teller: &Teller,
    ) -> CommandResult {
        self.check_is_former(zone, seen)?;
        let config = outside.config.as_ref().filter(|_| !outside.has_no_provider);
        let config = config.ok_or_else(|| {
            Failure::one(format!(
                "nothing says where {zone} is hosted: --dns-provider and --dns-provider-config name it"
            ))
        })?;
        let plans = records::look(config).await.map_err(|lines| Failure { lines })?;
        for plan in &plans {
            print(plan)?;
        }
        if self.dry_run || plans.iter().all(records::RecordsPlan::is_empty) {
            return Ok(ExitCode::SUCCESS);
        }
        if !self.yes && !self.agrees("Delete these records?").await? {
            return Err(Failure::one("not agreed to"));
        }
        let tell = |told: Told| teller.tell(told);
        let left = records::remove(config, &tell).await.map_err(|lines| Failure { lines })?;
        print(steps::leftovers_text(&left))
    }

    /// What is written still comes back.
    fn check_is_former(&self, zone: &str, seen: &Seen) -> Result<(), Failure> {
        let system = seen.standing.system.as_ref();
        let Some(text) = system.and_then(|system| system.config.as_deref()) else { return Ok(()) };
        if !ServerConfig::standing(text)?.has_zone_named(zone) {
            return Ok(());
        }
        let Self { name, host_cluster_context: host, .. } = self;
        Err(Failure::one(format!(
            "{zone} is the federation's zone now: `fedns init {name} --host-cluster-context={host} \
             --dns-zone-name=ZONE` gives it another one first"
        )))
    }
}
