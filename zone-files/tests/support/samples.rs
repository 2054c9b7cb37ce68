//! The zones in `zones/` and how to read them from there.

use std::path::{Path, PathBuf};
use std::{fs, io};

use model::Name;
use zone_files::{IncludeRequest, Included, Options, ReadZone, ReadZoneError, Source, read_zone};

/// A zone file whose first `$ORIGIN` names its apex.
pub struct Sample {
    pub path: PathBuf,
    pub text: Vec<u8>,
    pub apex: Name,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("zones")
}

/// All `.zone` files directly in `folder`, by name; there is at least one.
pub fn samples(folder: &Path) -> Vec<Sample> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "zone")).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no zones in {}", folder.display());
    paths.into_iter().map(Sample::open).collect()
}

impl Sample {
    fn open(path: PathBuf) -> Self {
        let text = fs::read(&path).unwrap();
        let line =
            text.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"$ORIGIN "));
        let apex = String::from_utf8_lossy(line.expect("a sample has an $ORIGIN")).into_owned();
        Self { apex: Name::parse(&apex).unwrap(), path, text }
    }

    pub fn name(&self) -> &str {
        self.path.file_stem().unwrap().to_str().unwrap()
    }

    /// Reads the zone; messages name files relative to the sample's folder.
    pub fn read(&self) -> Result<ReadZone, ReadZoneError> {
        let folder = self.path.parent().unwrap();
        let mut load = |IncludeRequest { path, from: _ }: IncludeRequest<'_>| {
            let text = fs::read(folder.join(path)).map_err(|_| io::Error::other("no such file"))?;
            Ok(Included { file: path.into(), text })
        };
        let file = format!("{}.zone", self.name());
        let source = Source { file: &file, text: &self.text };
        read_zone(&self.apex, &[source], &mut load, &Options::default())
    }
}
