//! Three clusters for one test: the federation's API, a host, and a member.

use std::process::{Command, Output};

use tests::api_server::ApiServer;
use tests::by_hand;
use tests::kubeconfig::{Context, kubeconfig};
use tests::kubectl::Kubectl;
use tests::kwok::KwokCluster;
use tests::product;
use tests::scratch::Scratch;

/// The federation's label differs from its context, as in the seed's story.
pub(super) const LABEL: &str = "fed";

pub(super) struct Stage {
    /// The federation's own API, context `federation`.
    pub(super) federation: ApiServer,
    /// Holds the control plane, and can be a member itself: context `hangzhou`.
    pub(super) hangzhou: KwokCluster,
    /// Nobody makes tokens here: context `beijing`.
    pub(super) beijing: ApiServer,
    home: Scratch,
}

impl Stage {
    /// What `init` would leave behind, as far as `join` sees it.
    pub(super) fn new() -> Self {
        let federation = ApiServer::start("federation");
        let hangzhou = KwokCluster::start("hangzhou", &[]);
        let beijing = ApiServer::start("beijing");
        by_hand::prepare(&federation, &hangzhou.api);
        let host = hangzhou.api.kubectl();
        host.run(&format!(
            "annotate namespace federation-system federation.alpha.kubernetes.io/federation-name={LABEL} \
             federation.alpha.kubernetes.io/dns-zone-name=example.com"
        ));
        let stage = Self { federation, hangzhou, beijing, home: Scratch::new("membership") };
        stage.contexts(vec![]);
        stage
    }

    /// Writes the user's kubeconfig: the three contexts, and these.
    pub(super) fn contexts(&self, further: Vec<Context>) {
        let mut contexts =
            vec![self.federation.context(), self.hangzhou.api.context(), self.beijing.context()];
        contexts.extend(further);
        self.home.write("config", kubeconfig(&contexts));
    }

    /// kubectl as the user types it, with `--context` on its line.
    pub(super) fn kubectl(&self) -> Kubectl {
        Kubectl::new(self.home.path().join("config"))
    }

    pub(super) fn command(&self, line: &str) -> Command {
        let mut command = product::fedns();
        command
            .args(line.split_whitespace())
            .env("KUBECONFIG", self.home.path().join("config"))
            .current_dir(self.home.path());
        command
    }

    pub(super) fn fedns(&self, line: &str) -> Output {
        self.command(line).output().expect("run fedns")
    }

    /// stdout of a command that succeeds.
    #[track_caller]
    pub(super) fn printed(&self, line: &str) -> String {
        let output = self.fedns(line);
        let (out, error) = texts(&output);
        assert!(output.status.success(), "{line}: {error}{out}");
        out
    }

    /// stderr of a command that fails.
    #[track_caller]
    pub(super) fn refused(&self, line: &str) -> String {
        let output = self.fedns(line);
        let (out, error) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{line}: {error}{out}");
        error
    }

    pub(super) fn home(&self) -> &Scratch {
        &self.home
    }
}

pub(super) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
