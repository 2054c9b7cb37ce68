use std::collections::BTreeMap;

use clusters::{Access, KubeconfigAccess};
use kube::core::DynamicObject;
use model::{ClusterName, UnixTime};
use serde_json::{Value, json};

use super::*;
use crate::kinds::{Coverage, Kind, Kinds, Role};
use crate::member::Standing;
use crate::table::Unlisted;

/// An object of the federation and its copies, from which situations are made.
struct Scene {
    kinds: Kinds,
    role: Role,
    coverage: Coverage,
    object: Value,
    has_all_members: bool,
    members: BTreeMap<ClusterName, There>,
}

#[derive(Clone)]
struct There {
    member: Member,
    reach: Reach,
    copy: Option<Value>,
    has_namespace: bool,
    is_owed: bool,
    is_unsure: bool,
    may_come_late: bool,
    counts: bool,
    unlisted: Option<Unlisted>,
    conflict: Option<Trouble>,
    sought: Option<Sought>,
}

impl Scene {
    fn config_map() -> Self {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "web", "namespace": "shop", "uid": "f", "resourceVersion": "7"},
            "data": {"colour": "red"}});
        Self::of(Role::Plain, object)
    }

    fn of(role: Role, object: Value) -> Self {
        let members = ["beijing", "hangzhou"].map(|name| {
            let name = ClusterName::new(name);
            let member = Member {
                name: name.clone(),
                labels: BTreeMap::from([("name".to_owned(), name.to_string())]),
                access: Access::Kubeconfig(KubeconfigAccess::default()),
                standing: Standing::Ready,
            };
            let there = There {
                member,
                reach: Reach::Known,
                copy: None,
                has_namespace: true,
                is_owed: false,
                is_unsure: false,
                may_come_late: false,
                counts: true,
                unlisted: None,
                conflict: None,
                sought: None,
            };
            (name, there)
        });
        Self {
            kinds: Kinds::default(),
            role,
            coverage: Coverage::Always,
            object,
            has_all_members: true,
            members: members.into(),
        }
    }

    fn held(mut self) -> Self {
        self.object["metadata"]["finalizers"] = json!(["fedns.io/propagated"]);
        self
    }

    fn deleted(mut self, finalizers: &[&str]) -> Self {
        self.object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        self.object["metadata"]["finalizers"] = json!(finalizers);
        self
    }

    fn annotated(mut self, key: &str, value: &str) -> Self {
        self.object["metadata"]["annotations"][key] = value.into();
        self
    }

    fn at(mut self, name: &str, change: impl Fn(&mut There)) -> Self {
        change(self.members.get_mut(&ClusterName::new(name)).unwrap());
        self
    }

    /// Copies as we made them.
    fn copied(self) -> Self {
        let copy = |there: &mut There| {
            there.copy = Some(json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "web", "namespace": "shop", "uid": "c", "resourceVersion": "3",
                    "labels": {"fedns.io/federation": "fed"}},
                "data": {"colour": "red"}}));
        };
        self.at("beijing", copy).at("hangzhou", copy)
    }

    fn decide(&self) -> Decision {
        let kind = self.kinds.of_role(self.role).unwrap();
        let parse = |value: &Value| -> DynamicObject {
            serde_json::from_value(value.clone()).expect("an object")
        };
        let object = Federated::new(parse(&self.object));
        let (metadata, namespace) =
            (&self.object["metadata"], &self.object["metadata"]["namespace"]);
        let key = Key {
            kind,
            namespace: namespace.as_str().unwrap_or_default().to_owned(),
            name: metadata["name"].as_str().unwrap().to_owned(),
        };
        let copies: BTreeMap<&ClusterName, Option<Arc<Copy>>> = self
            .members
            .iter()
            .map(|(name, there)| {
                (name, there.copy.as_ref().map(|copy| Copy::new(parse(copy), "fed")))
            })
            .collect();
        let members = self.members.iter().map(|(name, there)| {
            let situation = MemberSituation {
                member: &there.member,
                reach: there.reach,
                unlisted: there.unlisted.as_ref(),
                conflict: there.conflict.as_ref(),
                copy: copies[name].as_deref(),
                counts: there.counts,
                standing: planner::replicas::Standing::default(),
                sought: there.sought.as_ref(),
                has_ready_endpoint: false,
                has_namespace: there.has_namespace,
                settled: None,
                is_unsure: there.is_unsure,
                may_come_late: there.may_come_late,
                is_owed: there.is_owed,
            };
            (name, situation)
        });
        let kind = Kind { coverage: self.coverage, ..self.kinds.get(kind).clone() };
        decide(&Situation {
            key: &key,
            kind: &kind,
            federation: "fed",
            object: &object,
            is_namespace_settled: true,
            has_content: false,
            is_autoscaled: false,
            now: UnixTime(1_800_000_000),
            has_all_members: self.has_all_members,
            members: members.collect(),
        })
    }

    /// Each action in a word.
    fn actions(&self) -> Vec<String> {
        let decision = self.decide();
        decision.actions.iter().map(|(name, action)| format!("{} {name}", word(action))).collect()
    }
}

fn word(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => "create",
        Action::Update { .. } => "update",
        Action::Delete { cascade: Cascade::Foreground, .. } => "delete, foreground,",
        Action::Delete { .. } => "delete",
        Action::LetGo { .. } => "let go",
    }
}

const OURS: &str = "fedns.io/propagated";

#[test]
fn the_finalizer_stands_before_the_first_copy() {
    let decision = Scene::config_map().decide();
    assert_eq!(decision.finalizers, Some(vec![OURS.to_owned()]));
    assert!(decision.actions.is_empty());
    assert_eq!(Scene::config_map().held().actions(), ["create beijing", "create hangzhou"]);
}

#[test]
fn what_stands_is_left_alone() {
    assert_eq!(Scene::config_map().held().copied().decide(), Decision::default());
    let changed = |there: &mut There| {
        there.copy.as_mut().unwrap()["data"]["colour"] = "blue".into();
    };
    let scene = Scene::config_map().held().copied().at("beijing", changed);
    assert_eq!(scene.actions(), ["update beijing"]);
}

#[test]
fn nothing_is_done_where_nothing_is_known() {
    for reach in [Reach::Unknown, Reach::Away { was_known: true }, Reach::Away { was_known: false }]
    {
        let scene = Scene::config_map().held().at("beijing", |there| there.reach = reach);
        assert_eq!(scene.actions(), ["create hangzhou"]);
    }
    let scene = Scene::config_map().held().at("beijing", |there| there.has_namespace = false);
    assert_eq!(scene.actions(), ["create hangzhou"]);
    assert_eq!(scene.decide().problems[0].reason, "NamespaceMissing");
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let theirs = |there: &mut There| {
        let labels = &mut there.copy.as_mut().unwrap()["metadata"]["labels"];
        *labels = json!({"fedns.io/federation": "other"});
    };
    let scene = Scene::config_map().held().copied().at("beijing", theirs);
    assert_eq!(scene.decide(), Decision::default());
    let scene = scene.deleted(&[OURS]);
    assert_eq!(scene.actions(), ["delete hangzhou"]);
}

#[test]
fn copies_leave_where_the_object_is_not_selected() {
    let key = "federation.alpha.kubernetes.io/cluster-selector";
    let selector = r#"[{"key":"name","operator":"in","values":["hangzhou"]}]"#;
    let scene = Scene::config_map().held().copied().annotated(key, selector);
    assert_eq!(scene.actions(), ["delete beijing"]);
    let broken = Scene::config_map().held().copied().annotated(key, "hangzhou");
    assert_eq!(broken.actions(), Vec::<String>::new());
    assert_eq!(broken.decide().problems[0].reason, "InvalidAnnotation");
}

#[test]
fn what_every_cluster_has_is_not_touched() {
    let mut scene = Scene::config_map();
    scene.object["metadata"]["namespace"] = "kube-system".into();
    assert_eq!(scene.decide(), Decision::default());
    let mut scene = Scene::config_map();
    scene.object["metadata"]["name"] = "kube-root-ca.crt".into();
    scene.role = Role::Plain;
    assert_eq!(scene.decide(), Decision::default());
    let scene = Scene::of(
        Role::Service,
        json!({"metadata": {"name": "kubernetes", "namespace": "default"}, "spec": {}}),
    );
    assert_eq!(scene.decide(), Decision::default());
}

#[test]
fn deletions_mean_what_they_mean_in_kubernetes() {
    let scene = |finalizers: &[&str]| Scene::config_map().copied().deleted(finalizers);
    assert_eq!(scene(&[OURS]).actions(), ["delete beijing", "delete hangzhou"]);
    let foreground = scene(&[OURS, "foregroundDeletion"]);
    assert_eq!(
        foreground.actions(),
        ["delete, foreground, beijing", "delete, foreground, hangzhou"]
    );
    assert_eq!(scene(&[OURS, "orphan"]).actions(), ["let go beijing", "let go hangzhou"]);
    assert_eq!(scene(&["orphan", "other"]).decide().finalizers, Some(vec!["other".to_owned()]));

    let going = |there: &mut There| {
        there.copy.as_mut().unwrap()["metadata"]["deletionTimestamp"] =
            "2026-01-01T00:00:00Z".into();
    };
    let gone = |there: &mut There| there.copy = None;
    let background = scene(&[OURS]).at("beijing", going).at("hangzhou", gone);
    assert_eq!(background.decide().finalizers, Some(vec![]));
    let foreground = scene(&[OURS, "foregroundDeletion"]).at("beijing", going).at("hangzhou", gone);
    assert_eq!(foreground.decide(), Decision::default(), "it waits");
}

#[test]
fn a_cluster_without_contact_never_blocks() {
    let away = |was_known| move |there: &mut There| there.reach = Reach::Away { was_known };
    let gone = |there: &mut There| there.copy = None;
    let scene = Scene::config_map().copied().deleted(&[OURS]).at("hangzhou", gone);
    let owed = |scene: &Scene| -> Vec<Option<String>> {
        scene.decide().owed.into_values().map(|owed| owed.uid).collect()
    };
    let known = scene.at("beijing", away(true));
    assert_eq!(owed(&known), [Some("c".to_owned())]);
    assert_eq!(known.decide().finalizers, None, "not before it is noted");
    let noted = known.at("beijing", |there| there.is_owed = true);
    assert_eq!(noted.decide().finalizers, Some(vec![]));

    let empty = Scene::config_map().deleted(&[OURS]);
    assert_eq!(owed(&empty), []);
    assert_eq!(empty.decide().finalizers, Some(vec![]));
    assert_eq!(owed(&empty.at("beijing", away(false))), [None]);
    let unsure = Scene::config_map().deleted(&[OURS]).at("beijing", |it| it.is_unsure = true);
    assert_eq!(unsure.actions(), ["delete beijing"], "it may have been made after all");
}

#[test]
fn a_copy_that_may_come_late_is_owed_its_deletion_and_nobody_waits_for_it() {
    let late = |there: &mut There| there.may_come_late = true;
    let owed = |scene: &Scene| -> Vec<String> {
        let owed = scene.decide().owed.into_iter();
        owed.map(|(name, owed)| format!("{name} {:?} {}", owed.uid, owed.cascade.word())).collect()
    };
    let empty = Scene::config_map().deleted(&[OURS, "orphan"]).at("beijing", late);
    assert_eq!(owed(&empty), ["beijing None orphan"]);
    assert_eq!(empty.decide().finalizers, None, "not before it is noted");
    let noted = empty.at("beijing", |there| there.is_owed = true);
    assert_eq!(noted.decide().finalizers, Some(vec![]));

    let standing = Scene::config_map().copied().deleted(&[OURS]).at("beijing", late);
    assert_eq!(standing.actions(), ["delete beijing", "delete hangzhou"]);
    assert_eq!(owed(&standing), Vec::<String>::new(), "what stands goes first");
    let gone = |there: &mut There| there.copy = None;
    assert_eq!(owed(&standing.at("beijing", gone)), ["beijing None background"]);

    let away = |there: &mut There| there.reach = Reach::Away { was_known: true };
    let away = Scene::config_map().deleted(&[OURS]).at("beijing", late).at("beijing", away);
    assert_eq!(owed(&away), ["beijing None background"]);
    let nowhere = |there: &mut There| there.reach = Reach::NotServed;
    let nowhere = Scene::config_map().deleted(&[OURS]).at("beijing", late).at("beijing", nowhere);
    assert_eq!(nowhere.decide().finalizers, Some(vec![]));
}

#[test]
fn nothing_is_decided_before_all_members_are_known() {
    let deleted = Scene::config_map().copied().deleted(&[OURS]);
    for scene in [Scene::config_map(), Scene::config_map().held(), deleted] {
        assert_ne!(scene.decide(), Decision::default());
        let some = Scene { has_all_members: false, ..scene };
        assert_eq!(some.decide(), Decision::default());
        let none = Scene { members: BTreeMap::new(), ..some };
        assert_eq!(none.decide(), Decision::default(), "nobody is known to owe it nothing");
    }
}

/// What a Deployment of four gets in each member that is to have one.
fn replicas(scene: &Scene) -> Vec<Value> {
    let bodies = scene.decide().actions.into_values().map(|action| match action {
        Action::Create { body, .. } => body["spec"]["replicas"].clone(),
        other => panic!("{other:?}"),
    });
    bodies.collect()
}

fn deployment_of_four() -> Scene {
    let deployment = json!({"metadata": {"name": "web", "namespace": "shop",
        "finalizers": [OURS]}, "spec": {"replicas": 4}});
    Scene::of(Role::Deployment, deployment)
}

#[test]
fn replicas_wait_until_all_have_told_what_they_have() {
    let scene = deployment_of_four();
    assert_eq!(replicas(&scene), [2, 2]);
    let unknown = scene.at("beijing", |there| there.reach = Reach::Unknown);
    assert_eq!(replicas(&unknown), Vec::<Value>::new());
    let leaving = unknown.at("beijing", |there| there.reach = Reach::Away { was_known: true });
    assert_eq!(replicas(&leaving), [2]);
    let left = leaving.at("beijing", |there| there.counts = false);
    assert_eq!(replicas(&left), [4]);
}

#[test]
fn what_is_to_be_adopted_is_looked_for_before_anything_is_made() {
    let adopting = |sought: Sought| {
        let change = move |there: &mut There| there.sought = Some(sought.clone());
        deployment_of_four().annotated("fedns.io/adopt", "true").at("beijing", change)
    };
    let adoption = |scene: &Scene| match &scene.decide().actions[&ClusterName::new("beijing")] {
        Action::Create { adoption, .. } => *adoption,
        other => panic!("{other:?}"),
    };
    assert_eq!(adopting(Sought::UnderWay).actions(), Vec::<String>::new());
    assert_eq!(adoption(&adopting(Sought::Nothing)), Adoption::WithReplicas(None));
    let theirs = |managers: Value| {
        let theirs = json!({"metadata": {"name": "web", "managedFields": managers},
            "spec": {"replicas": 3}});
        Sought::Found(Copy::new(serde_json::from_value(theirs).expect("an object"), "fed"))
    };
    let found = adopting(theirs(json!([])));
    assert_eq!(adoption(&found), Adoption::WithReplicas(Some(3)));
    assert_eq!(replicas(&found), [2, 2]);
    // The number of an autoscaler changes while we look, and is not ours to say.
    let scaled = adopting(theirs(json!([
        {"manager": "kube-controller-manager", "operation": "Update", "subresource": "scale"}])));
    assert_eq!(adoption(&scaled), Adoption::Always);
    assert_eq!(replicas(&scaled), [Value::Null, json!(2)]);
}

#[test]
fn no_replicas_are_planned_where_the_namespace_is_not() {
    let scene = deployment_of_four().at("beijing", |there| there.has_namespace = false);
    assert_eq!(replicas(&scene), [4]);
    let reasons: Vec<_> = scene.decide().problems.iter().map(|problem| problem.reason).collect();
    assert_eq!(reasons, ["NamespaceMissing"]);
}

#[test]
fn a_kind_that_is_disabled_lets_its_objects_go_and_keeps_its_copies() {
    let mut scene = Scene::config_map().held().copied();
    scene.coverage = Coverage::Leaving;
    let expect = Decision { finalizers: Some(vec![]), ..Decision::default() };
    assert_eq!(scene.decide(), expect);
    let mut deleted = Scene::config_map().copied().deleted(&[OURS, "orphan", "of others"]);
    deleted.coverage = Coverage::Leaving;
    let expect = Decision { finalizers: Some(vec!["of others".to_owned()]), ..Decision::default() };
    assert_eq!(deleted.decide(), expect);
}

#[test]
fn where_a_kind_is_not_served_nothing_is_made_and_nothing_waited_for() {
    let not_served = |there: &mut There| {
        there.reach = Reach::NotServed;
        there.unlisted = Some(Unlisted::NotServed("it does not serve it".into()));
    };
    let decision = Scene::config_map().held().at("beijing", not_served).decide();
    assert_eq!(decision.actions.keys().map(ClusterName::as_str).collect::<Vec<_>>(), ["hangzhou"]);
    let problem = &decision.problems[0];
    assert_eq!(
        (problem.reason, problem.detail.as_str()),
        ("KindMissing", "cluster beijing: it does not serve it")
    );
    let deleted = Scene::config_map().deleted(&[OURS]).at("beijing", not_served);
    assert_eq!(deleted.decide().finalizers, Some(vec![]));
}

#[test]
fn a_right_that_is_missing_is_told() {
    let forbidden = |there: &mut There| {
        there.reach = Reach::Away { was_known: false };
        there.unlisted = Some(Unlisted::Forbidden("list configmaps: 403".into()));
    };
    let mut scene = Scene::config_map().held().at("beijing", forbidden);
    scene.coverage = Coverage::Enabled;
    let problem = &scene.decide().problems[0];
    let expect = "cluster beijing: list configmaps: 403; `fedns enable` grants the right";
    assert_eq!((problem.reason, problem.detail.as_str()), ("ListInClusterFailed", expect));
}

#[test]
fn a_conflict_stands_as_a_condition_as_long_as_it_lasts() {
    let foreign =
        |there: &mut There| there.conflict = Some(Trouble::Foreign("it is theirs".into()));
    let other = json!({"type": "Other", "status": "True"});
    let standing = json!({"type": "fedns.io/Propagated", "status": "False", "reason": "Conflict",
        "message": "cluster beijing: it is theirs", "lastTransitionTime": "2027-01-15T08:00:00Z"});
    let status = |scene: Scene| scene.decide().status;
    assert_eq!(status(service(json!({}))), None);
    let conflict = service(json!({"conditions": [other]})).at("beijing", foreign);
    assert_eq!(status(conflict), Some(json!({"conditions": [other, standing]})));
    let steady = service(json!({"conditions": [standing]})).at("beijing", foreign);
    assert_eq!(status(steady), None);
    let both =
        service(json!({"conditions": [standing]})).at("beijing", foreign).at("hangzhou", foreign);
    let message = "clusters beijing, hangzhou: it is theirs";
    assert_eq!(status(both).unwrap()["conditions"][0]["message"], message);
    let solved = service(json!({"conditions": [standing, other]})).copied();
    assert_eq!(status(solved), Some(json!({"conditions": [other]})));
    let elsewhere =
        r#"[{"key": "name", "operator": "Exists"}, {"key": "name", "operator": "DoesNotExist"}]"#;
    let nowhere = service(json!({"conditions": [standing]}))
        .annotated("federation.alpha.kubernetes.io/cluster-selector", elsewhere);
    assert_eq!(status(nowhere), Some(json!({"conditions": null})));
}

fn service(status: Value) -> Scene {
    let object = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "uid": "f", "resourceVersion": "7"},
        "spec": {"type": "ClusterIP"}, "status": status});
    Scene::of(Role::Service, object).held()
}

#[test]
fn a_conflict_stays_told_until_something_newer_is_known() {
    let condition = |message: &str| {
        json!({"conditions": [{"type": "fedns.io/Propagated", "status": "False",
            "reason": "Conflict", "message": message,
            "lastTransitionTime": "2027-01-15T08:00:00Z"}]})
    };
    let told = |message: &str| service(condition(message));
    let reach = |reach| move |there: &mut There| there.reach = reach;
    let message = |scene: &Scene| {
        scene.decide().status.map(|status| status["conditions"][0]["message"].clone())
    };
    let alone = told("cluster beijing: it is theirs");
    assert_eq!(message(&alone), None, "whoever writes anew has not tried yet");
    for open in [Reach::Unknown, Reach::Away { was_known: true }, Reach::Away { was_known: false }]
    {
        let all = |scene: Scene| scene.at("beijing", reach(open)).at("hangzhou", reach(open));
        assert_eq!(message(&all(told("cluster beijing: it is theirs"))), None, "{open:?}");
        assert_eq!(message(&all(told("clusters beijing, hangzhou: it is theirs"))), None);
    }
    // The shares of a Deployment wait for all members.
    let mut deployment = deployment_of_four();
    deployment.object["status"] = condition("cluster beijing: it is theirs");
    let deployment = deployment.at("hangzhou", reach(Reach::Unknown));
    assert_eq!(message(&deployment), None);

    let both = told("clusters beijing, hangzhou: it is theirs").copied();
    let gone =
        |there: &mut There| (there.copy, there.reach) = (None, Reach::Away { was_known: true });
    let expect = json!("cluster hangzhou: it is theirs");
    assert_eq!(message(&both.at("hangzhou", gone)), Some(expect), "beijing has its copy now");

    let removed = |scene: &Scene| scene.decide().status == Some(json!({"conditions": null}));
    let none = |there: &mut There| there.has_namespace = false;
    assert!(removed(&told("cluster beijing: it is theirs").at("beijing", none)));
    let not_served = reach(Reach::NotServed);
    assert!(removed(&told("cluster beijing: it is theirs").at("beijing", not_served)));
}

#[test]
fn a_sum_and_a_conflict_stand_side_by_side() {
    let deployment = |status: Value| {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "uid": "f", "generation": 1},
            "spec": {"replicas": 2}, "status": status});
        Scene::of(Role::Deployment, object).held()
    };
    let foreign =
        |there: &mut There| there.conflict = Some(Trouble::Foreign("it is theirs".into()));
    let first = deployment(json!({})).at("beijing", foreign).decide().status.unwrap();
    let conditions = first["conditions"].as_array().unwrap();
    assert_eq!(conditions.last().unwrap()["type"], "fedns.io/Propagated", "{first}");
    let again = deployment(first).at("beijing", foreign);
    assert_eq!(again.decide().status, None, "what stands is not written again");
}
