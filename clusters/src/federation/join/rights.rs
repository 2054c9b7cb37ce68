//! What the user's account must be allowed to do, asked before anything is done.

use futures::future::try_join_all;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use crate::failure::Failure;
use crate::federation::steps::{Party, limited};

/// One right, as a rule of a role would grant it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right<'a> {
    pub verb: &'static str,
    pub group: &'static str,
    pub resource: &'static str,
    /// `None`: in the whole cluster.
    pub namespace: Option<&'a str>,
}

/// These verbs of one resource.
pub(crate) fn rights<'a>(
    verbs: &[&'static str],
    group: &'static str,
    resource: &'static str,
    namespace: Option<&'a str>,
) -> Vec<Right<'a>> {
    verbs.iter().map(|&verb| Right { verb, group, resource, namespace }).collect()
}

/// Those that are missing, in words.
///
/// # Errors
///
/// Why it is not known.
pub(crate) async fn missing(party: &Party, wanted: &[Right<'_>]) -> Result<Vec<String>, Failure> {
    let answers = try_join_all(wanted.iter().map(|right| is_granted(party, right))).await?;
    let refused = wanted.iter().zip(answers).filter(|(_, is_granted)| !is_granted);
    Ok(refused.map(|(right, _)| right.words()).collect())
}

async fn is_granted(party: &Party, right: &Right<'_>) -> Result<bool, Failure> {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                verb: Some(right.verb.to_owned()),
                group: Some(right.group.to_owned()),
                resource: Some(right.resource.to_owned()),
                namespace: right.namespace.map(str::to_owned),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let api = Api::<SelfSubjectAccessReview>::all(party.client());
    let request = format!("{}: ask for rights", party.words);
    let answer = limited(&request, api.create(&PostParams::default(), &review)).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

impl Right<'_> {
    fn words(&self) -> String {
        let Self { verb, group, resource, namespace } = self;
        let group = if group.is_empty() { String::new() } else { format!(".{group}") };
        match namespace {
            Some(namespace) => format!("{verb} {resource}{group} in namespace {namespace}"),
            None => format!("{verb} {resource}{group}"),
        }
    }
}
