use ::clap::Args;

use super::{CommandResult, print};

/// Print the version
#[derive(Debug, Args)]
pub struct Version {}

impl Version {
    pub fn run(self) -> CommandResult {
        print(format_args!("fedns {}\n", env!("CARGO_PKG_VERSION")))
    }
}
