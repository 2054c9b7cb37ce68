//! Memory and CPU time of a process, from /proc.

use std::fs;
use std::time::Duration;

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

pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
