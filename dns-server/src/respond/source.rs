//! What the answer to a name is taken from, told for people: the same decision as an answer's.

use model::{Name, RecordSet, RecordType};

use crate::respond::place::{Place, locate};
use crate::store::Snapshot;
use crate::store::node::Node;

/// What stands where a name is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerSource {
    /// The name itself. Without sets it is an empty non-terminal: names below it exist.
    Name(Vec<RecordSet>),
    /// A wildcard answers for the name (RFC 4592).
    Wildcard(Standing),
    /// The name is at or below a delegation, whose name servers answer (RFC 1034 section 4.2.1).
    Delegation(Standing),
    /// The name is below a DNAME, which leads elsewhere (RFC 6672).
    Dname(Standing),
    /// The zone does not have the name.
    Missing,
    /// The zone has no contents yet.
    Unpublished,
    /// No zone of ours holds the name.
    Foreign,
}

/// A name of a zone with its sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub owner: Name,
    pub sets: Vec<RecordSet>,
}

/// Where the answer to a question for `name` comes from, whatever its type. A DS question at a
/// delegation is the one exception: the zone above answers it.
pub fn answer_source(snapshot: &Snapshot<'_>, name: &Name) -> AnswerSource {
    match locate(snapshot, snapshot.key(name.wire()), RecordType::A) {
        Place::Name(node) => AnswerSource::Name(standing(node).sets),
        Place::Wildcard(node) => AnswerSource::Wildcard(standing(node)),
        Place::Cut { node, .. } => AnswerSource::Delegation(standing(node)),
        Place::Dname { node, .. } => AnswerSource::Dname(standing(node)),
        Place::Missing { .. } => AnswerSource::Missing,
        Place::Unpublished(_) => AnswerSource::Unpublished,
        Place::Foreign => AnswerSource::Foreign,
    }
}

fn standing(node: Node<'_>) -> Standing {
    let owner = Name::from_wire(node.name()).expect("a stored name is well-formed");
    Standing { owner, sets: node.sets().to_model() }
}
