//! How much of a zone is checked.

/// Whether the records are a whole zone, or a part that others complete: then the apex records and
/// the addresses of names may come from elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completeness {
    #[default]
    Whole,
    Part,
}
