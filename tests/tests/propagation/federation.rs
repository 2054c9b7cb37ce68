use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clusters::boot_time::BootTime;
use clusters::lease::Holding;
use clusters::{Access, KubeconfigAccess};
use model::ClusterName;
use planner::eligibility::EligibilitySettings;
use propagator::status::ClusterStatus;
use propagator::{Handle, Member, Members, Settings, Standing, Status};
use serde_json::Value;
use tests::api_server::{ApiServer, User};
use tests::eventually::{GENEROUS, eventually};
use tests::fault_proxy::FaultProxy;
use tests::kubeconfig::{Context, kubeconfig};
use tests::kubectl::{Kubectl, Node};
use tests::kwok::KwokCluster;
use tests::parts;
use tests::process::Process;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// The label of every federation here.
pub(super) const LABEL: &str = "fed";

/// An API server that is a federation and its own host, with members beijing, hangzhou, … .
pub(super) struct Federation {
    pub(super) propagator: Option<Propagator>,
    /// Between the propagator and the API server of the federation.
    pub(super) proxy: FaultProxy,
    /// Between the propagator and each member.
    pub(super) proxies: Vec<FaultProxy>,
    pub(super) api: ApiServer,
    pub(super) members: Vec<ApiServer>,
    /// As whom the propagator reaches members, if not as their admin.
    users: BTreeMap<String, User>,
}

/// What makes pods of workloads, and cleans up after namespaces.
pub(super) struct Controllers {
    _processes: Vec<Process>,
}

/// A propagator in a runtime of its own.
pub(super) struct Propagator {
    handle: Option<Handle>,
    feed: watch::Sender<Members>,
    holding: watch::Sender<Holding>,
    runtime: Runtime,
}

impl Federation {
    /// Starts all API servers at once, and the propagator when they are there.
    pub(super) fn start(members: &[&str]) -> Self {
        let federation = Self::start_without_propagator(members);
        federation.with_propagator()
    }

    pub(super) fn start_without_propagator(members: &[&str]) -> Self {
        let (api, members): (_, Vec<_>) = std::thread::scope(|scope| {
            let api = scope.spawn(|| ApiServer::start("federation"));
            let members: Vec<_> =
                members.iter().map(|name| scope.spawn(|| ApiServer::start(name))).collect();
            let join =
                |it: std::thread::ScopedJoinHandle<'_, ApiServer>| it.join().expect("starts");
            (join(api), members.into_iter().map(join).collect())
        });
        Self::of(api, members)
    }

    /// Members with controllers and nodes that kwok plays, and a federation that cleans up after
    /// namespaces.
    pub(super) fn start_alive(members: &[&str]) -> (Controllers, Self) {
        const NODES: [Node<'_>; 1] = [Node::new("a", "cn-beijing", "cn-beijing-a")];
        let clusters: Vec<KwokCluster> = std::thread::scope(|scope| {
            let clusters: Vec<_> = members
                .iter()
                .map(|name| scope.spawn(|| KwokCluster::start(name, &NODES)))
                .collect();
            clusters.into_iter().map(|it| it.join().expect("starts")).collect()
        });
        let mut processes = Vec::new();
        let mut servers = Vec::new();
        for KwokCluster { kwok, scheduler, controller_manager, api } in clusters {
            processes.extend([kwok, scheduler, controller_manager]);
            servers.push(api);
        }
        let federation = Self::of(ApiServer::start("federation"), servers);
        let mut command = parts::kubernetes("kube-controller-manager");
        let folder = federation.api.scratch().path();
        command.arg("--kubeconfig").arg(folder.join("kubeconfig")).args([
            "--leader-elect=false",
            "--secure-port=0",
            "--controllers=namespace-controller",
        ]);
        processes.push(Process::start("kube-controller-manager", &command, folder));
        (Controllers { _processes: processes }, federation.with_propagator())
    }

    fn of(api: ApiServer, members: Vec<ApiServer>) -> Self {
        let proxy = FaultProxy::start(&api.context());
        let proxies = members.iter().map(|member| FaultProxy::start(&member.context())).collect();
        let users = BTreeMap::new();
        let federation = Self { propagator: None, proxy, proxies, api, members, users };
        federation.kubectl().run("create namespace federation-system");
        federation
    }

    pub(super) fn with_propagator(mut self) -> Self {
        self.start_propagator();
        self
    }

    pub(super) fn start_propagator(&mut self) {
        let servers = self.members.iter().zip(&self.proxies);
        let members: Vec<Member> = servers
            .map(|(server, proxy)| {
                let user = self.users.get(server.name());
                let context = user.map_or_else(|| server.context(), |user| server.context_of(user));
                member(server, &context.through(proxy.url()))
            })
            .collect();
        let access = access(&self.api, &self.api.context().through(self.proxy.url()));
        self.propagator = Some(Propagator::start(access, members));
    }

    /// From its next start on the propagator reaches the member as a user of `group` only.
    pub(super) fn limit_member(&mut self, name: &str, group: &str) {
        let place = self.members.iter().position(|member| member.name() == name);
        let place = place.expect("a member");
        let user = User::new(group, &[group]);
        self.members[place].set_users(vec![user.clone()]);
        self.users.insert(name.to_owned(), user);
    }

    pub(super) fn stop_propagator(&mut self) {
        self.propagator = None;
    }

    pub(super) fn propagator(&self) -> &Propagator {
        self.propagator.as_ref().expect("it was started")
    }

    /// kubectl at the federation.
    pub(super) fn kubectl(&self) -> &Kubectl {
        self.api.kubectl()
    }

    /// kubectl at a member.
    pub(super) fn member(&self, name: &str) -> &Kubectl {
        let member = self.members.iter().find(|member| member.name() == name);
        member.expect("a member").kubectl()
    }

    /// What was written to each member so far, as methods and paths.
    pub(super) fn writes_to_members(&self) -> Vec<String> {
        self.proxies.iter().flat_map(writes).collect()
    }

    /// What was written to the federation so far, Events apart.
    pub(super) fn writes_to_federation(&self) -> Vec<String> {
        let mut writes = writes(&self.proxy);
        writes.retain(|write| !write.contains("/events"));
        writes
    }

    /// Waits until `line` answers the same in every member.
    #[track_caller]
    pub(super) fn in_every_member(&self, line: &str, expect: &str) {
        for member in &self.members {
            answers(member.kubectl(), line, expect);
        }
    }

    /// Waits until no member has the object.
    #[track_caller]
    pub(super) fn in_no_member(&self, object: &str) {
        for member in &self.members {
            is_absent(member.kubectl(), object);
        }
    }

    /// Waits until nothing waits and nothing is in flight.
    #[track_caller]
    pub(super) fn comes_to_rest(&self) -> Arc<Status> {
        self.status("nothing to do", |status| {
            let queues = status.clusters.values().map(|cluster| &cluster.queue);
            queues.chain([&status.federation]).all(|queue| queue.waiting + queue.in_flight == 0)
        })
    }

    /// The same, where writes to members wait because somebody else's object stands in the place.
    #[track_caller]
    pub(super) fn comes_to_rest_but_for_conflicts(&self) -> Arc<Status> {
        self.status("nothing to do but conflicts", |status| {
            let is_idle = |waiting: usize, in_flight: usize| waiting == 0 && in_flight == 0;
            let Status { federation, clusters, .. } = status;
            is_idle(federation.waiting, federation.in_flight)
                && clusters.values().all(|cluster| {
                    let ClusterStatus { queue, conflicts, .. } = cluster;
                    is_idle(queue.waiting.abs_diff(conflicts.len()), queue.in_flight)
                })
        })
    }

    #[track_caller]
    pub(super) fn status(&self, what: &str, is: impl Fn(&Status) -> bool) -> Arc<Status> {
        eventually(GENEROUS, what, || {
            let status = self.propagator().status();
            if is(&status) { Ok(status) } else { Err(format!("{status:?}")) }
        })
    }

    /// Waits for an Event about an object of the federation.
    #[track_caller]
    pub(super) fn event(&self, reason: &str, note: &str) {
        eventually(GENEROUS, &format!("the Event {reason} {note}"), || {
            let events = self.kubectl().json("get events -A");
            let items = events["items"].as_array().cloned().unwrap_or_default();
            let said = |event: &Value| {
                event["reason"] == reason
                    && event["message"].as_str().is_some_and(|message| message.contains(note))
            };
            let line = |event: &Value| format!("{} {}", event["reason"], event["message"]);
            let seen: Vec<String> = items.iter().map(line).collect();
            if items.iter().any(said) { Ok(()) } else { Err(seen.join("\n")) }
        });
    }
}

impl Propagator {
    pub(super) fn start(access: Access, members: Vec<Member>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let (feed, members) = watch::channel(by_name(members));
        let (holding, held) = watch::channel(forever());
        let settings = Settings {
            federation: LABEL.to_owned(),
            federation_access: access.clone(),
            host_access: access,
            host_namespace: "federation-system".to_owned(),
            // The same rules, told in seconds.
            eligibility: EligibilitySettings {
                leave_after_seconds: 1,
                return_after_seconds: 1,
                unschedulable_after_seconds: 1,
                ..EligibilitySettings::default()
            },
        };
        let handle = runtime.block_on(async { propagator::start(settings, members, held) });
        Self { handle: Some(handle), feed, holding, runtime }
    }

    pub(super) fn status(&self) -> Arc<Status> {
        self.handle.as_ref().expect("it runs until it is dropped").status()
    }

    /// Changes what is said of one member.
    pub(super) fn change(&self, name: &str, change: impl Fn(&mut Member)) {
        self.feed.send_modify(|members| {
            change(members.found.get_mut(&ClusterName::new(name)).expect("a member"));
        });
    }

    pub(super) fn set_standing(&self, name: &str, standing: Standing) {
        self.change(name, |member| member.standing = standing);
    }

    /// Takes a member out of the federation.
    pub(super) fn remove(&self, name: &str) {
        self.feed.send_modify(|members| {
            members.found.remove(&ClusterName::new(name));
        });
    }

    pub(super) fn lose_lease(&self) {
        self.holding.send_replace(Holding::Standby { why: "another writes".to_owned() });
    }

    pub(super) fn win_lease(&self) {
        self.holding.send_replace(forever());
    }
}

impl Drop for Propagator {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.runtime.block_on(handle.stop());
        }
    }
}

pub(super) fn access(server: &ApiServer, context: &Context) -> Access {
    let path: PathBuf = server
        .scratch()
        .write(&format!("access-{}", context.name), kubeconfig(std::slice::from_ref(context)));
    Access::Kubeconfig(KubeconfigAccess { path: Some(path), context: None })
}

pub(super) fn member(server: &ApiServer, context: &Context) -> Member {
    Member {
        name: ClusterName::new(server.name()),
        labels: BTreeMap::from([("name".to_owned(), server.name().to_owned())]),
        access: access(server, context),
        standing: Standing::Ready,
    }
}

#[track_caller]
pub(super) fn answers(kubectl: &Kubectl, line: &str, expect: &str) {
    eventually(GENEROUS, &format!("{line} answers {expect}"), || {
        let seen = kubectl.try_run(line)?;
        if seen == expect { Ok(()) } else { Err(seen) }
    });
}

#[track_caller]
pub(super) fn is_absent(kubectl: &Kubectl, object: &str) {
    eventually(GENEROUS, &format!("{object} is gone"), || match kubectl.try_run(object) {
        Err(error) if error.contains("NotFound") => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

fn writes(proxy: &FaultProxy) -> Vec<String> {
    let requests = proxy.requests();
    let writes = requests.iter().filter(|request| request.method != "GET");
    writes.map(|request| format!("{} {}", request.method, request.path)).collect()
}

fn by_name(members: Vec<Member>) -> Members {
    let found = members.into_iter().map(|member| (member.name.clone(), member)).collect();
    Members { found, is_complete: true }
}

fn forever() -> Holding {
    Holding::Held { until: BootTime::now().plus(Duration::from_secs(24 * 60 * 60)) }
}
