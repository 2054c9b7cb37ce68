//! Where BIND, ldns and Knot do not agree, or agree on something else than what is done here.

mod data;
mod meaning;
mod words;

/// A record and what is done with it.
pub struct Disputed {
    /// Who took it when it was listed: BIND 9.18, ldns 1.8, Knot 3.2, or a dash in its place.
    pub taken_by: &'static str,
    /// A whole zone if it begins with `$ORIGIN example.com.`.
    pub text: &'static str,
    /// What is said of it here; nothing if it is taken.
    pub says: &'static str,
    pub why: &'static str,
}

/// All rows.
pub fn disputed() -> impl Iterator<Item = &'static Disputed> {
    [words::ROWS, data::ROWS, meaning::ROWS].into_iter().flatten()
}
