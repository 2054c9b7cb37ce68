//! A whole zone from its texts: all records, all errors, all checks.

mod collector;
mod places;

use std::fmt;

use model::{Name, ZoneContents};

use crate::check::{Completeness, Severity, check};
use crate::include::Load;
use crate::position::Position;
use crate::problem::TextError;
use crate::reader::{Reader, Source};
use collector::{Collected, Collector};
pub use places::PlacedFinding;

/// How to read a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Seconds; for records without a TTL above any `$TTL`. Without it such a record is an error.
    pub default_ttl: Option<u32>,
    pub completeness: Completeness,
    /// How many errors of the text, refusals and warnings are kept of each; reading stops at the first
    /// error of the text beyond that.
    pub errors_max: usize,
}

/// A zone that was read, with what is suspicious in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadZone {
    pub contents: ZoneContents,
    /// In the order of their places.
    pub warnings: Vec<PlacedFinding>,
    /// Warnings beyond [`Options::errors_max`].
    pub warnings_left_out: usize,
}

/// Why a zone is not taken: prints each error on its own line, without the warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadZoneError {
    /// In the order of the texts.
    pub text_errors: Vec<TextError>,
    /// True where reading stopped because there were too many.
    pub stopped: bool,
    /// What is forbidden in the zone, in the order of places. While a text has errors, nothing is
    /// listed for being missing.
    pub refusals: Vec<PlacedFinding>,
    /// Refusals beyond [`Options::errors_max`].
    pub refusals_left_out: usize,
    pub warnings: Vec<PlacedFinding>,
    pub warnings_left_out: usize,
}

/// Reads the zone `apex` from all of `sources` together. Each begins with the apex as its origin.
///
/// Records that come twice are taken once. A set has the TTL of its first record.
///
/// # Errors
///
/// Everything that is wrong with the texts and with the zone that they make, up to
/// [`Options::errors_max`] of each kind.
pub fn read_zone(
    apex: &Name,
    sources: &[Source<'_>],
    loader: &mut dyn Load,
    options: &Options,
) -> Result<ReadZone, ReadZoneError> {
    let mut collector = Collector::default();
    let mut error = ReadZoneError::default();
    for source in sources {
        let mut reader = Reader::new(*source, apex, loader);
        if let Some(ttl) = options.default_ttl {
            reader = reader.with_default_ttl(ttl);
        }
        error.stopped = collect(reader, &mut collector, &mut error.text_errors, options.errors_max);
        if error.stopped {
            break;
        }
    }
    let Collected { contents, places, mut findings } = collector.finish(apex.clone());
    let is_readable = error.text_errors.is_empty() && !error.stopped;
    let found = check(&contents, options.completeness).into_iter();
    findings.extend(places::find(found, &contents, &places));
    findings.retain(|found| is_readable || !found.finding.issue.is_absence());
    let (mut refusals, mut warnings): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|found| found.severity() == Severity::Refusal);
    let warnings_left_out = cut(&mut warnings, options.errors_max);
    if is_readable && refusals.is_empty() {
        return Ok(ReadZone { contents, warnings, warnings_left_out });
    }
    let refusals_left_out = cut(&mut refusals, options.errors_max);
    Err(ReadZoneError { refusals, refusals_left_out, warnings, warnings_left_out, ..error })
}

/// True where reading stopped at the last error that may be kept.
fn collect(
    reader: Reader<'_>,
    collector: &mut Collector,
    errors: &mut Vec<TextError>,
    errors_max: usize,
) -> bool {
    for read in reader {
        match read {
            Ok(record) => collector.add(record),
            Err(error) => {
                if errors.len() == errors_max {
                    return true;
                }
                errors.push(error);
            }
        }
    }
    false
}

/// Sorts by place and keeps the first; returns how many were dropped.
fn cut(findings: &mut Vec<PlacedFinding>, findings_max: usize) -> usize {
    let key = |found: &PlacedFinding| {
        found
            .position
            .as_ref()
            .map(|Position { file, line, column }| (file.clone(), *line, *column))
    };
    findings.sort_by_cached_key(key);
    let left_out = findings.len().saturating_sub(findings_max);
    findings.truncate(findings_max);
    left_out
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self { default_ttl: None, completeness: Completeness::Whole, errors_max: 100 }
    }
}

// === impl ReadZoneError ===

impl fmt::Display for ReadZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.text_errors.iter().map(ToString::to_string).collect();
        if self.stopped {
            lines.push(format!("more than {} errors; the rest was not read", lines.len()));
        }
        lines.extend(self.refusals.iter().map(ToString::to_string));
        if self.refusals_left_out > 0 {
            lines.push(format!("and {} more of this kind", self.refusals_left_out));
        }
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ReadZoneError {}

#[cfg(test)]
mod tests;
