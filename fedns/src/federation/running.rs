//! The federation while serving: who is a member, and who leaves.

use std::collections::BTreeSet;
use std::sync::Arc;

use clusters::Access;
use clusters::federation::members::{self, FoundMember, MemberStanding, Members, MembersSettings};
use clusters::lease::Holding;
use model::ClusterName;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::info;

use super::Membership;
use super::certificates::CertificateKeeper;
use super::copies::keep::Keeper;
use super::copies::restore::restore;
use super::member_status::{MemberStatus, StatusSettings};
use super::page::FederationPage;
use super::rotation::{Problems, Rotation, RotationSettings};
use super::setup::Setup;
use crate::config::{Config, ControlPlane};
use crate::leader;
use crate::pipeline::{PipelineHandle, unix_now};
use crate::state::StateFolder;

/// Departures that may wait for whoever lets them go.
const DEPARTURES: usize = 64;

/// What runs for a federation beside watchers and mirrors.
pub struct Federation {
    members: watch::Receiver<Members>,
    saved: Vec<ClusterName>,
    /// What was told last, for the log.
    troubles: Vec<String>,
    departures: mpsc::Sender<BTreeSet<ClusterName>>,
    propagator: propagator::Handle,
    /// Ends all of it when dropped.
    tasks: JoinSet<()>,
}

/// A member as it was found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberRow {
    name: String,
    /// Joined, Leaving or WithoutObject.
    membership: &'static str,
    /// Why its credentials cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    unusable: Option<String>,
    /// Why its credentials grow old.
    #[serde(skip_serializing_if = "Option::is_none")]
    unrenewed: Option<String>,
}

// === impl Federation ===

impl Federation {
    /// Takes from its copies what the state folder lacks or has older.
    pub async fn restore_state(config: &Config, folder: &StateFolder) {
        if let Some(control_plane) = &config.control_plane {
            restore(control_plane, folder, unix_now()).await;
        }
    }

    /// `None` where the config has no control plane. `saved`: the clusters of which state was saved.
    pub fn start(
        config: &Config,
        saved: Vec<ClusterName>,
        pipeline: &PipelineHandle,
        lease: Option<watch::Receiver<Holding>>,
        page: &FederationPage,
    ) -> Option<Self> {
        let control_plane = config.control_plane.clone()?;
        let ControlPlane { access, host, namespace } = control_plane.clone();
        let settings = MembersSettings {
            federation: access.clone(),
            host: host.clone(),
            namespace: namespace.clone(),
        };
        let (sender, members) = watch::channel(Members::default());
        let (departures, departing) = mpsc::channel(DEPARTURES);
        let mut tasks = JoinSet::new();
        tasks.spawn(members::follow(settings, sender));
        let (propagated, targets) = watch::channel(propagator::Members::default());
        let holding = lease.clone().unwrap_or_else(leader::always);
        let rotation = RotationSettings { host: host.clone(), namespace: namespace.clone() };
        let rotation = Rotation::new(rotation, members.clone(), targets.clone(), holding.clone());
        let unrenewed = rotation.problems();
        tasks.spawn(rotation.run());
        let setup = Setup {
            control_plane: control_plane.clone(),
            members: members.clone(),
            holding: holding.clone(),
        };
        tasks.spawn(setup.run());
        let (trouble, certificates_trouble) = watch::channel(None);
        let certificates = CertificateKeeper {
            control_plane: control_plane.clone(),
            holding: holding.clone(),
            trouble,
        };
        tasks.spawn(certificates.run());
        let (trouble, copies_trouble) = watch::channel(None);
        let keeper = Keeper {
            control_plane: control_plane.clone(),
            state_dir: config.state_dir.clone(),
            members: members.clone(),
            holding: holding.clone(),
            trouble,
        };
        tasks.spawn(keeper.run());
        let status = StatusSettings { federation: access, host, namespace };
        let status =
            MemberStatus::new(status, pipeline.clone(), members.clone(), lease, propagated);
        tasks.spawn(status.run(departing));
        let settings = propagator::Settings {
            federation: config.federation.to_string(),
            federation_access: control_plane.access.into(),
            host_access: control_plane.host.into(),
            host_namespace: control_plane.namespace,
            eligibility: Default::default(),
        };
        let propagator = propagator::start(settings, targets, holding);
        let (label, found, status) =
            (config.federation.to_string(), members.clone(), propagator.status_feed());
        page.set(move || {
            let status = Arc::clone(&status.borrow());
            let troubles = [
                ("the copies of the state", copies_trouble.borrow().clone()),
                ("the control plane's certificates", certificates_trouble.borrow().clone()),
            ];
            page_of(&label, &found.borrow(), &unrenewed.borrow(), troubles, &status)
        });
        let troubles = Vec::new();
        Some(Self { members, saved, troubles, departures, propagator, tasks })
    }

    pub fn membership(&self) -> Membership {
        Membership::of(&self.members.borrow(), &self.saved)
    }

    /// Waits until members have come, changed or left; for ever without a federation.
    pub async fn changed(federation: &mut Option<Self>) {
        let Some(federation) = federation else { return std::future::pending().await };
        if federation.members.changed().await.is_err() {
            // It tells until the process ends; without it the members stay who they are.
            return std::future::pending().await;
        }
        let troubles = federation.members.borrow().troubles.clone();
        if troubles.is_empty() && !federation.troubles.is_empty() {
            info!("the federation's members can be read again");
        }
        federation.troubles = troubles;
    }

    /// Nothing of these clusters is served any more: their objects may go.
    pub fn left(&mut self, clusters: &BTreeSet<ClusterName>) {
        // Where the channel is full, the next look at the members comes by here again.
        let _ = self.departures.try_send(clusters.clone());
    }

    /// Calls that are under way are waited for.
    pub async fn stop(mut self) {
        self.propagator.stop().await;
        self.tasks.shutdown().await;
    }
}

fn page_of(
    federation: &str,
    members: &Members,
    unrenewed: &Problems,
    others: [(&str, Option<String>); 2],
    status: &propagator::Status,
) -> Value {
    let others = others.into_iter().filter_map(|(what, why)| Some(format!("{what}: {}", why?)));
    let troubles: Vec<String> = members.troubles.iter().cloned().chain(others).collect();
    let row = |(name, member): (&ClusterName, &FoundMember)| MemberRow {
        name: name.to_string(),
        membership: match member.standing {
            MemberStanding::Joined => "Joined",
            MemberStanding::Leaving => "Leaving",
            MemberStanding::WithoutObject => "WithoutObject",
        },
        unusable: match &member.access {
            Access::Unusable(why) => Some(why.clone()),
            Access::Kubeconfig(_) | Access::Member(_) => None,
        },
        unrenewed: unrenewed.get(name).cloned(),
    };
    let rows: Vec<MemberRow> = members.found.iter().map(row).collect();
    json!({
        "federation": federation,
        "members": rows,
        "membersAreComplete": members.is_complete,
        "troubles": troubles,
        "propagation": status,
    })
}
