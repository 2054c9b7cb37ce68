//! Whole plans as text.

use std::collections::BTreeSet;

use kube::api::{ApiResource, GroupVersionKind};
use providers::sync::plan::SetRow;

use super::*;
use crate::control_plane::delete::contents::{Contents, Item};
use crate::control_plane::delete::look::Standing;
use crate::control_plane::delete::members::Target;
use crate::control_plane::delete::{End, Fate};

fn item(group: &str, kind: &str, name: &str) -> Item {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    Item { resource, name: name.into() }
}

fn system() -> System {
    let ours = vec![
        item("apps", "Deployment", "apiserver"),
        item("apps", "Deployment", "fedns"),
        item("", "PersistentVolumeClaim", "apiserver-etcd-claim"),
        item("", "Secret", "beijing"),
    ];
    System {
        federation: "fed".into(),
        context: Some("federation".into()),
        members: BTreeSet::from(["beijing".into(), "gone".into()]),
        contents: Contents { ours, others: Vec::new() },
        claims: vec![Claim {
            name: "apiserver-etcd-claim".into(),
            capacity: "10Gi".into(),
            volume: Some("pvc-1".into()),
            is_retained: false,
        }],
        ..System::default()
    }
}

fn member(name: &str, found: Result<Inventory, String>) -> MemberPlan {
    MemberPlan { target: Target { name: Some(name.into()), context: name.into() }, found }
}

fn plan() -> Plan {
    let row = ChangeRow {
        action: "delete".into(),
        name: "web.default.fed.svc.example.com.".into(),
        record_type: "A".into(),
        old: Some(SetRow { ttl: 180, values: vec!["192.0.2.1".into(), "192.0.2.2".into()] }),
        new: None,
    };
    let records = RecordsPlan {
        title: "alidns for example.com.".into(),
        owner: "fed-1".into(),
        names: 1,
        rows: vec![row],
        ..RecordsPlan::default()
    };
    let inventory = Inventory {
        account: vec!["clusterrole federation-controller-manager:fed-beijing-hangzhou".into()],
        has_namespace: true,
        has_server_block: true,
        copies: [("deployments".to_owned(), 1), ("services".to_owned(), 2)].into(),
    };
    Plan {
        name: "federation".into(),
        federation: "fed".into(),
        host: "hangzhou".into(),
        namespace: "federation-system".into(),
        standing: Standing { host_uid: Some("u1".into()), system: Some(system()) },
        records: Records::Found(vec![records]),
        delegation: Vec::new(),
        members: vec![
            member("beijing", Ok(inventory)),
            member("gone", Err("get /version: no answer in time".into())),
        ],
        has_members_list: true,
        objects: Fate::Keep,
        keeps_volumes: false,
        context: Context::Ours("/root/.kube/config".into()),
    }
}

#[test]
fn everything_that_goes_is_told_and_what_stays_beside_it() {
    assert_eq!(
        plan().to_string(),
        "\
Federation \"fed\", which fedns init called \"federation\":

Records at alidns for example.com., owner fed-1: 1 names
  - web.default.fed.svc.example.com. A 180 192.0.2.1 192.0.2.2

Members
  beijing:
  - clusterrole federation-controller-manager:fed-beijing-hangzhou
  - namespace federation-system
  - the block of \"fed\" in CoreDNS's Corefile
    1 deployments, 2 services with fedns.io/federation=fed stay (--objects=delete)
  gone: is skipped, and what it has is listed: get /version: no answer in time

Host cluster hangzhou
  - namespace federation-system with:
  - Deployment apiserver, fedns
  - Secret beijing
  - PersistentVolumeClaim apiserver-etcd-claim (10Gi) and all data on it (--keep-volumes)

Kubeconfig /root/.kube/config
  - context federation with cluster and user
"
    );
}

#[test]
fn what_is_kept_is_told_as_such() {
    let mut plan = plan();
    plan.keeps_volumes = true;
    plan.objects = Fate::Delete;
    plan.records = Records::Kept;
    plan.context = Context::Others("it leads to https://192.0.2.9".into());
    plan.delegation = vec!["example.com. NS ns1.example.com.".into()];
    assert_eq!(plan.end(), End::Objects);
    let text = plan.to_string();
    for line in [
        "\nRecords\n  stay at their providers, if there are any\n",
        "\n  fedns stops answering; take out of the parent zone first:\n    example.com. NS ns1",
        "\n  - 1 deployments, 2 services with fedns.io/federation=fed\n",
        "\n  namespace federation-system stays; out of it go:\n",
        "\n    PersistentVolumeClaim apiserver-etcd-claim (10Gi) stays with its data, and so does the",
        "\n  context federation stays: it leads to https://192.0.2.9\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn what_others_put_into_the_namespace_keeps_it() {
    let mut plan = plan();
    let system = plan.standing.system.as_mut().unwrap();
    system.contents.others = vec![item("", "ConfigMap", "notes")];
    system.etcd_servers = vec!["https://192.0.2.7:2379".into()];
    assert_eq!(plan.end(), End::Objects);
    let text = plan.to_string();
    assert!(text.contains("\n    ConfigMap notes: not the federation's, stays\n"), "{text}");
    assert!(text.contains("\n    what is in the etcd at https://192.0.2.7:2379 stays\n"), "{text}");
}

#[test]
fn without_the_namespace_the_plan_says_what_nobody_looked_for() {
    let mut plan = plan();
    plan.standing.system = None;
    plan.records = Records::Unknown;
    plan.members = Vec::new();
    plan.has_members_list = false;
    assert_eq!(plan.end(), End::Absent);
    assert!(!plan.is_empty());
    let text = plan.to_string();
    assert!(text.contains("\n  not looked for: nothing says of a provider"), "{text}");
    assert!(text.contains("\n  not looked for: nothing says of them (--members"), "{text}");
    assert!(text.contains("\n  namespace federation-system is not there\n"), "{text}");
    plan.context = Context::Absent;
    assert!(plan.is_empty());
}
