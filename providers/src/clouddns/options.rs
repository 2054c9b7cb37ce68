use std::path::PathBuf;

/// What may be chosen of a client; the rest comes from the environment, as in all of the vendor's tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Options {
    /// A file with credentials; `None`: they are looked for where the vendor's tools look.
    pub config_file: Option<PathBuf>,
    /// `None`: the project that the credentials belong to.
    pub project: Option<String>,
    /// A URL in place of the vendor's.
    pub endpoint: Option<String>,
}
