//! Static records: master files that the config names.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::ZoneContents;
use zone_files::{Completeness, IncludeRequest, Included, Options, Source, read_zone};

use super::{ConfigError, Places, Subject, ZoneConfig};

/// Seconds; for a record without a TTL in a file without `$TTL`.
const TTL_DEFAULT: u32 = 3600;
/// Errors, and warnings, that are told of one zone's files.
const FINDINGS_MAX: usize = 100;

/// All static files of a zone as one, `None` where it has none; `warnings` gets a line for each
/// thing in them that is suspicious, whether they can be used or not.
pub fn read(
    zone: &ZoneConfig,
    places: &Places,
    warnings: &mut Vec<String>,
) -> Result<Option<ZoneContents>, ConfigError> {
    if zone.static_records.is_empty() {
        return Ok(None);
    }
    let texts = zone.static_records.iter().map(|file| text_of(file, places));
    let (texts, failed): (Vec<_>, Vec<_>) = texts.partition(Result::is_ok);
    if !failed.is_empty() {
        return Err(ConfigError { lines: failed.into_iter().filter_map(Result::err).collect() });
    }
    let texts: Vec<(String, Vec<u8>)> = texts.into_iter().filter_map(Result::ok).collect();
    let sources: Vec<Source<'_>> = texts.iter().map(|(file, text)| Source { file, text }).collect();
    let options = Options {
        default_ttl: Some(TTL_DEFAULT),
        completeness: Completeness::Part,
        errors_max: FINDINGS_MAX,
    };
    let read = read_zone(&zone.name, &sources, &mut include, &options);
    let (found, left_out) = match &read {
        Ok(read) => (&read.warnings, read.warnings_left_out),
        Err(error) => (&error.warnings, error.warnings_left_out),
    };
    warnings.extend(found.iter().map(ToString::to_string));
    if left_out > 0 {
        warnings.push(format!("{left_out} more warnings of the static records of {}", zone.name));
    }
    match read {
        Ok(read) => Ok(Some(read.contents)),
        Err(error) => {
            Err(ConfigError { lines: error.to_string().lines().map(str::to_owned).collect() })
        }
    }
}

fn text_of(file: &Path, places: &Places) -> Result<(String, Vec<u8>), String> {
    let subject = Subject::StaticRecords(file.to_owned());
    let text = std::fs::read(file)
        .map_err(|error| places.unusable(&subject, file, "a zone file", &error))?;
    Ok((file.display().to_string(), text))
}

/// A relative path counts from the including file's folder.
fn include(request: IncludeRequest<'_>) -> io::Result<Included> {
    let folder = Path::new(request.from).parent().unwrap_or(Path::new(""));
    let path: PathBuf = folder.join(request.path);
    let text = std::fs::read(&path)?;
    Ok(Included { file: Arc::from(path.display().to_string()), text })
}
