use providers::Provider;
use providers::preflight::{Severity, judge};
use providers::provider::{Failure, FailureKind};
use providers::sync::scope::Scope;

use super::Key;

/// Fails with the first thing that is in the way of every write.
pub(super) async fn passed(
    key: &Key,
    provider: &dyn Provider,
    scope: &Scope,
) -> Result<(), Failure> {
    let findings = judge(&provider.limits().await?, scope, key.ttl, None);
    match findings.into_iter().find(|it| it.severity == Severity::Blocking) {
        Some(finding) => Err(Failure::new(FailureKind::Fatal, format!("preflight: {finding}"))),
        None => Ok(()),
    }
}
