//! What makes a machine a node: containerd, kubelet and kube-proxy.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::machine::{Machine, execute};
use crate::api_server::ApiServer;
use crate::eventually::{GENEROUS, eventually};
use crate::images;
use crate::need::CNI_FOLDER;
use crate::parts;
use crate::process::Process;

/// Fields drop in order: the kubelet would start what is ended.
pub struct Node {
    kubelet: Process,
    proxy: Process,
    containerd: Process,
    socket: PathBuf,
}

impl Node {
    pub fn start(machine: &Machine, api: &ApiServer) -> Self {
        let folder = machine.folder();
        let socket = folder.join("containerd.sock");
        masquerade(machine, api);
        write_network(machine, api);
        let config = machine.scratch().write("containerd.toml", containerd_config(folder, &socket));
        let mut command = Command::new(parts::program("containerd"));
        command.arg("--config").arg(config);
        let containerd = Process::start("containerd", &machine.inside(&command), folder);
        eventually(GENEROUS, "containerd answers", || {
            containerd.assert_running();
            let mut version = ctr(&socket);
            version.arg("version");
            let output = version.output().map_err(|error| error.to_string())?;
            match output.status.success() {
                true => Ok(()),
                false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            }
        });
        load(machine, &socket, &images::pod());
        let proxy = Process::start("kube-proxy", &machine.inside(&proxy(machine, api)), folder);
        let kubelet = kubelet(machine, api, &socket);
        let kubelet = Process::start("kubelet", &machine.inside(&kubelet), folder);
        Self { kubelet, proxy, containerd, socket }
    }

    pub fn assert_running(&self) {
        let Self { kubelet, proxy, containerd, socket: _ } = self;
        for process in [kubelet, proxy, containerd] {
            process.assert_running();
        }
    }

    pub fn load_image(&self, machine: &Machine, archive: &Path) {
        load(machine, &self.socket, archive);
    }

    pub fn tag_image(&self, machine: &Machine, image: &str, name: &str) {
        let mut command = ctr(&self.socket);
        command.args(["images", "tag", image, name]);
        execute(&machine.inside(&command));
    }

    pub fn kill_container(&self, machine: &Machine, id: &str) {
        let mut command = ctr(&self.socket);
        command.args(["tasks", "kill", "--signal", "SIGKILL", id]);
        execute(&machine.inside(&command));
    }
}

fn ctr(socket: &Path) -> Command {
    // Its directory is by the machine's own parts, and its socket is a file that both sides see.
    let mut command = Command::new(parts::program("ctr"));
    command.arg("--address").arg(socket).args(["--namespace", "k8s.io"]);
    command
}

fn load(machine: &Machine, socket: &Path, archive: &Path) {
    let mut command = ctr(socket);
    command.args(["images", "import", "--local", "--snapshotter", "native"]).arg(archive);
    execute(&machine.inside(&command));
}

/// Pods leave the node with its own address, for nobody outside knows theirs.
fn masquerade(machine: &Machine, api: &ApiServer) {
    let pods = &api.ranges().pods;
    machine.run(&format!(
        "nft add table ip fedns; nft 'add chain ip fedns out {{ type nat hook postrouting priority srcnat; }}'; \
         nft 'add rule ip fedns out ip saddr {pods} oifname uplink masquerade'"
    ));
}

fn write_network(machine: &Machine, api: &ApiServer) {
    let folder = machine.folder().join("cni");
    std::fs::create_dir(&folder).expect("make a folder");
    let addresses = json!({
        "type": "host-local",
        "ranges": [[{"subnet": api.ranges().pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": machine.folder().join("addresses"),
    });
    let bridge = json!({
        "type": "bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true, "ipam": addresses,
    });
    let list = json!({"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]});
    std::fs::write(folder.join("10-pods.conflist"), list.to_string()).expect("write a file");
}

fn containerd_config(folder: &Path, socket: &Path) -> String {
    let folder = folder.display();
    let socket = socket.display();
    let sandbox = images::POD;
    format!(
        r#"version = 3
root = "{folder}/containerd-root"
state = "{folder}/containerd-state"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
address = "{socket}"
[ttrpc]
address = "{socket}.ttrpc"
[plugins."io.containerd.cri.v1.images"]
snapshotter = "native"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{sandbox}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{CNI_FOLDER}"]
conf_dir = "{folder}/cni"
"#
    )
}

fn kubelet(machine: &Machine, api: &ApiServer, socket: &Path) -> Command {
    let folder = machine.folder();
    let endpoint = format!("unix://{}", socket.display());
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": false,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": false,
        "cgroupRoot": format!("/{}", machine.cgroup()),
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": false,
        "evictionHard": {},
        "failSwapOn": false,
        "containerRuntimeEndpoint": endpoint,
        // Within the machine's own network there is nobody else.
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
        "imageMinimumGCAge": "24h",
        "shutdownGracePeriod": "0s",
    });
    let config = machine.scratch().write("kubelet.json", config.to_string());
    let mut command = parts::kubernetes("kubelet");
    command
        .arg("--config")
        .arg(config)
        .arg("--kubeconfig")
        .arg(api.scratch().path().join("kubeconfig"))
        .arg("--root-dir")
        .arg(folder.join("kubelet"))
        .args(["--hostname-override", api.name()])
        .args(["--node-ip", &machine.link().inner().to_string()]);
    command
}

fn proxy(machine: &Machine, api: &ApiServer) -> Command {
    let config = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "hostnameOverride": api.name(),
        "clientConnection": {"kubeconfig": api.scratch().path().join("kubeconfig")},
        "conntrack": {"maxPerCore": 0},
        // Answers between two pods of the node come back this way, too.
        "nftables": {"masqueradeAll": true},
        "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": "127.0.0.1:10256",
    });
    let config = machine.scratch().write("kube-proxy.json", config.to_string());
    let mut command = parts::kubernetes("kube-proxy");
    command.arg("--config").arg(config);
    command
}
