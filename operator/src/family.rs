//! Which objects are the projects of which: a project waits for its parent, and a parent that is to be deleted for its projects.
//!
//! Invariant: whatever changes about the one wakes the other.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use keyholder_planner::{Parent, Validate, Why, parent_of};

use crate::controller::{Objects, Subject, Waker};

/// The parents and projects among the watched objects.
pub struct Family {
    stores: OnceLock<Vec<Arc<dyn Objects>>>,
    projects: Mutex<HashMap<Subject, BTreeSet<Subject>>>,
    waker: Waker,
}

impl Family {
    /// Nobody so far.
    #[must_use]
    pub fn new(waker: Waker) -> Self {
        Self {
            stores: OnceLock::new(),
            projects: Mutex::default(),
            waker,
        }
    }

    /// Has parents looked up in these. The first call counts.
    pub fn look_in(&self, stores: Vec<Arc<dyn Objects>>) {
        // A second call would bring the same stores.
        let _ = self.stores.set(stores);
    }

    /// The parent that an object names by kind and name, if it does.
    ///
    /// # Errors
    /// Nothing is known of it.
    pub fn parent(&self, object: &dyn Validate, owner_id: &str) -> Result<Option<Parent>, Why> {
        let mut found = None;
        if let Some(parent) = parent_subject(object) {
            for store in self.stores.get().into_iter().flatten() {
                store.find(&parent, &mut |named| {
                    found = Some(parent_of(object, Some(named), owner_id));
                });
            }
        }
        found.unwrap_or_else(|| parent_of(object, None, owner_id))
    }

    /// An object is there, or is as it was not.
    pub fn changed(&self, subject: &Subject, object: Option<&dyn Validate>) {
        let parent = object.and_then(parent_subject);
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(parent) = parent {
            projects.entry(parent).or_default().insert(subject.clone());
        }
        self.wake_projects(&projects, subject);
    }

    /// An object is gone.
    pub fn gone(&self, subject: &Subject) {
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        projects.retain(|parent, own| {
            if own.remove(subject) {
                self.waker.wake(parent.clone());
            }
            !own.is_empty()
        });
        self.wake_projects(&projects, subject);
    }

    fn wake_projects(&self, projects: &HashMap<Subject, BTreeSet<Subject>>, parent: &Subject) {
        for project in projects.get(parent).into_iter().flatten() {
            self.waker.wake(project.clone());
        }
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
