//! RFC 1035 master-file text to zone contents and back.
//!
//! - [`Reader`]: text to a stream of [`Record`]s, each with its place; `$INCLUDE` goes through a
//!   [`Load`] that the caller gives, as nothing here opens a file
//! - [`read_zone`]: a whole zone from one file or several, with every error found
//! - [`check()`]: what the DNS forbids in a zone or is likely a mistake, as a list of [`Issue`]s
//! - [`write_zone`]: a zone as text; the same zone always gives the same bytes
//! - [`parse_rdata`] and [`rdata_text`]: the data of one record, for every type that has a text form
//!
//! ```text
//! bytes -> [ lexer ] -> words -> [ Reader ] -> Records -> [ read_zone ] -> ZoneContents -> [ check ]
//!                                    |
//!                                [ rdata ]: one table of formats reads and prints each type
//! ```
//!
//! ```
//! use zone_files::{NoIncludes, Options, Source, read_zone, zone_text};
//!
//! let text = "@ 1h SOA ns1 hostmaster 1 15m 5m 1w 60\n NS ns1\nns1 A 192.0.2.53\n";
//! let source = Source { file: "example.zone", text: text.as_bytes() };
//! let apex = "example.com".parse()?;
//! let zone = read_zone(&apex, &[source], &mut NoIncludes, &Options::default())?;
//! assert_eq!(zone.contents.name_count(), 2);
//! assert!(zone_text(&zone.contents).contains("ns1\t\tIN\tA\t192.0.2.53\n"));
//!
//! let source = Source { file: "example.zone", text: b"www 60 A 192.0.2.256" };
//! let error = read_zone(&apex, &[source], &mut NoIncludes, &Options::default()).unwrap_err();
//! let line = r#"example.zone:1:10: found "192.0.2.256", wanted an IPv4 address"#;
//! assert_eq!(error.to_string(), line);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod include;
mod lexer;
mod name;
mod position;
mod problem;
mod rdata;
mod reader;
mod ttl;
mod words;
mod writer;
mod zone;

pub use check::{Completeness, Finding, Issue, Severity, check};
pub use include::{IncludeRequest, Included, Load, NoIncludes};
pub use position::Position;
pub use problem::{Excerpt, Problem, TextError};
pub use rdata::{parse_rdata, rdata_text};
pub use reader::{Reader, Record, Source};
pub use writer::{write_zone, zone_text};
pub use zone::{Options, PlacedFinding, ReadZone, ReadZoneError, read_zone};
