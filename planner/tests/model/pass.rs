//! The operator's passes, made by the planner's real functions and remembered.
//!
//! Invariant: a pass is a function of the object and of what was read; so each is made once, however many paths lead to it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use keyholder_crds::{ConditionType, Reason, ResourceStatus};
use keyholder_planner::judge::{Truth, was};
use keyholder_planner::plan::{FinalizerStep, Input};
use keyholder_planner::{Declared, Executed, Plan, Report, Why, intent};

use crate::time::{NOW, PACE, SOON, later, normal, outdated};
use crate::world::{Policy, World};

/// What decides: the planner, or one with a mistake.
#[derive(Clone, Copy)]
pub struct Planner {
    pub plan: fn(&Input<'_>) -> Plan,
    pub report: fn(&Input<'_>, &Plan, &Executed) -> Report,
}

impl Planner {
    pub const REAL: Self = Self {
        plan: keyholder_planner::plan,
        report: keyholder_planner::report,
    };
}

/// A status, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusId(usize);

/// A pass, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PassId(usize);

/// The object in Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Object<W: World> {
    pub spec: W::Spec,
    pub policy: Policy,
    pub is_deleting: bool,
    pub has_finalizer: bool,
    pub status: StatusId,
}

/// What is seen of Azure by one pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen<W: World> {
    pub azure: W::Azure,
    pub trouble: W::Trouble,
}

/// What the operator was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Nothing was asked.
    Nothing,
    /// Accepted, with a URL that tells of the operation.
    Accepted,
    /// Accepted, without one.
    AcceptedSilently,
    /// Done at once.
    Done,
    /// Refused for a cause.
    Refused,
    /// Something else is under way on the resource.
    Conflict,
    /// No answer came.
    None,
}

/// A pass: what it rests on and what it decided.
#[derive(Debug)]
pub struct Pass<W: World> {
    pub object: Object<W>,
    pub seen: Seen<W>,
    pub plan: Plan,
}

struct Tables<W: World> {
    statuses: Vec<Arc<ResourceStatus>>,
    statuses_like: HashMap<u64, Vec<StatusId>>,
    passes: Vec<Arc<Pass<W>>>,
    pass_of: HashMap<(Object<W>, Seen<W>), PassId>,
    report_of: HashMap<(PassId, Answer), StatusId>,
    intent_of: HashMap<PassId, StatusId>,
    touch_of: HashMap<Object<W>, StatusId>,
    later_of: HashMap<StatusId, StatusId>,
    outdated_of: HashMap<StatusId, StatusId>,
}

/// The operator.
pub struct Operator<W: World> {
    planner: Planner,
    declared: HashMap<(W::Spec, Policy), Declared>,
    tables: Mutex<Tables<W>>,
}

impl<W: World> Default for Tables<W> {
    fn default() -> Self {
        Self {
            statuses: Vec::new(),
            statuses_like: HashMap::new(),
            passes: Vec::new(),
            pass_of: HashMap::new(),
            report_of: HashMap::new(),
            intent_of: HashMap::new(),
            touch_of: HashMap::new(),
            later_of: HashMap::new(),
            outdated_of: HashMap::new(),
        }
    }
}

impl<W: World> Tables<W> {
    fn status(&mut self, status: ResourceStatus) -> StatusId {
        let like = self.statuses_like.entry(likeness(&status)).or_default();
        if let Some(id) = like.iter().find(|id| *self.statuses[id.0] == status) {
            return *id;
        }
        let id = StatusId(self.statuses.len());
        like.push(id);
        self.statuses.push(Arc::new(status));
        id
    }
}

/// A number that equal statuses share; few others do.
fn likeness(status: &ResourceStatus) -> u64 {
    let mut hasher = DefaultHasher::new();
    (status.observed_generation, status.bound.is_some()).hash(&mut hasher);
    let of_dependents = status.dependents.iter().map(|one| &one.operation);
    for operation in of_dependents.chain([&status.operation]) {
        let Some(operation) = operation else { continue };
        let of_enums = (
            operation.kind as u8,
            operation.state as u8,
            operation.url.is_some(),
        );
        let moments = (
            operation.started_at.0,
            operation.not_before.as_ref().map(|one| one.0),
        );
        (of_enums, moments, &operation.intent).hash(&mut hasher);
    }
    for condition in &status.conditions {
        let generation = condition.observed_generation;
        (&condition.type_, &condition.status, &condition.reason, generation).hash(&mut hasher);
    }
    hasher.finish()
}

impl<W: World> Operator<W> {
    pub fn new(planner: Planner) -> Self {
        let declared = W::SPECS
            .iter()
            .flat_map(|spec| Policy::ALL.map(|policy| ((*spec, policy), W::declared(*spec, policy))))
            .collect();
        Self {
            planner,
            declared,
            tables: Mutex::default(),
        }
    }

    pub fn declared(&self, object: &Object<W>) -> &Declared {
        &self.declared[&(object.spec, object.policy)]
    }

    /// How many passes were made, and how many statuses they led to.
    pub fn size(&self) -> (usize, usize) {
        let tables = self.tables.lock().unwrap();
        (tables.passes.len(), tables.statuses.len())
    }

    pub fn empty(&self) -> StatusId {
        self.tables.lock().unwrap().status(ResourceStatus::default())
    }

    pub fn status(&self, id: StatusId) -> Arc<ResourceStatus> {
        Arc::clone(&self.tables.lock().unwrap().statuses[id.0])
    }

    pub fn pass(&self, id: PassId) -> Arc<Pass<W>> {
        Arc::clone(&self.tables.lock().unwrap().passes[id.0])
    }

    /// The status after the first touch of a generation.
    pub fn touched(&self, object: &Object<W>) -> StatusId {
        let mut tables = self.tables.lock().unwrap();
        if let Some(id) = tables.touch_of.get(object) {
            return *id;
        }
        let stored = (*tables.statuses[object.status.0]).clone();
        let id = match W::touched(object.spec, object.policy, stored) {
            Some(status) => tables.status(normal(status)),
            None => object.status,
        };
        tables.touch_of.insert(*object, id);
        id
    }

    fn input<'a>(
        &'a self,
        object: &Object<W>,
        status: &'a ResourceStatus,
        observed: &'a keyholder_planner::Observed,
    ) -> Input<'a> {
        Input {
            declared: self.declared(object),
            status,
            deleting: object.is_deleting,
            has_finalizer: object.has_finalizer,
            observed,
            now: NOW,
            pace: PACE,
        }
    }

    /// Observes and decides.
    pub fn decide(&self, object: Object<W>, seen: Seen<W>) -> PassId {
        let mut tables = self.tables.lock().unwrap();
        if let Some(id) = tables.pass_of.get(&(object, seen)) {
            return *id;
        }
        let status = Arc::clone(&tables.statuses[object.status.0]);
        let observed = W::observed(&seen, self.declared(&object), &status, object.is_deleting);
        let plan = (self.planner.plan)(&self.input(&object, &status, &observed));
        let id = PassId(tables.passes.len());
        tables.passes.push(Arc::new(Pass { object, seen, plan }));
        tables.pass_of.insert((object, seen), id);
        id
    }

    /// The status that notes the intent of a pass.
    pub fn intent(&self, id: PassId) -> StatusId {
        let mut tables = self.tables.lock().unwrap();
        if let Some(status) = tables.intent_of.get(&id) {
            return *status;
        }
        let pass = Arc::clone(&tables.passes[id.0]);
        let stored = Arc::clone(&tables.statuses[pass.object.status.0]);
        let write = pass.plan.write.as_ref().unwrap();
        let status = tables.status(normal(intent(&stored, write, NOW, PACE)));
        tables.intent_of.insert(id, status);
        status
    }

    /// The status that a pass reports.
    pub fn report(&self, id: PassId, answer: Answer) -> StatusId {
        let mut tables = self.tables.lock().unwrap();
        if let Some(status) = tables.report_of.get(&(id, answer)) {
            return *status;
        }
        let pass = Arc::clone(&tables.passes[id.0]);
        let stored = Arc::clone(&tables.statuses[pass.object.status.0]);
        let observed = W::observed(
            &pass.seen,
            self.declared(&pass.object),
            &stored,
            pass.object.is_deleting,
        );
        let input = self.input(&pass.object, &stored, &observed);
        let report = (self.planner.report)(&input, &pass.plan, &executed(answer));
        let status = tables.status(normal(report.status));
        tables.report_of.insert((id, answer), status);
        status
    }

    /// The status a while later.
    pub fn later(&self, id: StatusId) -> StatusId {
        let mut tables = self.tables.lock().unwrap();
        if let Some(status) = tables.later_of.get(&id) {
            return *status;
        }
        let status = later((*tables.statuses[id.0]).clone());
        let status = tables.status(status);
        tables.later_of.insert(id, status);
        status
    }

    /// The status as a new generation of the spec finds it.
    pub fn outdated(&self, id: StatusId) -> StatusId {
        let mut tables = self.tables.lock().unwrap();
        if let Some(status) = tables.outdated_of.get(&id) {
            return *status;
        }
        let status = outdated((*tables.statuses[id.0]).clone());
        let status = tables.status(status);
        tables.outdated_of.insert(id, status);
        status
    }

    /// Whether a pass without trouble changes nothing any more.
    pub fn is_at_rest(&self, id: PassId) -> bool {
        let pass = self.pass(id);
        pass.plan.write.is_none()
            && pass.plan.finalizer == FinalizerStep::Keep
            && self.report(id, Answer::Nothing) == pass.object.status
    }

    pub fn is_ready(&self, id: StatusId) -> bool {
        was(&self.status(id), ConditionType::Ready, Truth::True)
    }

    pub fn is_stalled(&self, id: StatusId) -> bool {
        was(&self.status(id), ConditionType::Stalled, Truth::True)
    }
}

fn executed(answer: Answer) -> Executed {
    let refused = |reason, message: &str| {
        Executed::Refused(Why {
            reason,
            message: message.to_owned(),
            retry_at: None,
        })
    };
    match answer {
        Answer::Nothing => Executed::Nothing,
        Answer::Accepted => Executed::Accepted {
            url: Some("https://localhost/operation".to_owned()),
            poll_at: SOON,
        },
        Answer::AcceptedSilently => Executed::Accepted {
            url: None,
            poll_at: SOON,
        },
        Answer::Done => Executed::Done,
        Answer::Refused => refused(Reason::PolicyDenied, "a policy does not want it"),
        Answer::Conflict => refused(Reason::Updating, "something else is under way"),
        Answer::None => refused(Reason::AzureUnreachable, "the connection ended"),
    }
}
