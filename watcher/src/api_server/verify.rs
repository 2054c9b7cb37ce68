//! Asks one by one for what a list lacks.

use clusters::Failure;
use futures::stream::{self, StreamExt};
use kube::Client;

use super::request::{exists, has_slices};
use crate::freshness::Trouble;
use crate::index::Missing;

/// So many questions at a time.
const QUESTIONS_MAX: usize = 5;

/// Every object that a list lacks must be absent when asked for alone.
pub(crate) async fn verify(client: &Client, missing: Vec<Missing>) -> Result<(), Trouble> {
    let count = missing.len();
    let answers: Vec<Result<Option<String>, Failure>> = stream::iter(missing)
        .map(|missing| ask(client, missing))
        .buffered(QUESTIONS_MAX)
        .collect()
        .await;
    let answers: Vec<Option<String>> =
        answers.into_iter().collect::<Result<_, _>>().map_err(Trouble::Failure)?;
    let mut there = answers.into_iter().flatten();
    let Some(first) = there.next() else { return Ok(()) };
    let number = 1 + there.count();
    Err(Trouble::ListDisagrees(format!(
        "of {count} objects that a complete list lacks, the API server still has {number}, such as {first}"
    )))
}

/// The object's name if it is there.
async fn ask(client: &Client, missing: Missing) -> Result<Option<String>, Failure> {
    let (is_there, name) = match missing {
        Missing::Object(key) => (exists(client, &key).await?, key.to_string()),
        Missing::SlicesOf(service) => {
            (has_slices(client, &service).await?, format!("EndpointSlices of {service}"))
        }
    };
    Ok(is_there.then_some(name))
}
