//! What commands of a federation share: the three API servers, and steps told as they are.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use ::clap::Args;
use clusters::KubeconfigAccess;
use clusters::federation::names::SYSTEM_NAMESPACE;
use clusters::federation::steps::{Change, Told};
use clusters::federation::unjoin::Leftover;

use super::Failure;

/// Where the federation is, in kubefed's words.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// Context of the federation's API [default: the current context]
    #[arg(long, value_name = "CONTEXT")]
    pub context: Option<String>,
    /// Context of the host cluster, which holds the control plane
    #[arg(long, value_name = "CONTEXT")]
    pub host_cluster_context: Option<String>,
    /// Context of the cluster itself [default: the cluster's name]
    #[arg(long, value_name = "CONTEXT")]
    pub cluster_context: Option<String>,
    /// Kubeconfig with all three contexts [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace of the control plane in the host cluster
    #[arg(long, value_name = "NAMESPACE", default_value = SYSTEM_NAMESPACE)]
    pub federation_system_namespace: String,
}

impl Place {
    /// `None`: the kubeconfig's current context.
    pub fn access(&self, context: Option<&str>) -> KubeconfigAccess {
        let context = context.map(str::to_owned);
        KubeconfigAccess { path: self.kubeconfig.clone(), context }
    }

    pub fn host_context(&self) -> Result<&str, Failure> {
        self.host_cluster_context.as_deref().ok_or_else(|| {
            Failure::one(
                "--host-cluster-context is missing: the context of the cluster that holds the control \
                 plane (`kubectl config get-contexts` lists them)",
            )
        })
    }
}

/// Prints steps as kubefed did: what begins, and behind it what came of it.
#[derive(Default)]
pub struct Teller {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The step that has begun and not come to its end.
    open: Option<String>,
    /// A step has begun, whatever came of it.
    has_begun: bool,
    /// Steps that have made or changed something.
    done: Vec<String>,
}

impl Teller {
    pub fn tell(&self, told: Told) {
        let mut state = match self.state.lock() {
            Ok(state) => state,
            Err(poisoned) => poisoned.into_inner(),
        };
        match told {
            Told::Begun(what) => {
                show(&format!("{what}..."));
                state.open = Some(what);
                state.has_begun = true;
            }
            Told::Done(change) => {
                show(&format!(" {}\n", word(change)));
                let what = state.open.take().unwrap_or_default();
                if matches!(change, Change::Created | Change::Changed | Change::Removed) {
                    state.done.push(what);
                }
            }
            Told::Failed => {
                if state.open.take().is_some() {
                    show(" failed\n");
                }
            }
            Told::Note(note) => show(&format!("Note: {note}\n")),
        }
    }

    /// True once a step has begun.
    pub fn has_begun(&self) -> bool {
        match self.state.lock() {
            Ok(state) => state.has_begun,
            Err(poisoned) => poisoned.into_inner().has_begun,
        }
    }

    /// Ends a line that a failed step left open.
    pub fn close(&self) -> Vec<String> {
        let mut state = match self.state.lock() {
            Ok(state) => state,
            Err(poisoned) => poisoned.into_inner(),
        };
        if state.open.take().is_some() {
            show("\n");
        }
        std::mem::take(&mut state.done)
    }
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Created | Change::Seen | Change::Removed => "done",
        Change::Changed => "changed",
        Change::Unchanged => "unchanged",
        Change::Absent => "not there",
    }
}

/// A closed stdout leaves nobody to tell, and the steps go on.
fn show(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Of an error whose own text says all.
pub fn one(error: &dyn std::error::Error) -> Failure {
    Failure::one(error.to_string())
}

/// Each leftover with its reason, and the command that removes it.
pub fn leftovers_text(leftovers: &[Leftover]) -> String {
    let text = |leftover: &Leftover| {
        let Leftover { what, why, command } = leftover;
        let command = command.as_ref().map(|line| format!("    {line}\n")).unwrap_or_default();
        format!("  {what}: {why}\n{command}")
    };
    leftovers.iter().map(text).collect()
}

/// Runs to the end, or until Ctrl-C: then `None`.
pub fn run<T>(work: impl Future<Output = T>) -> Result<Option<T>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = work => Some(result),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    if result.is_none() {
        // A thread that waits for an answer on a terminal would hold up the end.
        runtime.shutdown_background();
    }
    Ok(result)
}

/// `60s`, `5m`, `0` or seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|letter: char| !letter.is_ascii_digit()) {
        Some(end) => text.split_at(end),
        None => (text, "s"),
    };
    let number: u64 = number.parse().map_err(|_| "like 60s, 5m or 0".to_owned())?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        "ms" => Ok(Duration::from_millis(number)),
        _ => Err("like 60s, 5m or 0".to_owned()),
    }
}
