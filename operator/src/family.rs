//! Which objects are the projects of which: a project waits for its parent, and a parent that is to be deleted for its projects.
//!
//! Invariant: a change of a parent wakes its projects, and a project that goes wakes its parent. A parent is looked up only in watches
//! that have shown all their objects.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use keyholder_planner::parent::Named;
use keyholder_planner::{Parent, Validate, Why, parent_of};

use crate::controller::{Objects, Subject, Waker};

/// The parents and projects among the watched objects.
pub struct Family {
    stores: OnceLock<Vec<Arc<dyn Objects>>>,
    known: Mutex<Known>,
    waker: Waker,
}

#[derive(Default)]
struct Known {
    projects: HashMap<Subject, BTreeSet<Subject>>,
    parents: HashMap<Subject, Subject>,
    /// How many watches of a kind have not shown all their objects so far.
    filling: HashMap<String, usize>,
}

/// What is known of a parent.
pub enum Lookup {
    /// The watch of its kind has not shown all its objects so far.
    Filling,
    /// It, or why nothing is known.
    Found(Result<Option<Parent>, Why>),
}

impl Family {
    /// Nobody so far.
    #[must_use]
    pub fn new(waker: Waker) -> Self {
        Self {
            stores: OnceLock::new(),
            known: Mutex::default(),
            waker,
        }
    }

    /// Has parents looked up in these. The first call counts.
    pub fn look_in(&self, stores: Vec<Arc<dyn Objects>>) {
        // A second call would bring the same stores.
        let _ = self.stores.set(stores);
    }

    /// The parent that an object names by kind and name, if it does.
    pub fn parent(&self, object: &dyn Validate, owner_id: &str) -> Lookup {
        let mut found = None;
        if let Some(parent) = parent_subject(object) {
            if self.known().filling.contains_key(parent.kind.as_ref()) {
                return Lookup::Filling;
            }
            for store in self.stores.get().into_iter().flatten() {
                store.find(&parent, &mut |named| {
                    let named = named.map_or(Named::Undecodable, Named::Object);
                    found = Some(parent_of(object, named, owner_id));
                });
            }
        }
        Lookup::Found(found.unwrap_or_else(|| parent_of(object, Named::Nothing, owner_id)))
    }

    /// A watch of a kind begins.
    pub fn fills(&self, kind: &str) {
        *self.known().filling.entry(kind.to_owned()).or_default() += 1;
    }

    /// It has shown all its objects, for the first time.
    pub fn filled(&self, kind: &str) {
        let mut known = self.known();
        let left = known.filling.get(kind).copied().unwrap_or_default();
        if left > 1 {
            known.filling.insert(kind.to_owned(), left - 1);
            return;
        }
        known.filling.remove(kind);
        let waiting = known.projects.iter().filter(|(parent, _)| parent.kind == kind);
        for project in waiting.flat_map(|(_, projects)| projects) {
            self.waker.wake(project.clone());
        }
    }

    /// An object is there, or is as it was not.
    pub fn changed(&self, subject: &Subject, object: Option<&dyn Validate>) {
        let mut known = self.known();
        if let Some(parent) = object.and_then(parent_subject)
            && known.parents.get(subject) != Some(&parent)
        {
            known.forget(subject);
            known.parents.insert(subject.clone(), parent.clone());
            known.projects.entry(parent).or_default().insert(subject.clone());
        }
        self.wake_projects(&known, subject);
    }

    /// An object is gone.
    pub fn gone(&self, subject: &Subject) {
        let mut known = self.known();
        if let Some(parent) = known.forget(subject) {
            self.waker.wake(parent);
        }
        self.wake_projects(&known, subject);
    }

    fn wake_projects(&self, known: &Known, parent: &Subject) {
        for project in known.projects.get(parent).into_iter().flatten() {
            self.waker.wake(project.clone());
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Takes a project from its parent, and says which that was.
    fn forget(&mut self, project: &Subject) -> Option<Subject> {
        let parent = self.parents.remove(project)?;
        if let Some(projects) = self.projects.get_mut(&parent) {
            projects.remove(project);
            if projects.is_empty() {
                self.projects.remove(&parent);
            }
        }
        Some(parent)
    }
}

fn parent_subject(object: &dyn Validate) -> Option<Subject> {
    let reference = object.parent_ref()?;
    Some(Subject {
        kind: reference.kind?.to_string().into(),
        namespace: object.metadata().namespace.clone().unwrap_or_default(),
        name: reference.name.clone()?,
    })
}
