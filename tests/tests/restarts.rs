use std::fs;
use std::path::PathBuf;

use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] =>
            a_damaged_cluster_file_is_set_aside_and_the_rest_served,
            a_cluster_file_that_lost_its_end_is_mended_and_served,
            a_damaged_zone_file_is_set_aside_and_the_serial_stays,
            with_both_zone_files_damaged_the_serial_grows;
    }
}

const WEB: &str = "web.default.fed.svc.example.com";
const BEIJING: &str = "web.default.fed.svc.cn-beijing.example.com";
const HANGZHOU: &str = "web.default.fed.svc.cn-hangzhou.example.com";

const BEIJING_FILE: &str = "clusters/beijing.state";
/// Both hold the zone's serial.
const ZONE_FILES: [&str; 2] = ["zones/example.com.state", "serials/example.com.state"];

type Damage = fn(&[u8]) -> Vec<u8>;

/// Both clusters are away, so that nothing but the state can be served.
fn a_damaged_cluster_file_is_set_aside_and_the_rest_served() {
    let cases: [(Damage, &str); 5] = [
        (emptied, "it is empty"),
        (|file| cut_in_line(file, 1), "line 1 is not as it was written"),
        (|file| cut_in_line(file, 2), "it has 0 of 1 entries"),
        (|file| flip_in_line(file, 2), "line 2 is not as it was written"),
        (later_cluster_format, "its format is 99; this version knows 1"),
    ];
    let mut scene = Scene::start();
    for (damage, told) in cases {
        let damaged = scene.stop_and_damage(BEIJING_FILE, damage);
        scene.move_manifests("", "away-");
        scene.fedns.start();
        scene.fedns.answers(HANGZHOU, "NOERROR 198.51.100.1");
        scene.has_set_aside(BEIJING_FILE, &damaged, told);
        // Nothing of the damaged file is served, and what lacks is told.
        assert_eq!(scene.fedns.ask(WEB), "NOERROR 198.51.100.1");
        scene.fedns.sees("beijing", "Stale FolderMissing");

        scene.move_manifests("away-", "");
        scene.fedns.answers(BEIJING, "NOERROR 192.0.2.1");
    }
}

/// What a power failure leaves is no damage: only what was being written is lost.
fn a_cluster_file_that_lost_its_end_is_mended_and_served() {
    let mut scene = Scene::start();
    scene.stop_and_damage(BEIJING_FILE, |file| file[..file.len() - 5].to_vec());
    scene.move_manifests("", "away-");
    scene.fedns.start();
    scene.fedns.answers(BEIJING, "NOERROR 192.0.2.1");
    let log = scene.log_since_damage();
    assert!(log.contains("the last change in the state file was cut off and is lost"), "{log}");
    assert_eq!(scene.set_aside(BEIJING_FILE), Vec::<Vec<u8>>::new());
}

const ZONE_DAMAGES: [(Damage, &str); 4] = [
    (emptied, "it is empty"),
    (|file| cut_in_line(file, 1), "line 1 is not as it was written"),
    (|file| flip_in_line(file, 1), "line 1 is not as it was written"),
    (later_zone_format, "its format is 99; this version knows 1"),
];

fn a_damaged_zone_file_is_set_aside_and_the_serial_stays() {
    let mut scene = Scene::start();
    // Far ahead of the clock, so that a serial by the clock would be lower.
    scene.crash();
    for file in ZONE_FILES {
        for (damage, told) in ZONE_DAMAGES {
            let before = scene.fedns.serial();
            let damaged = scene.stop_and_damage(file, damage);
            scene.fedns.start();
            scene.fedns.answers(WEB, "NOERROR 192.0.2.1 198.51.100.1");
            scene.has_set_aside(file, &damaged, told);
            assert_eq!(scene.fedns.serial(), before);
        }
    }
}

fn with_both_zone_files_damaged_the_serial_grows() {
    let mut scene = Scene::start();
    for (damage, told) in ZONE_DAMAGES {
        scene.crash();
        let before = scene.fedns.serial();
        let damaged = scene.stop_and_damage(ZONE_FILES[0], damage);
        scene.damage(ZONE_FILES[1], damage);
        scene.fedns.start();
        scene.fedns.answers(WEB, "NOERROR 192.0.2.1 198.51.100.1");
        for file in ZONE_FILES {
            scene.has_set_aside(file, &damaged, told);
        }
        let after = scene.fedns.serial();
        assert!(after.is_newer_than(before), "{after} after {before}");
        let log = scene.log_since_damage();
        let told = log.matches("no file with the zone's serial can be read").count();
        assert_eq!(told, 1, "{log}");
    }
}

/// Two clusters as folders of manifests, which can be moved away.
struct Scene {
    fedns: Fedns,
    /// How much of the log was there at the last damage.
    log_seen: usize,
}

impl Scene {
    fn start() -> Self {
        let entries =
            ["beijing", "hangzhou"].map(|it| format!("{{name: {it}, manifests: ./{it}}}"));
        let fedns = Fedns::prepared(&entries, "lameDuck: 0s\nstartupTimeout: 1s\n");
        for (cluster, address) in [("beijing", "192.0.2.1"), ("hangzhou", "198.51.100.1")] {
            let folder = fedns.home().join(cluster);
            fs::create_dir(&folder).expect("make a folder");
            fs::write(folder.join("all.yaml"), manifests(cluster, address)).expect("write a file");
        }
        let mut scene = Self { fedns, log_seen: 0 };
        scene.fedns.start();
        scene.fedns.answers(WEB, "NOERROR 192.0.2.1 198.51.100.1");
        scene
    }

    fn state(&self, file: &str) -> PathBuf {
        self.fedns.home().join("state").join(file)
    }

    /// Returns what the file holds then.
    fn stop_and_damage(&mut self, file: &str, damage: Damage) -> Vec<u8> {
        self.log_seen = self.fedns.process().log().len();
        assert!(self.fedns.stop().success());
        self.damage(file, damage)
    }

    /// A crash, and a start after it.
    fn crash(&mut self) {
        self.fedns.kill();
        self.fedns.start();
        self.fedns.answers(WEB, "NOERROR 192.0.2.1 198.51.100.1");
    }

    fn damage(&self, file: &str, damage: Damage) -> Vec<u8> {
        let path = self.state(file);
        let damaged = damage(&fs::read(&path).expect("fedns has saved it"));
        fs::write(path, &damaged).expect("write a file");
        damaged
    }

    fn move_manifests(&self, from: &str, to: &str) {
        for cluster in ["beijing", "hangzhou"] {
            let path = |prefix: &str| self.fedns.home().join(format!("{prefix}{cluster}"));
            fs::rename(path(from), path(to)).expect("move a folder");
        }
    }

    /// The damaged file is kept as it was, and the log says what and why.
    #[track_caller]
    fn has_set_aside(&self, file: &str, damaged: &[u8], told: &str) {
        assert!(self.set_aside(file).iter().any(|kept| kept == damaged), "{told}");
        let log = self.log_since_damage();
        let place = format!("state/{file} ");
        let is_told =
            |line: &&str| line.contains("it is set aside and not used") && line.contains(&place);
        let warning = log.lines().find(is_told).unwrap_or_else(|| panic!("no warning: {log}"));
        assert!(warning.contains("WARN") && warning.contains(told), "{warning}");
    }

    /// The contents of all that lies beside the file with its name and another ending.
    fn set_aside(&self, file: &str) -> Vec<Vec<u8>> {
        let path = self.state(file);
        let entries = fs::read_dir(path.parent().expect("a folder")).expect("read a folder");
        let paths = entries.map(|entry| entry.expect("read a folder").path());
        let damaged = paths.filter(|it| {
            let ending = it.extension().unwrap_or_default().to_string_lossy();
            it.file_stem() == path.file_stem() && ending.starts_with("damaged-")
        });
        damaged.map(|it| fs::read(it).expect("read a file")).collect()
    }

    fn log_since_damage(&self) -> String {
        self.fedns.process().log()[self.log_seen..].to_owned()
    }
}

fn emptied(_: &[u8]) -> Vec<u8> {
    Vec::new()
}

/// The file up to the middle of a line, counted from 1.
fn cut_in_line(file: &[u8], line: usize) -> Vec<u8> {
    let start = start_of_line(file, line);
    let end = start_of_line(file, line + 1);
    file[..start.midpoint(end)].to_vec()
}

fn flip_in_line(file: &[u8], line: usize) -> Vec<u8> {
    let mut file = file.to_vec();
    let middle = start_of_line(&file, line).midpoint(start_of_line(&file, line + 1));
    file[middle] ^= 1;
    file
}

fn start_of_line(file: &[u8], line: usize) -> usize {
    file.split_inclusive(|byte| *byte == b'\n').take(line - 1).map(<[u8]>::len).sum()
}

fn later_cluster_format(_: &[u8]) -> Vec<u8> {
    checksummed(r#"{"header":{"format":99,"cluster":"beijing","unheardOf":true}}"#)
}

fn later_zone_format(_: &[u8]) -> Vec<u8> {
    checksummed(r#"{"format":99,"zone":"example.com.","unheardOf":true}"#)
}

/// A line as every version writes it: the CRC-32 of the JSON in front.
fn checksummed(json: &str) -> Vec<u8> {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    let crc = json
        .bytes()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)));
    format!("{:08x} {json}\n", !crc).into_bytes()
}

/// Without an EndpointSlice in the whole folder, a Service is healthy.
fn manifests(cluster: &str, address: &str) -> String {
    format!(
        "apiVersion: v1\n\
         kind: Service\n\
         metadata: {{name: web, namespace: default}}\n\
         spec: {{type: LoadBalancer, ports: [{{port: 80}}]}}\n\
         status: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}\n\
         ---\n\
         apiVersion: v1\n\
         kind: Node\n\
         metadata: {{name: node, labels: {{topology.kubernetes.io/region: cn-{cluster}}}}}\n"
    )
}
