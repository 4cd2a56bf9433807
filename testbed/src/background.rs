//! Where the testbed's own servers run.
//!
//! Invariant: a test that blocks its thread, with kubectl for example, does not stop the servers that it waits for.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::error::Error;

static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

/// Runs `future` to its end on the servers' runtime. What it spawns goes on there.
///
/// # Errors
/// The runtime cannot be started, or `future` panicked.
pub async fn run<F>(future: F) -> Result<F::Output, Error>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    let runtime = RUNTIME.get_or_init(|| {
        let built = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("testbed-servers")
            .enable_all()
            .build();
        built.map_err(|error| error.to_string())
    });
    match runtime {
        Ok(runtime) => runtime
            .spawn(future)
            .await
            .map_err(Error::azure("a server of the testbed panicked")),
        Err(error) => Err(Error::azure("the runtime of the testbed's servers did not start")(error.clone())),
    }
}
