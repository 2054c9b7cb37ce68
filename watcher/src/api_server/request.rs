//! The requests that are made, and what is read of the answers.

use std::time::Duration;

use clusters::Failure;
use kube::Client;
use kube::core::Request;
use kube::core::params::{GetParams, ListParams, WatchParams};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::object::{EndpointSlice, Kind, Node, Object, ObjectKey, Service};

const PAGE_LENGTH: u32 = 500;
const PAGE_LIMIT: Duration = Duration::from_secs(60);
const OBJECT_LIMIT: Duration = Duration::from_secs(5);
/// The API server ends a watch after so long, and it is resumed.
const WATCH_SECONDS: u32 = 290;

type HttpRequest = http::Request<Vec<u8>>;

/// A kind that can be listed and watched.
pub(crate) trait Watched: DeserializeOwned + Send + 'static {
    const KIND: Kind;

    fn into_object(self) -> Object;
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct Page<T> {
    kind: Option<String>,
    pub(crate) metadata: PageMetadata,
    // Without this a page that has no items at all would read as an empty one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) items: Option<Vec<T>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageMetadata {
    #[serde(default)]
    pub(crate) resource_version: String,
    #[serde(rename = "continue", default)]
    pub(crate) continue_token: String,
}

impl Watched for Service {
    const KIND: Kind = Kind::Service;

    fn into_object(self) -> Object {
        Object::Service(self)
    }
}

impl Watched for EndpointSlice {
    const KIND: Kind = Kind::EndpointSlice;

    fn into_object(self) -> Object {
        Object::EndpointSlice(self)
    }
}

impl Watched for Node {
    const KIND: Kind = Kind::Node;

    fn into_object(self) -> Object {
        Object::Node(self)
    }
}

/// One page of a consistent list: no resourceVersion, so never from a cache that lags.
pub(crate) async fn list_page<T: Watched>(
    client: &Client,
    continue_token: &str,
) -> Result<Page<T>, Failure> {
    let name = format!("list {}", T::KIND.resource());
    let token = (!continue_token.is_empty()).then(|| continue_token.to_owned());
    let params =
        ListParams { limit: Some(PAGE_LENGTH), continue_token: token, ..ListParams::default() };
    let page: Page<T> = answer(client, &name, PAGE_LIMIT, list_request(T::KIND, &params)).await?;
    check_kind(T::KIND, page.kind.as_deref())
        .map_err(|detail| Failure::NotReady(format!("{name}: {detail}")))?;
    if page.metadata.resource_version.is_empty() {
        return Err(Failure::NotReady(format!("{name}: the list has no resourceVersion")));
    }
    Ok(page)
}

/// Where the API server's history is now.
pub(crate) async fn current_version(client: &Client, kind: Kind) -> Result<String, Failure> {
    let name = format!("list {}", kind.resource());
    let params = ListParams { limit: Some(1), ..ListParams::default() };
    let request = Request::new(collection_path(kind)).list_metadata(&params);
    let page: Page<serde::de::IgnoredAny> = answer(client, &name, OBJECT_LIMIT, request).await?;
    Ok(page.metadata.resource_version)
}

/// True if the object is there.
pub(crate) async fn exists(client: &Client, key: &ObjectKey) -> Result<bool, Failure> {
    let name = format!("get {key}");
    let request = Request::new(object_folder(key)).get_metadata(&key.name, &GetParams::default());
    match answer::<serde::de::IgnoredAny>(client, &name, OBJECT_LIMIT, request).await {
        Ok(_) => Ok(true),
        Err(Failure::NotFound(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// True if an EndpointSlice names the Service.
pub(crate) async fn has_slices(
    client: &Client,
    service: &model::ServiceKey,
) -> Result<bool, Failure> {
    let name = format!("list endpointslices of {service}");
    let selector = format!("kubernetes.io/service-name={}", service.name);
    let params =
        ListParams { label_selector: Some(selector), limit: Some(1), ..ListParams::default() };
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices", service.namespace);
    let request = Request::new(path).list_metadata(&params);
    let page: Page<serde::de::IgnoredAny> = answer(client, &name, OBJECT_LIMIT, request).await?;
    Ok(page.items.is_some_and(|items| !items.is_empty()))
}

pub(crate) fn watch_request(kind: Kind, resource_version: &str) -> Result<HttpRequest, Failure> {
    let params =
        WatchParams { timeout: Some(WATCH_SECONDS), bookmarks: true, ..WatchParams::default() };
    let request = Request::new(collection_path(kind));
    let request = match kind {
        Kind::Node => request.watch_metadata(&params, resource_version),
        Kind::Service | Kind::EndpointSlice => request.watch(&params, resource_version),
    };
    request.map_err(|error| Failure::NotReady(error.to_string()))
}

/// Of a Node only its labels are wanted: the API server sends the metadata alone.
fn list_request(
    kind: Kind,
    params: &ListParams,
) -> Result<HttpRequest, kube::core::request::Error> {
    let request = Request::new(collection_path(kind));
    match kind {
        Kind::Node => request.list_metadata(params),
        Kind::Service | Kind::EndpointSlice => request.list(params),
    }
}

async fn answer<T: DeserializeOwned>(
    client: &Client,
    name: &str,
    limit: Duration,
    request: Result<HttpRequest, kube::core::request::Error>,
) -> Result<T, Failure> {
    let request = request.map_err(|error| Failure::NotReady(format!("{name}: {error}")))?;
    let text = tokio::time::timeout(limit, client.request_text(request))
        .await
        .map_err(|_| Failure::timed_out(name))?
        .map_err(|error| Failure::new(name, &error))?;
    serde_json::from_str(&text).map_err(|error| Failure::new(name, &kube::Error::SerdeError(error)))
}

fn collection_path(kind: Kind) -> &'static str {
    match kind {
        Kind::Service => "/api/v1/services",
        Kind::EndpointSlice => "/apis/discovery.k8s.io/v1/endpointslices",
        Kind::Node => "/api/v1/nodes",
    }
}

fn object_folder(key: &ObjectKey) -> String {
    let namespace = &key.namespace;
    match key.kind {
        Kind::Service => format!("/api/v1/namespaces/{namespace}/services"),
        Kind::EndpointSlice => {
            format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices")
        }
        Kind::Node => collection_path(Kind::Node).to_owned(),
    }
}

/// Something else than a list of this kind must not read as an empty one.
fn check_kind(kind: Kind, found: Option<&str>) -> Result<(), String> {
    let own = format!("{kind}List");
    let is_list =
        found == Some(&own) || (kind == Kind::Node && found == Some("PartialObjectMetadataList"));
    match is_list {
        true => Ok(()),
        false => {
            Err(format!("the answer is a {}, not a {own}", found.unwrap_or("thing without kind")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_items_is_no_empty_page() {
        let read = |json: &str| serde_json::from_str::<Page<Service>>(json);
        assert!(read(r#"{"kind": "ServiceList", "metadata": {}}"#).is_err());
        let page = read(r#"{"kind": "ServiceList", "metadata": {}, "items": null}"#).unwrap();
        assert!(page.items.is_none());
        let page = read(r#"{"kind": "ServiceList", "metadata": {"continue": "c"}, "items": [{"metadata": {"name": "a"}}]}"#).unwrap();
        assert_eq!(page.items.unwrap().len(), 1);
        assert_eq!(page.metadata.continue_token, "c");
    }

    #[test]
    fn only_a_list_of_the_kind_is_one() {
        assert_eq!(check_kind(Kind::Service, Some("ServiceList")), Ok(()));
        assert_eq!(check_kind(Kind::Node, Some("PartialObjectMetadataList")), Ok(()));
        assert!(check_kind(Kind::Service, Some("Status")).is_err());
        assert!(check_kind(Kind::Service, None).is_err());
    }
}
