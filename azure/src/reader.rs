//! What one identity has read, shared by everybody who acts through it.
//!
//! Invariants: what is returned was read no longer ago than the caller allows, counted from when its request began; at
//! most one request for the same thing is under way; nothing that one identity read is shown to another (one reader for
//! each client).

use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use moka::future::Cache;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::arm::ArmClient;
use crate::error::{ArmError, ErrorClass};

#[cfg(test)]
mod tests;

/// Resources and lists kept.
const MOST_ENTRIES: u64 = 8192;
/// What nobody asked for in this time is dropped.
const IDLE: Duration = Duration::from_secs(900);
/// The same for questions: each is about one object, and asked again by its next passes or not at all. Longer than a request
/// may take, so that none is dropped while it is asked.
const QUESTION_IDLE: Duration = Duration::from_secs(150);

/// What a read brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// The resource.
    Found(Value),
    /// ARM says that it does not exist.
    Absent {
        /// In which words: `ResourceNotFound`, `ResourceGroupNotFound`, …
        code: String,
    },
}

/// A resource as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What the read brought.
    pub content: Content,
    /// When its request began; the resource is as it was then or later.
    pub read_at: Instant,
}

impl Reading {
    /// The resource, unless it is absent.
    #[must_use]
    pub const fn found(&self) -> Option<&Value> {
        match &self.content {
            Content::Found(value) => Some(value),
            Content::Absent { .. } => None,
        }
    }
}

/// A list as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ListReading {
    /// The items of all pages.
    pub items: Vec<Value>,
    /// How many pages it took.
    pub pages: u32,
    /// When the first page's request began.
    pub read_at: Instant,
}

/// Shared, cached reads of one [`ArmClient`].
#[derive(Debug)]
pub struct Reader {
    arm: Arc<ArmClient>,
    sweeper: ArmClient,
    resources: Cache<Key, Arc<Slot<Reading>>>,
    questions: Cache<Key, Arc<Slot<Reading>>>,
    lists: Cache<Key, Arc<Slot<ListReading>>>,
}

/// A cache that drops what nobody asked for in `idle`.
fn cache<T: Clone + Send + Sync + 'static>(idle: Duration) -> Cache<Key, T> {
    Cache::builder()
        .max_capacity(MOST_ENTRIES)
        .time_to_idle(idle)
        .build()
}

impl Reader {
    /// Nothing read so far.
    #[must_use]
    pub fn new(arm: Arc<ArmClient>) -> Self {
        Self {
            sweeper: arm.for_sweeps(),
            arm,
            resources: cache(IDLE),
            questions: cache(QUESTION_IDLE),
            lists: cache(IDLE),
        }
    }

    /// The client that reads.
    #[must_use]
    pub const fn arm(&self) -> &Arc<ArmClient> {
        &self.arm
    }

    /// A resource, read no longer than `max_age` ago. With a `max_age` of zero, by a request that begins after this call;
    /// callers who wait at the same time share it.
    ///
    /// # Errors
    /// ARM's, shared by all who waited for the same request; the next call asks again.
    pub async fn read(
        &self,
        path: &str,
        api_version: &str,
        max_age: Duration,
    ) -> Result<Arc<Reading>, Arc<ArmError>> {
        self.read_with(&self.arm, path, api_version, max_age).await
    }

    /// A resource, read now for what nobody waits for; who asks for it later may find it.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn sweep(&self, path: &str, api_version: &str) -> Result<Arc<Reading>, Arc<ArmError>> {
        self.read_with(&self.sweeper, path, api_version, Duration::ZERO)
            .await
    }

    async fn read_with(
        &self,
        arm: &ArmClient,
        path: &str,
        api_version: &str,
        max_age: Duration,
    ) -> Result<Arc<Reading>, Arc<ArmError>> {
        let slot = self
            .resources
            .get_with(Key::new(path, api_version, &[]), Slot::empty())
            .await;
        slot.get(max_age, |read_at| ask(arm, path, api_version, read_at))
            .await
    }

    /// A resource that no other asks for, as it is now. It is not kept: as many as there are would be much.
    ///
    /// # Errors
    /// ARM's.
    pub async fn read_alone(&self, path: &str, api_version: &str) -> Result<Reading, ArmError> {
        ask(&self.arm, path, api_version, Instant::now()).await
    }

    /// The answer to a question that is asked by POST and changes nothing, under the same rules as [`Self::read`].
    ///
    /// # Errors
    /// ARM's, shared by all who waited for the same request; the next call asks again.
    pub async fn ask(
        &self,
        path: &str,
        api_version: &str,
        question: &Value,
        max_age: Duration,
    ) -> Result<Arc<Reading>, Arc<ArmError>> {
        let text = question.to_string();
        let slot = self
            .questions
            .get_with(Key::new(path, api_version, &[("", &text)]), Slot::empty())
            .await;
        slot.get(max_age, |read_at| async move {
            let response = self.arm.post(path, api_version, question).await?;
            match response.body {
                Some(value) => Ok(Reading {
                    content: Content::Found(value),
                    read_at,
                }),
                None => Err(ArmError::no_body("POST", path, response.status)),
            }
        })
        .await
    }

    /// A list with all its pages, under the same rules as [`Self::read`].
    ///
    /// # Errors
    /// ARM's, shared by all who waited for the same request; the next call asks again.
    pub async fn read_list(
        &self,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
        max_age: Duration,
    ) -> Result<Arc<ListReading>, Arc<ArmError>> {
        self.list_with(&self.arm, path, api_version, query, max_age).await
    }

    /// A list with all its pages, read now for what nobody waits for; who asks for it later may find it.
    ///
    /// # Errors
    /// As [`Self::read_list`].
    pub async fn sweep_list(
        &self,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
    ) -> Result<Arc<ListReading>, Arc<ArmError>> {
        self.list_with(&self.sweeper, path, api_version, query, Duration::ZERO)
            .await
    }

    async fn list_with(
        &self,
        arm: &ArmClient,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
        max_age: Duration,
    ) -> Result<Arc<ListReading>, Arc<ArmError>> {
        let slot = self
            .lists
            .get_with(Key::new(path, api_version, query), Slot::empty())
            .await;
        slot.get(max_age, |read_at| async move {
            let listed = arm.list(path, api_version, query).await?;
            Ok(ListReading {
                items: listed.items,
                pages: listed.pages,
                read_at,
            })
        })
        .await
    }

    /// Forgets what was read, or is being read, at a path and below it. To be called after a write there.
    pub fn invalidate(&self, path: &str) {
        let prefix = path.to_ascii_lowercase();
        for (key, slot) in &self.resources {
            if key.is_at_or_below(&prefix) {
                slot.forget();
            }
        }
        for (key, slot) in &self.lists {
            if key.is_at_or_below(&prefix) {
                slot.forget();
            }
        }
    }
}

/// What is read: ARM compares paths without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    path: String,
    rest: String,
}

impl Key {
    fn new(path: &str, api_version: &str, query: &[(&str, &str)]) -> Self {
        let mut rest = api_version.to_owned();
        for (name, value) in query {
            // Neither a name nor a value holds a line break; `address::build` would encode it, so it cannot be confused.
            rest.push('\n');
            rest.push_str(name);
            rest.push('\n');
            rest.push_str(value);
        }
        Self {
            path: path.to_ascii_lowercase(),
            rest,
        }
    }

    fn is_at_or_below(&self, prefix: &str) -> bool {
        self.path
            .strip_prefix(prefix)
            .is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }
}

/// One thing that is read. Its lock is held while it is read, so that whoever asks meanwhile waits and then finds it.
#[derive(Debug)]
struct Slot<T> {
    last: Mutex<Option<Last<T>>>,
    /// What was begun before this is not good any more.
    not_before: StdMutex<Option<Instant>>,
}

#[derive(Debug)]
struct Last<T> {
    begun: Instant,
    outcome: Result<Arc<T>, Arc<ArmError>>,
}

impl<T> Slot<T> {
    async fn empty() -> Arc<Self> {
        Arc::new(Self {
            last: Mutex::new(None),
            not_before: StdMutex::new(None),
        })
    }

    fn forget(&self) {
        *self.not_before.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    async fn get<F>(
        &self,
        max_age: Duration,
        read: impl FnOnce(Instant) -> F,
    ) -> Result<Arc<T>, Arc<ArmError>>
    where
        F: Future<Output = Result<T, ArmError>>,
    {
        let called = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref() {
            let valid_from = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
            let valid = valid_from.is_none_or(|from| last.begun > from);
            let fresh = match last.outcome {
                Ok(_) => last.begun + max_age >= called,
                // An error is for those who waited for it, not for those who come later.
                Err(_) => last.begun >= called,
            };
            if valid && fresh {
                return last.outcome.clone();
            }
        }
        let begun = Instant::now();
        let outcome = read(begun).await.map(Arc::new).map_err(Arc::new);
        *last = Some(Last {
            begun,
            outcome: outcome.clone(),
        });
        outcome
    }
}

/// One GET; that the resource is not there is an answer.
async fn ask(arm: &ArmClient, path: &str, api_version: &str, read_at: Instant) -> Result<Reading, ArmError> {
    match arm.get(path, api_version).await {
        Ok(response) => match response.body {
            Some(value) => Ok(Reading {
                content: Content::Found(value),
                read_at,
            }),
            None => Err(ArmError::no_body("GET", path, response.status)),
        },
        Err(error) if error.class() == ErrorClass::NotFound => {
            let code = error.code().unwrap_or_default().to_owned();
            Ok(Reading {
                content: Content::Absent { code },
                read_at,
            })
        }
        Err(error) => Err(error),
    }
}
