//! What the story cost.

use testbed::Error;

use crate::stage::Stage;

/// The operator's requests to Azure Resource Manager, and its memory.
pub async fn of(stage: &Stage) -> Result<String, Error> {
    let log = stage.azure().operator_log().await?;
    let (writes, reads): (Vec<_>, Vec<_>) = log
        .iter()
        .filter(|exchange| exchange.path().starts_with("/subscriptions"))
        .partition(|exchange| exchange.is_write());
    let memory = stage.operator().resident_kib().map(|kib| {
        format!(
            "{:.1} MiB",
            f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
        )
    });
    Ok(format!(
        "The bill: {} writes and {} reads of Azure Resource Manager; the operator takes {} of memory{}.",
        writes.len(),
        reads.len(),
        memory.as_deref().unwrap_or("an unknown amount"),
        if cfg!(debug_assertions) {
            " (debug build)"
        } else {
            ""
        },
    ))
}
