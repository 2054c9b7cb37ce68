//! fedns: federated DNS and service discovery for Kubernetes.
//!
//! - [`cli`]: the command line, one file for each command
//! - [`config`]: the config file
//! - [`serve`]: everything that runs under `fedns serve`, put together
//! - [`pipeline`]: where watchers, planner, store and state meet
//! - [`state`]: what survives a restart
//! - [`admin`]: health, metrics and the API over HTTP
//! - [`metrics`]: what is counted
//! - [`leader`]: one writer among replicas
//! - [`mirror`]: zones kept at providers
//! - [`federation`]: the members and objects of a federation with an API of its own
//! - [`control_plane`]: the control plane of such a federation, put into a host cluster
//! - [`delegation`]: how the world reaches a zone
//! - [`dns_message`]: DNS messages as a person reads them
//! - [`heap`]: memory that is not used any more
//! - [`output`]: tables, JSON and YAML for people and scripts
//! - [`terminal`]: what stands on the last line of a terminal

mod cli;
mod config;
mod serve;
mod pipeline;
mod state;
mod admin;
mod metrics;
mod leader;
mod mirror;
mod federation;
#[cfg(feature = "federation")]
mod control_plane;
mod delegation;
mod dns_message;
mod heap;
mod output;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
