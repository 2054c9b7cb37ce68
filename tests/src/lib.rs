//! The harness that the tests of fedns run on:
//!
//! - a list of tests that says what each needs, and leaves out by name what a machine cannot run;
//! - stock Kubernetes on this machine, in three sizes: [`api_server::ApiServer`] (1 to 2 seconds),
//!   [`kwok::KwokCluster`] (5 seconds) and [`real_cluster::RealCluster`] (10 seconds), whose pods run.
//!   Take the smallest that can show the thing;
//! - everything that can go wrong with an API server: killed, frozen, replaced, its history expired,
//!   and, with a [`fault_proxy::FaultProxy`] before it, cut off, refused, slow, silent or lying;
//! - clouds that live in this process ([`fakes`]), stricter than the real ones;
//! - [`eventually::eventually`], the only way to wait.
//!
//! ```text
//!  suite ── needs ── tests
//!                      │
//!  RealCluster, KwokCluster ── ApiServer ── Etcd    FaultProxy    Kubectl
//!            └────────────┴── Process ── Scratch ──┴── HeldPort ────┘
//! ```
//!
//! Everything started is stopped, also when a test panics or the run is killed. Only loopback addresses
//! are used, and those of networks between this machine and its own real nodes; the tests themselves are
//! in `tests/tests`.

// The run: what is tested, and what for want of something is not.
pub mod need;
pub mod suite;

// Waiting.
pub mod eventually;

// Expected texts.
pub mod golden;

// Clusters, the ways into them, and the ways in which they fail.
pub mod api_server;
pub mod by_hand;
pub mod etcd;
pub mod fault_proxy;
pub mod kubeconfig;
pub mod kubectl;
pub mod kwok;
pub mod real_cluster;

// Images of what is built here, for real nodes.
pub mod images;

// Clouds, as far as DNS goes: our own, and what others wrote.
pub mod aliyun;
pub mod botocore;
pub mod door;
pub mod external_dns;
pub mod fakes;
pub mod google;
pub mod local_dns_helper;
pub mod moto;
pub mod peer;
pub mod webhook;

// What pods ask.
pub mod core_dns;

// Name servers that others wrote: as programs, and the parts that they have: one that takes updates, zones
// of its own, a zone from us, all that a catalog of ours names.
pub mod authority;
pub mod catalog_consumer;
pub mod exchange;
pub mod name_daemon;
pub mod name_server;
pub mod relay;
pub mod secondary;

// A network where each of them can have port 53.
pub mod network;

// Hosts that are reached over ssh.
pub mod ssh_server;

// A mirror, and who says whether it is right.
pub mod judge;
pub mod mirroring;

// The binary under test, and what it answers.
pub mod dns;
pub mod product;
pub mod scene;
pub mod service_manager;
pub mod serving;
pub mod systemd;

// What all of these stand on.
pub mod certificates;
pub mod http;
mod lock;
pub mod parts;
pub mod port;
pub mod process;
pub mod scratch;
