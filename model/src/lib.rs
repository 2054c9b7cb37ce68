//! The words that every other crate of fedns speaks, and nothing that acts.
//!
//! - [`name`]: domain names in wire form, lower-cased, ordered as RFC 4034 section 6.1 says
//! - [`record`]: record types, record data and record sets
//! - [`zone`]: the contents of one DNS zone, and the difference between two of them
//! - [`packed_zone`]: the same contents in little memory
//! - [`serial`]: SOA serial numbers, which only grow (RFC 1982)
//! - [`cluster`]: who is in the federation, where it is, and how fresh its view is
//! - [`service`]: what one cluster says of one Service: a [`service::ServiceShard`]
//! - [`time`]: moments, as seconds since 1970
//! - [`level`]: the rungs of the ladder: global, region, zone
//!
//! Nothing here does I/O, reads a clock or draws a random number.

pub mod cluster;
pub mod level;
pub mod name;
pub mod packed_zone;
pub mod record;
pub mod serial;
pub mod service;
pub mod time;
pub mod zone;

pub use cluster::{
    ClusterChange, ClusterName, ClusterView, Freshness, Location, StaleReason, Topology,
};
pub use level::{EmptyLevels, Level, Levels};
pub use name::{Label, Name, NameError};
pub use packed_zone::PackedZone;
pub use record::{Rdata, RecordSet, RecordType};
pub use serial::Serial;
pub use service::{
    AddressNote, Health, LeftOut, Observed, Protocol, ResolvedHost, ServiceKey, ServicePort,
    ServiceShard, ShardNotes,
};
pub use time::UnixTime;
pub use zone::{NameChange, ZoneContents, ZoneDiff};
