//! Memory and CPU time of a process, from /proc.

use std::fs;
use std::time::Duration;

/// Linux says so to programs, whatever its own clock does (USER_HZ).
const TICKS_PER_SECOND: u64 = 100;

/// Bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub resident: u64,
    /// The most that was resident at any time so far.
    pub peak: u64,
    /// The part of `resident` that is no file's: heap and stacks.
    pub anonymous: u64,
}

pub fn memory(process: u32) -> Memory {
    let file = format!("/proc/{process}/status");
    let status = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let field = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key));
        let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        number.unwrap_or_else(|| panic!("{file} has no {key}")) << 10
    };
    Memory { resident: field("VmRSS:"), peak: field("VmHWM:"), anonymous: field("RssAnon:") }
}

/// This process's heap and stacks that are resident, in bytes.
pub fn own_memory() -> u64 {
    memory(std::process::id()).anonymous
}

/// What all threads that live now have used.
pub fn cpu_time(process: u32) -> Duration {
    let folder = format!("/proc/{process}/task");
    let tasks = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    // A thread that ends meanwhile has no file any more.
    let texts = tasks.flatten().flat_map(|task| fs::read_to_string(task.path().join("schedstat")));
    let nanoseconds = texts.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok());
    Duration::from_nanos(nanoseconds.sum())
}

/// What all threads have used, those that have ended, too; in steps of the system's clock ticks.
pub fn cpu_time_of_all(process: u32) -> Duration {
    let file = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    // The name stands in parentheses and may hold anything; utime and stime are the 12th and 13th after it.
    let (_, fields) = text.rsplit_once(") ").unwrap_or_else(|| panic!("{file}: {text}"));
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 1_000 / TICKS_PER_SECOND)
}

pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
