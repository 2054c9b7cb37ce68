//! One write to a member, and what came of it.

use std::sync::Arc;

use clusters::federation::names::{COPY_MANAGER, FEDERATION_LABEL};
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions, PropagationPolicy};
use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::decide::{Action, Adoption, Cascade};
use crate::endpoint::{Endpoint, Trouble};
use crate::key::Key;
use crate::kinds::Kind;
use crate::object::{Copy, Owner, is_our_apply};

/// What a member's API server answered.
#[derive(Clone, Debug)]
pub enum Written {
    Created(Arc<Copy>),
    Updated(Arc<Copy>),
    /// It stood there before, as somebody else's, and asked for so many replicas.
    Adopted {
        copy: Arc<Copy>,
        replicas_before: Option<u32>,
    },
    Deleted,
    /// It goes when its own finalizers let it.
    Terminating(Arc<Copy>),
    LetGo,
    /// There was nothing to do any more.
    Gone,
}

/// A version that no object has: an apply with it makes an object, and never changes one.
const NO_OBJECT: &str = "1";

/// Everything that a write needs.
pub struct Write<'a> {
    pub endpoint: &'a Endpoint,
    pub kind: &'a Kind,
    pub key: &'a Key,
    /// The federation's label.
    pub federation: &'a str,
}

// === impl Write ===

impl Write<'_> {
    /// # Errors
    ///
    /// Why it could not be carried out, or is not known to be.
    pub async fn perform(&self, action: &Action) -> Result<Written, Trouble> {
        let api = self.endpoint.api(self.kind, &self.key.namespace).await?;
        match action {
            Action::Create { body, adoption } => self.create(&api, body, *adoption).await,
            Action::Update { body, uid } => {
                let object = self.apply(&api, body, &json!({"uid": uid}), true).await?;
                Ok(Written::Updated(self.copy(object)))
            }
            Action::Delete { uid, cascade } => self.delete(&api, uid.as_deref(), *cascade).await,
            Action::LetGo { uid } => self.let_go(&api, uid.as_deref()).await,
        }
    }

    async fn create(
        &self,
        api: &Api<DynamicObject>,
        body: &Value,
        adoption: Adoption,
    ) -> Result<Written, Trouble> {
        let outrun = match self.apply(api, body, &json!({"resourceVersion": NO_OBJECT}), true).await
        {
            Err(Trouble::Outrun(words) | Trouble::Missing(words)) => words,
            result => return Ok(Written::Created(self.copy(result?))),
        };
        let get = self.endpoint.call(&self.request("get"), api.get_opt(&self.key.name)).await?;
        let Some(there) = get.map(|object| self.copy(object)) else {
            // Older servers refuse the version where there is nothing to compare it with. Without
            // force nothing of an object that appears just now is overwritten.
            let object = self.apply(api, body, &json!({}), false).await?;
            return Ok(Written::Created(self.copy(object)));
        };
        if there.is_deleted {
            return Err(Trouble::Outrun(outrun));
        }
        if there.owner == Owner::Other {
            self.check_adoption(adoption, &there)?;
        }
        let object = self.apply(api, body, &json!({"uid": there.uid}), true).await?;
        let copy = self.copy(object);
        Ok(match there.owner {
            Owner::Us => Written::Updated(copy),
            Owner::Other => Written::Adopted { copy, replicas_before: there.replicas() },
        })
    }

    fn check_adoption(&self, adoption: Adoption, there: &Copy) -> Result<(), Trouble> {
        let (kind, path) = (self.kind.name(), self.key.path());
        match adoption {
            Adoption::Always => Ok(()),
            Adoption::WithReplicas(seen) if seen.is_some() && seen == there.replicas() => Ok(()),
            Adoption::WithReplicas(_) => Err(Trouble::Outrun(format!(
                "{kind} {path:?} is not as it was when it was to be adopted"
            ))),
            Adoption::Never => Err(Trouble::Foreign(format!(
                "{kind} {path:?} is there already and is not this federation's; to take it over, \
                 annotate the object in the federation with fedns.io/adopt=true"
            ))),
        }
    }

    async fn apply(
        &self,
        api: &Api<DynamicObject>,
        body: &Value,
        precondition: &Value,
        force: bool,
    ) -> Result<DynamicObject, Trouble> {
        let mut body = body.clone();
        for (field, value) in precondition.as_object().into_iter().flatten() {
            body["metadata"][field] = value.clone();
        }
        let parameters = PatchParams { force, ..PatchParams::apply(COPY_MANAGER) };
        let patch = Patch::Apply(&body);
        let call = api.patch(&self.key.name, &parameters, &patch);
        self.endpoint.call(&self.request("patch"), call).await
    }

    async fn delete(
        &self,
        api: &Api<DynamicObject>,
        uid: Option<&str>,
        cascade: Cascade,
    ) -> Result<Written, Trouble> {
        let uid = match uid {
            Some(uid) => uid.to_owned(),
            None => match self.ours(api, None).await? {
                Some(object) => object.metadata.uid.unwrap_or_default(),
                None => return Ok(Written::Gone),
            },
        };
        let policy = match cascade {
            Cascade::Foreground => PropagationPolicy::Foreground,
            Cascade::Background | Cascade::Orphan => PropagationPolicy::Background,
        };
        let parameters = DeleteParams {
            propagation_policy: Some(policy),
            preconditions: Some(Preconditions { uid: Some(uid), resource_version: None }),
            ..DeleteParams::default()
        };
        let request = self.request("delete");
        let answer =
            match self.endpoint.call(&request, api.delete(&self.key.name, &parameters)).await {
                Err(Trouble::Missing(_)) => return Ok(Written::Gone),
                answer => answer?,
            };
        Ok(match answer.left().map(|object| self.copy(object)) {
            Some(copy) if copy.is_deleted => Written::Terminating(copy),
            _ => Written::Deleted,
        })
    }

    /// The copy loses our label and our entry among its managers.
    async fn let_go(
        &self,
        api: &Api<DynamicObject>,
        uid: Option<&str>,
    ) -> Result<Written, Trouble> {
        let Some(object) = self.ours(api, uid).await? else { return Ok(Written::Gone) };
        let managed = object.metadata.managed_fields.unwrap_or_default();
        let mut others: Vec<_> = managed
            .into_iter()
            .filter(|entry| !is_our_apply(entry))
            .map(|entry| json!(entry))
            .collect();
        if others.is_empty() {
            // An empty list would be taken for no change; a list of one empty entry clears it.
            others.push(json!({}));
        }
        let patch = json!({"metadata": {
            "uid": object.metadata.uid,
            "resourceVersion": object.metadata.resource_version,
            "labels": {FEDERATION_LABEL: null},
            "managedFields": others,
        }});
        let parameters =
            PatchParams { field_manager: Some(COPY_MANAGER.into()), ..PatchParams::default() };
        let patch = Patch::Merge(&patch);
        let call = api.patch(&self.key.name, &parameters, &patch);
        self.endpoint.call(&self.request("patch"), call).await?;
        Ok(Written::LetGo)
    }

    /// The copy as it is now, if it is ours, and the one that is meant.
    async fn ours(
        &self,
        api: &Api<DynamicObject>,
        uid: Option<&str>,
    ) -> Result<Option<DynamicObject>, Trouble> {
        let get = self.endpoint.call(&self.request("get"), api.get_opt(&self.key.name)).await?;
        let is_meant = |object: &DynamicObject| {
            uid.is_none_or(|uid| object.metadata.uid.as_deref() == Some(uid))
        };
        let found = get.filter(is_meant);
        Ok(found.filter(|object| self.copy(object.clone()).owner == Owner::Us))
    }

    fn copy(&self, object: DynamicObject) -> Arc<Copy> {
        Copy::new(object, self.federation)
    }

    fn request(&self, verb: &str) -> String {
        format!("{verb} {} {}", self.kind.resource.plural, self.key.path())
    }
}
