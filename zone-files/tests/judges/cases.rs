//! Single records, and what the judges and we say of them.

mod agreed;
mod disputed;
mod forbidden;

pub use agreed::AGREED;
pub use disputed::{Disputed, disputed};
pub use forbidden::{FORBIDDEN, Forbidden};
