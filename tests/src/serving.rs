//! `fedns serve` as a test runs it: a folder with its config and state, and the process on it, which
//! may end and start again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use model::Serial;
use serde_json::Value;

use crate::dns::{Reply, dig, read_query};
use crate::eventually::{GENEROUS, eventually, eventually_equal};
use crate::http::{self, Answer};
use crate::kubeconfig::{Context, kubeconfig};
use crate::port::free_port;
use crate::process::{Process, Signal};
use crate::product;
use crate::scratch::Scratch;

/// One server for the zone `example.com.` of the federation `fed`.
pub struct Fedns {
    home: Scratch,
    dns: u16,
    admin: u16,
    /// Further entries of `listen:`.
    listeners: String,
    process: Option<Process>,
}

impl Fedns {
    /// Runs on contexts of one kubeconfig; each cluster has its context's name. `more` is config
    /// text for further keys, each line complete.
    pub fn on_contexts(contexts: &[Context], more: &str) -> Self {
        let entries = contexts
            .iter()
            .map(|Context { name, .. }| {
                format!("{{name: {name}, kubeconfig: ./kubeconfig, context: {name}}}")
            })
            .collect::<Vec<_>>();
        let mut fedns = Self::prepared(&entries, more);
        fedns.home.write("kubeconfig", kubeconfig(contexts));
        fedns.start();
        fedns
    }

    /// A folder with the config for these entries of `clusters:`, and no process yet.
    pub fn prepared(clusters: &[String], more: &str) -> Self {
        Self::prepared_on(clusters, "", more)
    }

    /// The same with further entries of `listen:`, like `dot: ["127.0.0.1:853"]`.
    pub fn prepared_on(clusters: &[String], listeners: &str, more: &str) -> Self {
        let fedns = Self { listeners: listeners.to_owned(), ..Self::empty() };
        fedns.configure(clusters, more);
        fedns
    }

    fn empty() -> Self {
        let (dns, admin) = (free_port(), free_port());
        let home = Scratch::new("serve");
        Self { home, dns, admin, listeners: String::new(), process: None }
    }

    /// Runs on a federation with an API of its own, whose control plane is in `host`.
    pub fn of_federation(federation: &Context, host: &Context, more: &str) -> Self {
        let mut fedns = Self::empty();
        let (federation_name, host_name) = (&federation.name, &host.name);
        fedns.home.write("kubeconfig", kubeconfig(&[federation.clone(), host.clone()]));
        fedns.write_config(&format!(
            "{more}controlPlane:\n  kubeconfig: ./kubeconfig\n  context: {federation_name}\n  \
             host: {{kubeconfig: ./kubeconfig, context: {host_name}}}\n"
        ));
        fedns.start();
        fedns
    }

    /// Writes the config anew; a server that runs reloads it.
    pub fn configure(&self, clusters: &[String], more: &str) {
        let entries: String = clusters.iter().map(|entry| format!("  - {entry}\n")).collect();
        let entries = if entries.is_empty() { "  []\n".to_owned() } else { entries };
        self.write_config(&format!("{more}clusters:\n{entries}"));
    }

    fn write_config(&self, more: &str) {
        let Self { dns, admin, listeners, .. } = self;
        self.home.write(
            "fedns.yaml",
            format!(
                "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: example.com.\n\
                 nameServers: [{{name: ns1.example.com., addresses: [192.0.2.53]}}]\n\
                 listen: {{dns: [\"127.0.0.1:{dns}\"], admin: \"127.0.0.1:{admin}\", {listeners}}}\n\
                 stateDir: ./state\n{more}"
            ),
        );
    }

    /// The folder of the config; the state is in `state/` below it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Not beside the config: that folder is watched, and each line would be an event in it.
    fn logs(&self) -> PathBuf {
        let logs = self.home().join("logs");
        fs::create_dir_all(&logs).expect("make a folder");
        logs
    }

    pub fn dns_port(&self) -> u16 {
        self.dns
    }

    pub fn admin_port(&self) -> u16 {
        self.admin
    }

    /// Starts the process; its output goes on in the same log.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same, with further arguments.
    pub fn start_with(&mut self, arguments: &[&str]) {
        self.launch(arguments, &[]);
    }

    /// The same, with these in the environment, too.
    pub fn launch(&mut self, arguments: &[&str], environment: &[(&str, &str)]) {
        let command = self.serve(arguments, environment);
        self.process = Some(Process::start("fedns", &command, &self.logs()));
    }

    /// The same, where somebody looks at its log on a terminal.
    pub fn launch_on_terminal(&mut self) {
        let command = self.serve(&[], &[]);
        self.process = Some(Process::start_on_terminal("fedns", &command, &self.logs()));
    }

    fn serve(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = product::fedns();
        command.envs(environment.iter().copied());
        command.arg("serve").arg("--config").arg(self.home().join("fedns.yaml")).args(arguments);
        command
    }

    /// Another process takes the place of this one, whose exit status is returned.
    #[track_caller]
    pub fn replace(&mut self) -> ExitStatus {
        let mut before = self.process.take().expect("fedns runs");
        self.start_with(&["--replace"]);
        before.wait(GENEROUS)
    }

    /// A process beside this one, with another config of the same folder and a log of its own.
    pub fn beside(&self, config: &str, arguments: &[&str]) -> Process {
        let mut command = product::fedns();
        command.arg("serve").arg("--config").arg(self.home().join(config)).args(arguments);
        Process::start(config, &command, &self.logs())
    }

    /// SIGTERM, and the exit status.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.process.take().expect("fedns runs").terminate(GENEROUS)
    }

    /// SIGINT, and the exit status.
    #[track_caller]
    pub fn interrupt(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("fedns runs");
        process.signal(Signal::INT);
        process.wait(GENEROUS)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("fedns runs").kill();
    }

    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("fedns runs")
    }

    /// Runs another command of the binary in the folder, asking this server's admin address.
    pub fn command(&self, words: &[&str]) -> Output {
        self.command_in(words, &[])
    }

    /// The same, with these in the environment.
    pub fn command_in(&self, words: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = product::fedns();
        command.envs(environment.iter().copied());
        command.args(words).env("FEDNS_ADMIN", format!("127.0.0.1:{}", self.admin));
        command.current_dir(self.home()).output().expect("fedns runs")
    }

    /// What a command prints; panics when it fails.
    #[track_caller]
    pub fn printed(&self, words: &[&str]) -> String {
        let output = self.command(words);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "fedns {words:?}: {errors}");
        String::from_utf8(output.stdout).expect("fedns prints UTF-8")
    }

    /// A page of the admin address.
    pub fn page(&self, path: &str) -> Result<Answer, String> {
        http::get(self.admin, path)
    }

    /// What `fedns query` gets; `None` where nobody answers.
    pub fn query(&self, name: &str, record_type: &str) -> Option<Reply> {
        let server = format!("127.0.0.1:{}", self.dns);
        let output = self.command(&["query", name, record_type, "--server", &server]);
        read_query(&String::from_utf8_lossy(&output.stdout))
    }

    /// The response code and the IPv4 addresses that `fedns query` prints, and nothing of CNAMEs on
    /// the way: `NOERROR 192.0.2.1 192.0.2.2`.
    pub fn ask(&self, name: &str) -> String {
        let Some(Reply { code, records }) = self.query(name, "A") else {
            return "no answer".to_owned();
        };
        let addresses = records.iter().filter_map(|line| line.split_once(" A "));
        let addresses = addresses.map(|(_, address)| address.to_owned());
        std::iter::once(code).chain(addresses).collect::<Vec<_>>().join(" ")
    }

    /// Waits until [`Fedns::ask`] gives `expect`.
    #[track_caller]
    pub fn answers(&self, name: &str, expect: &str) {
        eventually_equal(GENEROUS, name, &expect.to_owned(), || self.ask(name));
    }

    /// Waits until `fedns query` gets `expect` in the form of [`Reply`]; dig must then get the same.
    #[track_caller]
    pub fn resolves(&self, name: &str, record_type: &str, expect: &str) {
        let what = format!("{name} {record_type}");
        eventually_equal(GENEROUS, &what, &expect.to_owned(), || {
            match self.query(name, record_type) {
                Some(reply) => reply.to_string(),
                None => "no answer".to_owned(),
            }
        });
        let question = (name.to_owned(), record_type.to_owned());
        let replies = dig(self.dns, &[question]).unwrap_or_else(|text| panic!("{what}: {text}"));
        assert_eq!(replies[0].to_string(), expect, "{what} with dig");
    }

    /// The serial in the SOA record of the answer to a query for it.
    #[track_caller]
    pub fn serial(&self) -> Serial {
        let Some(reply) = self.query("example.com", "SOA") else { panic!("no answer") };
        let serial = reply.records.first().and_then(|soa| soa.split(' ').nth(5));
        Serial(serial.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{reply}")))
    }

    /// A cluster's row of `fedns clusters -o json`.
    pub fn cluster(&self, name: &str) -> Result<Value, String> {
        let output = self.command(&["clusters", "-o", "json"]);
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout)
            .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
        let row = rows.into_iter().find(|row| row["name"] == name);
        row.ok_or_else(|| format!("no cluster {name}"))
    }

    /// Waits until a cluster is live, or is stale for a reason that begins like this.
    #[track_caller]
    pub fn sees(&self, cluster: &str, expect: &str) {
        eventually(GENEROUS, &format!("cluster {cluster} is {expect}"), || {
            let row = self.cluster(cluster)?;
            let words = [&row["state"], &row["reason"]].map(|word| word.as_str().unwrap_or(""));
            let seen = words.join(" ");
            if seen.starts_with(expect) { Ok(()) } else { Err(seen) }
        });
    }

    /// Waits until `/readyz` is 200.
    #[track_caller]
    pub fn is_ready(&self) {
        eventually(GENEROUS, "/readyz is 200", || match self.page("/readyz") {
            Ok(Answer { status: 200, .. }) => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }
}
