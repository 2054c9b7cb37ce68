//! A zone's serial in two files, so that no damage to one of them lowers it.
//!
//! 1. Both hold the same and are written one after the other, each in one step: a crash at any moment
//!    leaves two whole files, of which one may be older.
//! 2. A start takes the newer one (RFC 1982). Where one is damaged or gone, the other still is not
//!    below any serial that was served, since both were written before the first of a block was used.
//! 3. Where both are damaged, the serial goes on at a guess that is above everything served unless
//!    very much more is lost than two files, so that secondaries follow all the same.

use std::cmp::Ordering;
use std::io;
use std::path::PathBuf;

use model::{Name, Serial, UnixTime};
use tracing::{info, warn};

use super::folder::{self, Loaded, StateFolder, ZONE_FOLDERS, file_name};
use super::zone_file::{SavedZone, first_serial};

/// More serials than are used between two damages: half a year of one change a second, or the blocks
/// of eight hundred crashes.
const MARGIN: u32 = 1 << 24;
/// Beyond that a guess could be so far ahead that RFC 1982 takes it for older.
const DAMAGES_MAX: u32 = 32;
/// Further ahead of the clock, a serial in a damaged file is taken for part of the damage.
const AHEAD_MAX: u32 = 1 << 30;

impl StateFolder {
    /// Where a zone's serial is to go on; `None` for a zone that was never served. A damaged file is
    /// set aside with a warning. Serials after it are noted on disk as in use, before anyone can have
    /// seen one.
    pub fn open_zone(&self, zone: &Name, now: UnixTime) -> Option<SavedZone> {
        let saved = self.known_zone(zone, now);
        let in_use = SavedZone::in_use(zone, saved.as_ref(), now);
        if let Err(error) = self.write_zone(&in_use) {
            warn!(%zone, %error, "the serials in use cannot be saved");
        }
        saved
    }

    /// The same for a process that will note its serials later.
    pub fn known_zone(&self, zone: &Name, now: UnixTime) -> Option<SavedZone> {
        let decode = |bytes: &[u8]| SavedZone::decode(zone, bytes);
        let files = self.zone_paths(zone).map(|path| folder::load(&path, now, decode));
        match files {
            [Loaded::Absent, Loaded::Absent] => None,
            [Loaded::Whole(one), Loaded::Whole(other)] => Some(newest(one, other)),
            [Loaded::Whole(one), Loaded::Absent] => Some(one),
            [Loaded::Whole(one), _] | [_, Loaded::Whole(one)] => {
                info!(%zone, serial = %one.serial, "the zone's serial is known from its other file");
                Some(one)
            }
            damaged => Some(self.guess(zone, &damaged, now)),
        }
    }

    /// Whether the folder lacks the zone, or others went on while it stood still. Where its files are
    /// damaged it is not: [`Self::open_zone`] goes on above all that can have been served.
    #[cfg(feature = "federation")]
    pub fn is_behind(&self, copy: &SavedZone) -> bool {
        let paths = self.zone_paths(&copy.zone);
        let is_absent = paths.iter().all(|path| !path.exists());
        let decode =
            |path: &PathBuf| SavedZone::decode(&copy.zone, &std::fs::read(path).ok()?).ok();
        let mut known = paths.iter().filter_map(decode).peekable();
        is_absent || (known.peek().is_some() && known.all(|it| it.is_overtaken_by(copy)))
    }

    /// Writes both files, the second even where the first fails.
    pub fn write_zone(&self, saved: &SavedZone) -> io::Result<()> {
        let bytes = saved.encode();
        let [first, second] =
            self.zone_paths(&saved.zone).map(|path| folder::write_whole(&path, &bytes));
        first.and(second)
    }

    fn zone_paths(&self, zone: &Name) -> [PathBuf; 2] {
        let file = file_name(zone.to_string().trim_end_matches('.'));
        ZONE_FOLDERS.map(|folder| self.path().join(folder).join(&file))
    }

    fn guess(&self, zone: &Name, files: &[Loaded<SavedZone>], now: UnixTime) -> SavedZone {
        let salvaged = files.iter().filter_map(|file| match file {
            Loaded::Damaged(bytes) => salvage(bytes),
            Loaded::Absent | Loaded::Whole(_) => None,
        });
        let damages = self.zone_paths(zone).map(|path| folder::times_set_aside(&path));
        let serial = above_all_served(now, salvaged, damages.into_iter().max().unwrap_or(0));
        warn!(
            %zone, above = %serial,
            "no file with the zone's serial can be read; it goes on at a guess above all that can have been \
             served, and a secondary that does not follow must be told to load the zone anew"
        );
        SavedZone::ceiling(zone, serial)
    }
}

/// What the state folder at `path` says of all its zones, sorted by name; what is damaged is left out.
#[cfg(feature = "federation")]
pub fn zones_in(path: &std::path::Path) -> Vec<SavedZone> {
    // A folder that cannot be listed holds nothing that could be used either.
    let folders = ZONE_FOLDERS.iter().filter_map(|it| std::fs::read_dir(path.join(it)).ok());
    let files = folders.flatten().flatten().map(|entry| entry.path());
    let files = files.filter(|file| folder::is_state_file(file));
    let read = |file: PathBuf| SavedZone::decode_any(&std::fs::read(file).ok()?).ok();
    let mut zones = std::collections::BTreeMap::<Name, SavedZone>::new();
    for saved in files.filter_map(read) {
        let known = zones.remove(&saved.zone);
        let saved = known.map_or(saved.clone(), |known| newest(known, saved));
        zones.insert(saved.zone.clone(), saved);
    }
    zones.into_values().collect()
}

// === pure helpers ===

/// Of equal serials, one is known to be of certain contents and the other to be only a bound: the
/// bound is the safe one.
fn newest(one: SavedZone, other: SavedZone) -> SavedZone {
    match one.serial.compare(other.serial) {
        Some(Ordering::Less) => other,
        Some(Ordering::Equal) if one.contents != other.contents => {
            SavedZone { contents: None, ..one }
        }
        _ => one,
    }
}

/// The serial in a damaged file, if a whole number still stands where it was written.
fn salvage(bytes: &[u8]) -> Option<Serial> {
    const KEY: &[u8] = b"\"serial\":";
    let start = bytes.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = start + digits;
    // A number that was cut is another number.
    bytes.get(end)?;
    std::str::from_utf8(&bytes[start..end]).ok()?.parse().ok().map(Serial)
}

/// A first serial is the time, and one that was served since is mostly below the time: the changes
/// and crashes that it counts are rarer than seconds. It is above the time by what they come to, less
/// than a margin, and by what earlier guesses added. `damages`, this one included, is how many there
/// can have been: each added two margins to the time, or one to a salvaged serial.
fn above_all_served(now: UnixTime, salvaged: impl Iterator<Item = Serial>, damages: u32) -> Serial {
    let clock = first_serial(now);
    let ahead = salvaged.map(|serial| serial.0.wrapping_sub(clock.0));
    let furthest = ahead.filter(|ahead| *ahead < AHEAD_MAX).max().unwrap_or(0);
    let by_count = 2 * MARGIN * damages.clamp(1, DAMAGES_MAX);
    clock.plus(by_count.max(furthest + MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::SerialReserve;
    use std::fs;
    use std::path::Path;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn zone() -> Name {
        Name::parse("example.com").unwrap()
    }

    fn empty(path: &Path) {
        fs::write(path, "").unwrap();
    }

    fn cut(path: &Path) {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }

    /// Changes the first byte of the zone's name, so that the serial still stands there.
    fn flip(path: &Path) {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, text.replace("example", "fxample")).unwrap();
    }

    fn make_unreadable(path: &Path) {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    }

    const DAMAGES: [fn(&Path); 4] = [empty, cut, flip, make_unreadable];

    /// A first start's state folder.
    fn opened() -> (tempfile::TempDir, StateFolder) {
        let temp = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(temp.path()).unwrap();
        assert_eq!(folder.open_zone(&zone(), NOW), None);
        (temp, folder)
    }

    #[test]
    fn zones_of_any_name_have_files() {
        let (_temp, folder) = opened();
        for text in ["example.com", r"a/b\..example.com", "."] {
            let zone = Name::parse(text).unwrap();
            let (reserve, _) = SerialReserve::start(&zone, None, 0, NOW);
            folder.write_zone(&reserve.stop(&zone, 3)).unwrap();
            let loaded = folder.open_zone(&zone, NOW).unwrap();
            assert_eq!(loaded.serial, Serial(1_800_000_000));
            let reopened = folder.open_zone(&zone, NOW).unwrap();
            assert!(reopened.serial.is_newer_than(loaded.serial), "a crash must not go back");
        }
    }

    #[test]
    fn damage_to_one_file_changes_nothing() {
        let (_temp, folder) = opened();
        let (reserve, _) = SerialReserve::start(&zone(), None, 7, UnixTime(NOW.0 + 1_000_000));
        let saved = reserve.stop(&zone(), 7);
        let remove: fn(&Path) = |path| fs::remove_file(path).unwrap();
        for path in folder.zone_paths(&zone()) {
            for damage in DAMAGES.into_iter().chain([remove]) {
                folder.write_zone(&saved).unwrap();
                damage(&path);
                assert_eq!(folder.open_zone(&zone(), NOW), Some(saved.clone()));
            }
            assert_eq!(folder::times_set_aside(&path), 4);
        }
    }

    #[test]
    fn damage_to_both_leads_upwards_however_often() {
        let (_temp, folder) = opened();
        for damage in DAMAGES.iter().cycle().take(12) {
            for _ in 0..20 {
                folder.open_zone(&zone(), NOW).unwrap();
            }
            let before = folder.open_zone(&zone(), NOW).unwrap();
            let in_use = SavedZone::in_use(&zone(), Some(&before), NOW);
            folder.zone_paths(&zone()).iter().for_each(|path| damage(path));
            let after = folder.open_zone(&zone(), NOW).unwrap();
            assert!(after.serial.is_newer_than(in_use.serial), "{after:?} after {in_use:?}");
            assert_eq!(after.contents, None);
        }
    }

    #[test]
    fn a_serial_far_ahead_of_the_clock_is_salvaged() {
        let (_temp, folder) = opened();
        let far = Serial(NOW.0 as u32 + 900_000_000);
        folder.write_zone(&SavedZone::ceiling(&zone(), far)).unwrap();
        let [first, second] = folder.zone_paths(&zone());
        flip(&first);
        cut(&second);
        assert!(folder.open_zone(&zone(), NOW).unwrap().serial.is_newer_than(far));
    }

    #[test]
    fn the_newer_of_two_counts() {
        let saved = |serial, contents| SavedZone {
            contents,
            ..SavedZone::ceiling(&zone(), Serial(serial))
        };
        let cases = [
            (saved(5, None), saved(9, Some(1)), saved(9, Some(1))),
            (saved(u32::MAX, Some(1)), saved(3, None), saved(3, None)),
            (saved(5, Some(1)), saved(5, Some(1)), saved(5, Some(1))),
            (saved(5, Some(1)), saved(5, None), saved(5, None)),
            (saved(5, Some(1)), saved(5, Some(2)), saved(5, None)),
        ];
        for (one, other, expect) in cases {
            assert_eq!(newest(one.clone(), other.clone()), expect);
            assert_eq!(newest(other, one), expect);
        }
    }

    #[test]
    fn only_whole_numbers_are_salvaged() {
        let check = |text: &str, expect: Option<u32>| {
            assert_eq!(salvage(text.as_bytes()), expect.map(Serial), "{text}");
        };
        check(r#"0badc0de {"zone":"x","serial":17,"contents":null}"#, Some(17));
        check(r#"{"serial":17}"#, Some(17));
        check(r#"{"serial":17"#, None);
        check(r#"{"serial":"17"}"#, None);
        check(r#"{"serial":4294967296}"#, None);
        check(r#"{"serail":17}"#, None);
        check("", None);
    }

    #[test]
    fn a_guess_goes_around_the_end_and_is_never_too_far_ahead() {
        let late = UnixTime(u64::from(u32::MAX) - 5);
        let served = first_serial(late).plus(1_000);
        assert!(above_all_served(late, [].into_iter(), 1).is_newer_than(served));
        let clock = first_serial(NOW);
        for salvaged in
            [0, 1, clock.0, clock.0.wrapping_sub(1), clock.0.wrapping_add(AHEAD_MAX - 1)]
        {
            let guess = above_all_served(NOW, [Serial(salvaged)].into_iter(), u32::MAX);
            assert!(guess.is_newer_than(clock), "{guess} with {salvaged}");
        }
    }
}
