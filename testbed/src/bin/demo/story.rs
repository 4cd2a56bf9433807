//! A story: steps in their order, each with what it promises.
//!
//! Invariant: a step succeeds only when what it promised was looked up and found so.

use std::fmt;
use std::pin::Pin;
use std::time::Instant;

use testbed::Error;

use crate::stage::Stage;

/// What a step comes to.
pub type Told = Result<(), NotAsPromised>;

/// A step's doing. A plain function, so that a step keeps nothing from another but what is on the stage.
pub type Play = for<'a> fn(&'a mut Stage) -> Pin<Box<dyn Future<Output = Told> + 'a>>;

/// A step of a story.
pub struct Step {
    /// Its heading, which a failure names.
    pub title: &'static str,
    /// What it does.
    pub play: Play,
}

/// A chapter of the demo.
pub struct Story {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// Something was otherwise than a step promised.
#[derive(Debug)]
pub struct NotAsPromised {
    promise: String,
    instead: String,
}

impl NotAsPromised {
    /// `promise` did not hold; `instead` is what was found.
    pub fn new(promise: impl Into<String>, instead: impl Into<String>) -> Self {
        Self {
            promise: promise.into(),
            instead: instead.into(),
        }
    }
}

impl From<Error> for NotAsPromised {
    fn from(error: Error) -> Self {
        Self {
            promise: "it goes on".to_owned(),
            instead: error.chain(),
        }
    }
}

/// A story that ended too early.
#[derive(Debug)]
pub struct Broken {
    step: &'static str,
    why: NotAsPromised,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "NOT AS PROMISED in the step \"{}\".\nPromised: {}.\nInstead:  {}",
            self.step, self.why.promise, self.why.instead
        )
    }
}

impl Story {
    /// Plays the steps in their order, up to the first that is not as promised.
    pub async fn tell(&self, stage: &mut Stage) -> Result<(), Broken> {
        let started = Instant::now();
        for (number, step) in self.steps.iter().enumerate() {
            println!("\n{}. {}", number + 1, step.title);
            (step.play)(stage).await.map_err(|why| Broken {
                step: step.title,
                why,
            })?;
        }
        println!(
            "\nAll {} steps were as promised, in {} s.",
            self.steps.len(),
            started.elapsed().as_secs()
        );
        Ok(())
    }
}

/// Checks a promise.
pub fn promised(holds: bool, promise: &str, instead: impl FnOnce() -> String) -> Told {
    if holds {
        Ok(())
    } else {
        Err(NotAsPromised::new(promise, instead()))
    }
}
