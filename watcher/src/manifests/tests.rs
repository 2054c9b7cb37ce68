//! A folder that is really watched.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clusters::{Cluster, Source};
use model::{ClusterChange, ClusterName, Freshness, Observed};
use tokio::sync::mpsc;

use crate::event::ClusterEvent;
use crate::memory::Saved;
use crate::resolver::{Resolver, ResolverSettings};
use crate::settings::ServiceSettings;
use crate::watch::{WatchHandle, start};

/// Far more than anything here needs.
const LIMIT: Duration = Duration::from_secs(20);

struct Watched {
    folder: tempfile::TempDir,
    events: mpsc::Receiver<ClusterEvent>,
    handle: WatchHandle,
}

fn service(name: &str, address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{type: LoadBalancer}}\nstatus: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}\n"
    )
}

impl Watched {
    /// A folder `manifests` with one Service, listed and live.
    async fn live() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("manifests");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("web.yaml"), service("web", "192.0.2.1")).unwrap();
        let mut watched = Self::watch(folder, root);
        watched.expect("view web=192.0.2.1").await;
        watched.expect("live").await;
        watched
    }

    fn watch(folder: tempfile::TempDir, root: PathBuf) -> Self {
        let resolver = Resolver::new(&ResolverSettings::default());
        let (sender, events) = mpsc::channel(16);
        let name = ClusterName::new("here");
        let cluster = Cluster { name, source: Source::Manifests(root), topology: None, uid: None };
        let settings = ServiceSettings::default();
        let handle = start(cluster, settings, Saved::default(), &resolver, sender);
        Self { folder, events, handle }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    #[track_caller]
    fn expect(&mut self, expect: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let event = tokio::time::timeout(LIMIT, self.events.recv()).await;
            let event = event.unwrap_or_else(|_| panic!("{place}: nothing came, not {expect}"));
            assert_eq!(tell(event.unwrap().change), expect, "{place}");
        }
    }
}

fn tell(change: ClusterChange) -> String {
    let shard = |observed: &Observed| match observed {
        Observed::Shard(shard) => {
            let addresses = shard.addresses.iter().map(ToString::to_string);
            addresses.collect::<Vec<_>>().join(" ")
        }
        Observed::LeftOut(reason) => reason.to_string(),
    };
    match change {
        ClusterChange::View(view) => {
            let services = view.services.iter();
            let services =
                services.map(|(key, observed)| format!(" {}={}", key.name, shard(observed)));
            format!("view{}", services.collect::<String>())
        }
        ClusterChange::Service(key, Some(observed)) => format!("{}={}", key.name, shard(&observed)),
        ClusterChange::Service(key, None) => format!("{} gone", key.name),
        ClusterChange::Freshness(Freshness::Live) => "live".to_owned(),
        ClusterChange::Freshness(Freshness::Stale { reason, .. }) => reason.word().to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn files_are_read_on_close_or_rename() {
    let mut watched = Watched::live().await;
    fs::write(watched.path("manifests/web.yaml"), service("web", "192.0.2.2")).unwrap();
    watched.expect("web=192.0.2.2").await;
    fs::write(watched.path("elsewhere"), service("web", "192.0.2.3")).unwrap();
    fs::rename(watched.path("elsewhere"), watched.path("manifests/web.yaml")).unwrap();
    watched.expect("web=192.0.2.3").await;
    fs::create_dir(watched.path("manifests/more")).unwrap();
    fs::write(watched.path("manifests/more/shop.yaml"), service("shop", "192.0.2.4")).unwrap();
    watched.expect("shop=192.0.2.4").await;
}

#[tokio::test]
async fn what_is_missing_goes_once_the_folder_is_quiet() {
    let mut watched = Watched::live().await;
    fs::remove_file(watched.path("manifests/web.yaml")).unwrap();
    watched.expect("web gone").await;
}

#[tokio::test]
async fn a_broken_file_keeps_its_last_good_objects_and_is_reported() {
    let mut watched = Watched::live().await;
    fs::write(watched.path("manifests/web.yaml"), "kind: [").unwrap();
    // What is told next comes after the broken file has been read.
    fs::write(watched.path("manifests/shop.yaml"), service("shop", "192.0.2.4")).unwrap();
    watched.expect("shop=192.0.2.4").await;
    let file = watched.path("manifests/web.yaml");
    let problem = format!(
        "{}:1:7: found unclosed bracket '[', wanted YAML; correct the bracket, quote, key or indentation there",
        file.display()
    );
    assert_eq!(watched.handle.problems().lines(), [problem]);
}

#[tokio::test]
async fn a_link_that_is_swapped_is_followed() {
    let mut watched = Watched::live().await;
    let root = watched.path("manifests");
    for (version, address) in [("..1", "192.0.2.5"), ("..2", "192.0.2.6")] {
        fs::create_dir(root.join(version)).unwrap();
        fs::write(root.join(version).join("k.yaml"), service("k", address)).unwrap();
    }
    std::os::unix::fs::symlink("..1", root.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/k.yaml", root.join("k.yaml")).unwrap();
    watched.expect("k=192.0.2.5").await;
    std::os::unix::fs::symlink("..2", root.join("..data_tmp")).unwrap();
    fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    watched.expect("k=192.0.2.6").await;
}

#[tokio::test]
async fn a_vanished_folder_is_stale_and_heals_when_it_comes_back() {
    let mut watched = Watched::live().await;
    fs::rename(watched.path("manifests"), watched.path("away")).unwrap();
    watched.expect("FolderMissing").await;
    fs::write(watched.path("away/web.yaml"), service("web", "192.0.2.9")).unwrap();
    fs::rename(watched.path("away"), watched.path("manifests")).unwrap();
    watched.expect("web=192.0.2.9").await;
    watched.expect("live").await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_yet_is_stale_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("not/yet");
    let mut watched = Watched::watch(folder, root.clone());
    watched.expect("FolderMissing").await;
    let made = watched.path("made");
    fs::create_dir_all(made.join("yet")).unwrap();
    fs::write(made.join("yet/web.yaml"), service("web", "192.0.2.1")).unwrap();
    fs::rename(made, watched.path("not")).unwrap();
    watched.expect("view web=192.0.2.1").await;
    watched.expect("live").await;
}

#[tokio::test]
async fn dropping_the_handle_ends_everything() {
    let Watched { folder: _folder, mut events, handle } = Watched::live().await;
    drop(handle);
    assert_eq!(tokio::time::timeout(LIMIT, events.recv()).await, Ok(None));
}

#[test]
fn a_folder_is_checked_without_being_watched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), service("web", "192.0.2.1")).unwrap();
    fs::write(folder.path().join("b.yaml"), "kind: [").unwrap();
    fs::write(folder.path().join("c.yaml"), "apiVersion: v1\nkind: Servce\n").unwrap();
    let contents = super::read_folder(folder.path()).unwrap();
    assert_eq!(contents.objects.len(), 1);
    assert_eq!(contents.problems.len(), 1);
    assert_eq!(contents.warnings.len(), 1);
    assert!(super::read_folder(&folder.path().join("none")).is_err());
}
