//! Strict stand-ins for clouds, in this process, on loopback ports that the system picks.
//!
//! A fake is stricter than what it stands for: it refuses each parameter that it does not know. It is
//! itself judged by the vendor's own clients (`tests/peers`) in the same run.

pub mod alidns;
pub mod clouddns;
pub mod route53;

pub mod clock;
mod fault_queue;
pub mod http_server;
