//! What may be asked of a running server beside reading: only over its socket, one at a time.

use hyper::StatusCode;
use model::ClusterName;
use tokio::sync::{mpsc, oneshot};

use super::url::Url;
use super::{Page, Pages};

/// Something that a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Take the cluster that answers now in place of the one that was there before.
    AcceptCluster(ClusterName),
    /// Carry out the held reload that has this hash.
    ApproveReload(String),
}

/// One line: what was done, or why not.
pub type Outcome = Result<String, String>;

/// An order on its way to whoever carries it out.
#[derive(Debug)]
pub struct Placed {
    pub order: Order,
    pub reply: oneshot::Sender<Outcome>,
}

pub fn channel() -> (mpsc::Sender<Placed>, mpsc::Receiver<Placed>) {
    mpsc::channel(1)
}

/// Places the order that a POST to `url` stands for, and waits for its outcome.
pub async fn page(pages: &Pages, url: &Url) -> Page {
    let Some(order) = Order::from_url(url) else {
        return Page::error(StatusCode::NOT_FOUND, &format!("no order {}", url.path));
    };
    let (reply, outcome) = oneshot::channel();
    let stopping = || Page::error(StatusCode::SERVICE_UNAVAILABLE, "fedns is stopping");
    if pages.orders.send(Placed { order, reply }).await.is_err() {
        return stopping();
    }
    match outcome.await {
        Ok(Ok(line)) => Page::text(format!("{line}\n")),
        Ok(Err(line)) => Page::error(StatusCode::CONFLICT, &line),
        Err(_) => stopping(),
    }
}

// === impl Order ===

impl Order {
    fn from_url(url: &Url) -> Option<Self> {
        let path = url.path.strip_prefix("/api/v1/")?;
        if path == "plan/approve" {
            return url.get("hash").map(|hash| Self::ApproveReload(hash.to_owned()));
        }
        let name = path.strip_prefix("clusters/")?.strip_suffix("/accept")?;
        Some(Self::AcceptCluster(ClusterName::new(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_have_their_paths() {
        let order = |path, query| Order::from_url(&Url::parse(path, query));
        let accept = Order::AcceptCluster(ClusterName::new("beijing"));
        assert_eq!(order("/api/v1/clusters/beijing/accept", ""), Some(accept));
        let approve = Order::ApproveReload("1f".into());
        assert_eq!(order("/api/v1/plan/approve", "hash=1f"), Some(approve));
        assert_eq!(order("/api/v1/plan/approve", ""), None);
        assert_eq!(order("/api/v1/clusters", ""), None);
    }
}
