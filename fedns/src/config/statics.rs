//! Static records: master files that the config names.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::ZoneContents;
use zone_files::{Completeness, IncludeRequest, Included, Options, Source, read_zone};

use super::{ConfigError, ZoneConfig};

/// Seconds; for a record without a TTL in a file without `$TTL`.
const TTL_DEFAULT: u32 = 3600;
/// Errors that are told of one zone's files.
const ERRORS_MAX: usize = 100;

/// Static records with what is suspicious in them.
pub struct Statics {
    pub contents: ZoneContents,
    /// Whole lines.
    pub warnings: Vec<String>,
}

/// All static files of a zone as one; `None` where it has none.
pub fn read(zone: &ZoneConfig) -> Result<Option<Statics>, ConfigError> {
    if zone.static_records.is_empty() {
        return Ok(None);
    }
    let texts = zone.static_records.iter().map(|file| text_of(file));
    let (texts, failed): (Vec<_>, Vec<_>) = texts.partition(Result::is_ok);
    if !failed.is_empty() {
        return Err(ConfigError { lines: failed.into_iter().filter_map(Result::err).collect() });
    }
    let texts: Vec<(String, Vec<u8>)> = texts.into_iter().filter_map(Result::ok).collect();
    let sources: Vec<Source<'_>> = texts.iter().map(|(file, text)| Source { file, text }).collect();
    let options = Options {
        default_ttl: Some(TTL_DEFAULT),
        completeness: Completeness::Part,
        errors_max: ERRORS_MAX,
    };
    match read_zone(&zone.name, &sources, &mut include, &options) {
        Ok(read) => Ok(Some(Statics {
            contents: read.contents,
            warnings: read.warnings.iter().map(ToString::to_string).collect(),
        })),
        Err(error) => {
            Err(ConfigError { lines: error.to_string().lines().map(str::to_owned).collect() })
        }
    }
}

fn text_of(file: &Path) -> Result<(String, Vec<u8>), String> {
    let shown = file.display().to_string();
    match std::fs::read(file) {
        Ok(text) => Ok((shown, text)),
        Err(error) => Err(format!("{shown}: cannot be read: {error}; correct staticRecords")),
    }
}

/// A relative path counts from the including file's folder.
fn include(request: IncludeRequest<'_>) -> io::Result<Included> {
    let folder = Path::new(request.from).parent().unwrap_or(Path::new(""));
    let path: PathBuf = folder.join(request.path);
    let text = std::fs::read(&path)?;
    Ok(Included { file: Arc::from(path.display().to_string()), text })
}
