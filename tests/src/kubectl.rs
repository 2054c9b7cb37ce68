//! The stock kubectl, as a user of the cluster would type it.

use std::ffi::OsStr;
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::parts;
use crate::process::bound_to_us;

/// Runs kubectl with one kubeconfig. What it prints is returned; what fails panics with its words.
#[derive(Clone, Debug)]
pub struct Kubectl {
    kubeconfig: PathBuf,
    context: Option<String>,
}

/// A node as kwok plays it, or as the API alone keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    pub name: &'a str,
    /// `topology.kubernetes.io/region`
    pub region: Option<&'a str>,
    /// `topology.kubernetes.io/zone`
    pub zone: Option<&'a str>,
}

impl<'a> Node<'a> {
    pub const fn new(name: &'a str, region: &'a str, zone: &'a str) -> Self {
        Self { name, region: Some(region), zone: Some(zone) }
    }
}

impl Kubectl {
    pub fn new(kubeconfig: PathBuf) -> Self {
        Self { kubeconfig, context: None }
    }

    /// The same kubeconfig with another context than its current one.
    pub fn context(&self, name: &str) -> Self {
        Self { kubeconfig: self.kubeconfig.clone(), context: Some(name.to_owned()) }
    }

    /// Runs a command line split at white space: `kubectl.run("get services -A")`.
    #[track_caller]
    pub fn run(&self, line: &str) -> String {
        self.try_run(line).unwrap_or_else(|error| panic!("{error}"))
    }

    /// [`Kubectl::run`] for a command that may fail; the error is what kubectl said.
    pub fn try_run(&self, line: &str) -> Result<String, String> {
        self.try_args(line.split_whitespace())
    }

    /// Runs arguments that may hold white space.
    #[track_caller]
    pub fn args(&self, args: &[&str]) -> String {
        self.try_args(args).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn try_args<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Result<String, String> {
        self.execute(args, "")
    }

    /// Runs a command line with `-o json` and parses the answer.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        let text = self.run(&format!("{line} -o json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
    }

    /// Applies manifests, several documents included.
    #[track_caller]
    pub fn apply(&self, manifests: &str) -> String {
        self.execute(["apply", "-f", "-"], manifests).unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    pub fn create_node(&self, node: Node<'_>) {
        let mut labels = json!({});
        for (key, value) in [("region", node.region), ("zone", node.zone)] {
            if let Some(value) = value {
                labels[format!("topology.kubernetes.io/{key}")] = value.into();
            }
        }
        let metadata = json!({"name": node.name, "labels": labels});
        self.apply(&json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata}).to_string());
    }

    /// Plays the cloud: gives a Service these addresses or host names, or takes all away.
    #[track_caller]
    pub fn set_load_balancer(&self, namespace: &str, service: &str, addresses: &[&str]) {
        let ingress: Vec<Value> = addresses
            .iter()
            .map(|address| match address.parse::<IpAddr>() {
                Ok(ip) => json!({"ip": ip}),
                Err(_) => json!({"hostname": address}),
            })
            .collect();
        let patch = json!({"status": {"loadBalancer": {"ingress": ingress}}}).to_string();
        let target = ["-n", namespace, "patch", "service", service];
        let change = ["--subresource=status", "--type=merge", "-p", &patch];
        self.args(&[target.as_slice(), &change].concat());
    }

    /// How many endpoints of a Service are ready, over all its slices.
    #[track_caller]
    pub fn ready_endpoints(&self, namespace: &str, service: &str) -> usize {
        let label = format!("kubernetes.io/service-name={service}");
        let slices = self.json(&format!("-n {namespace} get endpointslices -l {label}"));
        let endpoints = slices["items"].as_array().into_iter().flatten();
        endpoints
            .flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten())
            .filter(|endpoint| endpoint["conditions"]["ready"] == true)
            .count()
    }

    /// The command itself, for a kubectl that runs on, such as a watch.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = parts::kubernetes("kubectl");
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        if let Some(context) = &self.context {
            command.args(["--context", context]);
        }
        // kubectl caches what it discovers below its home and would read a user's preferences there.
        command.args(args).env("HOME", self.kubeconfig.parent().expect("a file has a folder"));
        command
    }

    fn execute<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Result<String, String> {
        let command = self.command(args);
        let mut child = bound_to_us(&command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start kubectl");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A kubectl that refuses its command line ends without reading; its words tell more.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("wait for kubectl");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let words = String::from_utf8_lossy(&output.stderr);
            Err(format!("{command:?}: {}", words.trim_end()))
        }
    }
}
