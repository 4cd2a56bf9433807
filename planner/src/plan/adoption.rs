//! Takes over a resource that somebody made and that no object owns.
//!
//! Invariant: nothing but the mark is written, and only while what Azure fixes and the key are as declared. What carries the mark
//! of another object is never taken.

use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{OperationKind, Reason};
use serde_json::json;

use super::{Input, Plan, Request, Write, at, failed, progress_verdict, wait};
use crate::encryption::in_other_hands;
use crate::judge::{Judgement, Opinion, Verdict};
use crate::observed::Live;
use crate::progress::{self, Found, Step};
use crate::time::second;
use crate::validate::Declared;
use crate::{body, transition};

/// What the operation intends.
const MARK: &str = "the tag of its owner";

/// The identities that the spec would take away, with the access that they have.
fn loses_identities(declared: &Declared, live: &Live) -> Option<String> {
    let (fields, _) = body::update(declared, live)?;
    if !fields.contains(&"identity") {
        return None;
    }
    let own = (live.system_assigned && !declared.system_assigned)
        .then(|| "the system-assigned identity (systemAssigned: true)".to_owned());
    let others = live.user_assigned.iter();
    let others = others.filter(|id| !declared.user_assigned.contains(id));
    let lost: Vec<String> = own.into_iter().chain(others.map(ToString::to_string)).collect();
    (!lost.is_empty()).then(|| {
        format!(
            "spec.identity: Azure has {}, which would be taken away.",
            lost.join(", ")
        )
    })
}

/// Takes `live` over, or says what hinders.
pub(super) fn adopt(input: &Input<'_>, live: &Live, mut judgement: Judgement) -> Plan {
    let declared = transition::of_declared(input.declared);
    let have = transition::of_live(&input.declared.kind, live, &declared);
    let mut hindrances: Vec<String> = transition::refusals(&input.declared.kind, &declared, &have)
        .into_iter()
        .map(|refusal| refusal.message)
        .collect();
    if declared.mode != have.mode && hindrances.is_empty() {
        hindrances.push(format!(
            "spec.encryption.mode: Azure has {}, declared is {}.",
            transition::mode(&have),
            transition::mode(&declared)
        ));
    }
    hindrances.extend(in_other_hands(input.declared, live));
    hindrances.extend(loses_identities(input.declared, live));
    if !hindrances.is_empty() {
        let text = format!(
            "{} is not taken over while it is otherwise than declared. Declare it as it is, and change it afterwards. {}",
            live.id,
            hindrances.join("\n")
        );
        judgement.provisioned = Opinion::Is(Verdict::no(Reason::AdoptionRefused, text));
        judgement.operation = None;
        return wait(judgement, at(input, input.pace.probe));
    }
    let operation = input
        .status
        .operation
        .as_ref()
        .filter(|operation| operation.intent == MARK);
    let started_at = match progress::step(input, operation, Found::AWAITED) {
        Step::Free { started_at } => started_at,
        Step::Wait { operation, next } => {
            if operation.state.may_have_effect() {
                judgement.provisioned = Opinion::Is(progress_verdict(input, operation.kind));
            }
            judgement.operation = Some(operation);
            return wait(judgement, next);
        }
        Step::Failed {
            operation,
            next,
            verdict,
        } => return failed(judgement, operation, next, verdict),
    };
    judgement.operation = None;
    // PATCH replaces the whole map, so the others' go along.
    let mut tags = live.tags.clone();
    tags.insert(OWNER_TAG.to_owned(), input.declared.owner_tag.clone());
    let write = Write {
        generation: input.declared.generation,
        kind: OperationKind::Update,
        id: input.declared.id.clone(),
        request: Request::Patch(json!({ "tags": tags })),
        intent: MARK.to_owned(),
        bound: Some(have),
        started_at: started_at.unwrap_or_else(|| second(input.now)),
    };
    Plan {
        write: Some(write),
        ..wait(judgement, at(input, input.pace.poll))
    }
}
