//! Addresses that no other test run on this machine has: each is a file that is locked as long as it is
//! used, and the kernel unlocks it whatever becomes of the run.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// Kept between runs; the files are empty.
const FOLDER: &str = "/run/lock/fedns-tests";

/// A network of two addresses: this machine's and a node's.
pub struct Link {
    number: u8,
    _lock: File,
}

/// One address of 198.51.100.0/24.
pub struct LoadBalancerAddress {
    number: u8,
    _lock: File,
}

pub fn reserve_link() -> Link {
    let (number, lock) = reserve("link");
    Link { number, _lock: lock }
}

impl Link {
    /// Tells networks of this machine apart.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// This machine's end; the range is the one for benchmarks (RFC 2544).
    pub fn outer(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number, 1)
    }

    /// Both ends.
    pub fn network(&self) -> String {
        format!("198.18.{}.0/30", self.number)
    }

    /// The node's end.
    pub fn inner(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number, 2)
    }
}

impl LoadBalancerAddress {
    pub fn reserve() -> Self {
        let (number, lock) = reserve("load-balancer");
        Self { number, _lock: lock }
    }

    /// For documentation (RFC 5737).
    pub fn ip(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 51, 100, self.number)
    }
}

fn reserve(kind: &str) -> (u8, File) {
    fs::create_dir_all(FOLDER).unwrap_or_else(|error| panic!("{FOLDER}: {error}"));
    for number in 1..255 {
        let path = PathBuf::from(FOLDER).join(format!("{kind}-{number}"));
        let file =
            File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if file.try_lock().is_ok() {
            return (number, file);
        }
    }
    panic!("all of 254 {kind} addresses are in use, says {FOLDER}")
}
