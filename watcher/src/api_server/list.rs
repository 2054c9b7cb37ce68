//! A complete list, and whether it is believed.

use clusters::Failure;
use kube::Client;

use super::request::{Watched, list_page};
use crate::reading::{Reader, Reading};

/// A list of everything at one moment of the cluster's history.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) readings: Vec<Reading>,
    pub(crate) resource_version: String,
}

/// Reads all pages of one list.
///
/// # Errors
///
/// Also if the pages are of different moments: what moved between them could be in none.
pub(crate) async fn list<T: Watched>(client: &Client, reader: &Reader) -> Result<Listed, Failure> {
    let mut page = list_page::<T>(client, "").await?;
    let resource_version = page.metadata.resource_version.clone();
    let mut readings = Vec::new();
    loop {
        let items = page.items.take().unwrap_or_default().into_iter();
        readings.extend(items.map(|item| reader.read(&item.into_object())));
        if page.metadata.continue_token.is_empty() {
            return Ok(Listed { readings, resource_version });
        }
        page = list_page::<T>(client, &page.metadata.continue_token).await?;
        if page.metadata.resource_version != resource_version {
            let name = T::KIND.resource();
            let detail = format!("list {name}: its pages are of different moments");
            return Err(Failure::Expired(detail));
        }
    }
}
