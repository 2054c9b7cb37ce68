//! What a provider makes of what is wanted, before that is compared with what it has: otherwise a TTL
//! that it lengthens would be found changed and written again with each listing.

use super::mirror::Mirror;
use crate::provider::{Failure, Provider};

/// Asks the provider about everything that it has not been asked about yet.
///
/// # Errors
///
/// Those of [`Provider::adjust`].
pub async fn adjust(provider: &dyn Provider, mirror: &mut Mirror) -> Result<(), Failure> {
    let wanted = mirror.unadjusted();
    if wanted.is_empty() {
        return Ok(());
    }
    let sets = provider.adjust(&wanted).await?;
    mirror.adjusted(wanted.into_iter().zip(sets).map(|((name, _), set)| (name, set)));
    Ok(())
}
