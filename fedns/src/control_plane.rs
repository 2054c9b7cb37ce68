//! The control plane of a federation in its host cluster: etcd, a stock kube-apiserver, a stock
//! kube-controller-manager, and fedns.
//!
//! - [`settings`]: what is wanted, in one value; [`images`]: which images, and which are refused
//! - [`certificates`]: its own authorities and what they sign, renewed before it runs out
//! - [`fingerprint`]: which pods have to start anew for what they read; pure
//! - [`server_config`]: the config that fedns serves with there
//! - [`provider_files`]: its provider's files, on this machine
//! - [`manifests`]: from all of this to Kubernetes objects; pure
//! - [`host`]: objects applied to and read from an API server
//! - [`setup`]: what the federation's own API is given before anybody uses it
//! - [`rollout`]: whether pods run as wanted, or never will; pure
//! - [`init`]: the steps; [`delete`]: those that take it away
//!
//! ```text
//! flags, config file --> [ settings ] --.
//! [ certificates ] <-> Secret           +--> [ manifests ] --> [ host ]
//! addresses of Services ----------------'
//! ```

pub mod settings;
pub mod images;
pub mod certificates;
pub mod fingerprint;
pub mod server_config;
pub mod provider_files;
pub mod manifests;
pub mod host;
pub mod setup;
pub mod rollout;
pub mod init;
pub mod delete;
