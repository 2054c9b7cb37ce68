//! Which images a control plane runs, and which cannot work.

/// The Kubernetes whose parts are run when nobody names others.
const KUBERNETES: &str = "v1.36.3";
/// The etcd that this Kubernetes is released with.
const ETCD: &str = "3.6.8-0";
const STOCK: &str = "registry.k8s.io";
const OWN: &str = "ghcr.io/fedns";
/// The oldest etcd that kube-apiserver is tested with.
const ETCD_MIN: (u32, u32) = (3, 5);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    pub fedns: String,
    pub api_server: String,
    pub controller_manager: String,
    pub etcd: String,
}

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct ImageFlags<'a> {
    pub repository: Option<&'a str>,
    pub fedns: Option<&'a str>,
    pub api_server: Option<&'a str>,
    pub controller_manager: Option<&'a str>,
    pub etcd: Option<&'a str>,
}

// === impl Images ===

impl Images {
    /// # Errors
    ///
    /// One line for each image that cannot work, with its flag.
    pub fn choose(flags: &ImageFlags<'_>) -> Result<Self, Vec<String>> {
        let mut refused = Vec::new();
        let mut pick = |flag: &str, given: Option<&str>, host: &str, default: &str| {
            if let Some(why) = given.and_then(refusal) {
                refused.push(format!("{flag} {}: {why}", given.unwrap_or_default()));
            }
            let repository = flags.repository.unwrap_or(host).trim_end_matches('/');
            given.map_or_else(|| format!("{repository}/{default}"), str::to_owned)
        };
        let images = Self {
            fedns: pick("--image", flags.fedns, OWN, concat!("fedns:v", env!("CARGO_PKG_VERSION"))),
            api_server: pick(
                "--apiserver-image",
                flags.api_server,
                STOCK,
                &format!("kube-apiserver:{KUBERNETES}"),
            ),
            controller_manager: pick(
                "--controllermanager-image",
                flags.controller_manager,
                STOCK,
                &format!("kube-controller-manager:{KUBERNETES}"),
            ),
            etcd: pick("--etcd-image", flags.etcd, STOCK, &format!("etcd:{ETCD}")),
        };
        refused.extend(flags.etcd.and_then(|given| old_etcd(given, &images.etcd)));
        if refused.is_empty() { Ok(images) } else { Err(refused) }
    }
}

fn refusal(image: &str) -> Option<String> {
    if image.is_empty() || image.contains(char::is_whitespace) {
        return Some("is no reference of an image".to_owned());
    }
    name(image).contains("hyperkube").then(|| {
        "hyperkube ended with Kubernetes 1.18 and holds no fedns: --image is the image of fedns, \
         --apiserver-image and --controllermanager-image are stock Kubernetes and have defaults"
            .to_owned()
    })
}

fn old_etcd(given: &str, image: &str) -> Option<String> {
    let (major, minor) = version(image)?;
    let (least_major, least_minor) = ETCD_MIN;
    ((major, minor) < ETCD_MIN).then(|| {
        format!(
            "--etcd-image {given}: etcd {major}.{minor} is too old for Kubernetes {KUBERNETES}, which needs \
             {least_major}.{least_minor} or newer; leave the flag out for {ETCD}"
        )
    })
}

/// The last part of the repository, without the tag.
fn name(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split([':', '@']).next().unwrap_or(last)
}

/// Major and minor of a tag like `3.6.8-0` or `v3.6`; `None` for any other tag.
fn version(image: &str) -> Option<(u32, u32)> {
    let last = image.rsplit('/').next()?;
    let (_, tag) = last.split('@').next()?.split_once(':')?;
    let mut numbers = tag.trim_start_matches('v').split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_of_one_release_and_a_repository_holds_all() {
        let images = Images::choose(&ImageFlags::default()).unwrap();
        assert_eq!(images.etcd, "registry.k8s.io/etcd:3.6.8-0");
        let flags = ImageFlags { repository: Some("example.com/k8s/"), ..ImageFlags::default() };
        let images = Images::choose(&flags).unwrap();
        assert_eq!(images.api_server, "example.com/k8s/kube-apiserver:v1.36.3");
        assert!(images.fedns.starts_with("example.com/k8s/fedns:v"), "{}", images.fedns);
    }

    #[test]
    fn images_of_the_first_federation_are_refused() {
        let flags = ImageFlags {
            fedns: Some("registry.example.com/google-containers/hyperkube-amd64:v1.8.4-4_99c084ce"),
            etcd: Some("registry.example.com:5000/google-containers/etcd-amd64:3.1.11"),
            ..ImageFlags::default()
        };
        let lines = Images::choose(&flags).unwrap_err();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("hyperkube ended with Kubernetes 1.18"), "{lines:?}");
        assert!(lines[1].contains("etcd 3.1 is too old"), "{lines:?}");
    }

    #[test]
    fn a_tag_that_is_no_version_is_taken() {
        for etcd in ["localhost/etcd:test", "localhost/etcd", "h:5000/etcd@sha256:00", "e:v3.5.1"] {
            let flags = ImageFlags { etcd: Some(etcd), ..ImageFlags::default() };
            assert_eq!(Images::choose(&flags).unwrap().etcd, etcd);
        }
    }
}
