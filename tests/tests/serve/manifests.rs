use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;
use tests::eventually::{GENEROUS, eventually};
use tests::serving::Fedns;
use tests::suite::Test;

use super::folder::{WEB, prepared, service, serving};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => files_are_followed_however_they_change,
            a_link_that_is_swapped_moves_everything_at_once,
            every_form_of_manifest_is_read,
            a_broken_file_keeps_its_last_good_objects,
            one_object_in_two_files_is_told,
            an_emptied_file_takes_its_objects_away,
            a_folder_that_vanishes_takes_nothing_away,
            a_broken_file_at_the_start_is_told;
    }
}

fn name(service: &str) -> String {
    WEB.replace("web.", &format!("{service}."))
}

/// Waits until the problems of cluster `a` are these, in the API, the table and on `/readyz`.
#[track_caller]
fn has_problems(fedns: &Fedns, expected: &[String]) {
    eventually(GENEROUS, &format!("the problems are {expected:?}"), || {
        let row = fedns.cluster("a")?;
        if row["problems"] == Value::from(expected) { Ok(()) } else { Err(row.to_string()) }
    });
    let table = fedns.printed(&["clusters", "-o", "wide"]);
    let last = table.lines().nth(1).and_then(|row| row.rsplit("   ").next()).expect("a row");
    let shown = expected.join("; ");
    assert_eq!(last, if shown.is_empty() { "-" } else { &shown }, "{table}");
    let ready = fedns.page("/readyz?verbose").expect("a page");
    assert_eq!(ready.status, 200);
    let lines: Vec<&str> =
        ready.body.lines().filter_map(|line| line.strip_prefix("[+]cluster a /")).collect();
    let expected: Vec<&str> = expected.iter().map(|line| line.trim_start_matches('/')).collect();
    assert_eq!(lines, expected, "{}", ready.body);
}

fn files_are_followed_however_they_change() {
    let (fedns, folder) = serving("");
    folder.write("web.yaml", &service("web", "192.0.2.2"));
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    folder.replace("web.yaml", &service("web", "192.0.2.3"));
    fedns.answers(WEB, "NOERROR 192.0.2.3");
    // Moved to another file, it is the same object.
    folder.write("sub/deep/web.yml", &service("web", "192.0.2.3"));
    fs::remove_file(folder.path().join("web.yaml")).expect("remove a file");
    folder.write("sub/deep/web.yml", &service("web", "192.0.2.4"));
    fedns.answers(WEB, "NOERROR 192.0.2.4");
    fs::remove_dir_all(folder.path().join("sub")).expect("remove a folder");
    fedns.answers(WEB, "NXDOMAIN");
}

fn a_link_that_is_swapped_moves_everything_at_once() {
    let (mut fedns, folders) = prepared(&["a"], "");
    let root = folders[0].path();
    let publish = |version: &str, services: &[(&str, &str)]| {
        for (name, address) in services {
            folders[0].write(&format!("{version}/{name}.yaml"), &service(name, address));
        }
        symlink(version, root.join("..new")).expect("make a link");
        fs::rename(root.join("..new"), root.join("..data")).expect("swap the link");
    };
    publish("..1", &[("web", "192.0.2.1"), ("shop", "192.0.2.11")]);
    for name in ["web.yaml", "shop.yaml"] {
        symlink(format!("..data/{name}"), root.join(name)).expect("make a link");
    }
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    fedns.answers(&name("shop"), "NOERROR 192.0.2.11");
    publish("..2", &[("web", "192.0.2.2"), ("shop", "192.0.2.12")]);
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    fedns.answers(&name("shop"), "NOERROR 192.0.2.12");
    // A link that leads nowhere any more.
    publish("..3", &[("web", "192.0.2.3")]);
    fedns.answers(WEB, "NOERROR 192.0.2.3");
    fedns.answers(&name("shop"), "NXDOMAIN");
}

fn every_form_of_manifest_is_read() {
    let (fedns, folder) = serving("");
    let two = [service("one", "192.0.2.11"), service("two", "192.0.2.12")];
    folder.write("two.yml", &format!("---\n{}---\n# Nothing.\n---\n{}", two[0], two[1]));
    let json = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "unheard-of"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "three", "namespace": "default"},
         "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.13"}]}}},
    ]});
    folder.write("three.json", &json.to_string());
    folder.write(".hidden.yaml", &service("hidden", "192.0.2.14"));
    folder.write(".folder/hidden.yaml", &service("hidden", "192.0.2.14"));
    folder.write("README.md", "apiVersion: [");
    folder.write("other.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: 7}\n");
    folder.write("last.yaml", &service("last", "192.0.2.15"));
    fedns.answers(&name("last"), "NOERROR 192.0.2.15");
    for (service, address) in [("one", "11"), ("two", "12"), ("three", "13")] {
        fedns.answers(&name(service), &format!("NOERROR 192.0.2.{address}"));
    }
    assert_eq!(fedns.ask(&name("hidden")), "NXDOMAIN");
    has_problems(&fedns, &[]);
}

fn a_broken_file_keeps_its_last_good_objects() {
    let (fedns, folder) = serving("");
    folder.write("web.yaml", "kind: [\n");
    let file = folder.path().join("web.yaml");
    let problem = format!(
        "{}:1:7: found unclosed bracket '[', wanted YAML; correct the bracket, quote, key or indentation there",
        file.display()
    );
    has_problems(&fedns, std::slice::from_ref(&problem));
    assert_eq!(fedns.process().log().matches(&problem).count(), 1);
    // The folder has been looked at as a whole once this one is gone.
    folder.write("shop.yaml", &service("shop", "192.0.2.11"));
    fedns.answers(&name("shop"), "NOERROR 192.0.2.11");
    fs::remove_file(folder.path().join("shop.yaml")).expect("remove a file");
    fedns.answers(&name("shop"), "NXDOMAIN");
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
    has_problems(&fedns, std::slice::from_ref(&problem));
    assert_eq!(fedns.process().log().matches(&problem).count(), 1, "it is logged once");

    folder.replace("web.yaml", &service("web", "192.0.2.2"));
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    has_problems(&fedns, &[]);
}

fn one_object_in_two_files_is_told() {
    let (fedns, folder) = serving("");
    folder.write("zz.yaml", &service("web", "192.0.2.2"));
    let [first, second] = ["web.yaml", "zz.yaml"].map(|file| folder.path().join(file));
    let problem = format!(
        "{}: Service default/web is in {} as well, and is taken from there; remove one",
        second.display(),
        first.display()
    );
    has_problems(&fedns, &[problem]);
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
    fs::remove_file(&first).expect("remove a file");
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    has_problems(&fedns, &[]);
}

fn an_emptied_file_takes_its_objects_away() {
    let (fedns, folder) = serving("");
    folder.write("web.yaml", "");
    fedns.answers(WEB, "NXDOMAIN");
    has_problems(&fedns, &[]);
}

fn a_folder_that_vanishes_takes_nothing_away() {
    let (fedns, folder) = serving("");
    fedns.sees("a", "Live");
    let aside = fedns.home().join("aside");
    fs::rename(folder.path(), &aside).expect("rename the folder");
    let path = folder.path().display();
    fedns.sees("a", &format!("Stale FolderMissing: {path}: No such file"));
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
    let explained = fedns.printed(&["explain", WEB]);
    assert!(explained.contains("so its addresses stand as they were"), "{explained}");

    fs::write(aside.join("web.yaml"), service("web", "192.0.2.2")).expect("write a file");
    fs::rename(&aside, folder.path()).expect("rename the folder");
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    fedns.sees("a", "Live");
}

fn a_broken_file_at_the_start_is_told() {
    let (mut fedns, folders) = prepared(&["a"], "");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    folders[0].write("broken.json", "{\"kind\": \n");
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    let file = folders[0].path().join("broken.json");
    let checked = fedns.command(&["check"]);
    assert_eq!(checked.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&checked.stderr).into_owned();
    let (_, problem) = errors.trim_end().split_once("cluster a: ").expect("a problem");
    assert!(problem.starts_with(&format!("{}:", file.display())), "{problem}");
    has_problems(&fedns, &[problem.to_owned()]);
}
