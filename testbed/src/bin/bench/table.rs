//! The numbers for people, each with its budget (design section 6).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::load::cores;
use crate::measure::Numbers;

/// The most resident memory in MiB that a number of hubs may take.
fn memory_budget(hubs: usize) -> u64 {
    match hubs {
        0..=1 => 25,
        2..=1000 => 45,
        _ => 160,
    }
}

/// The table of one run.
pub fn of(numbers: &Numbers) -> String {
    let hubs = f64::from(u32::try_from(numbers.hubs).unwrap_or(u32::MAX)).max(1.0);
    let minutes = numbers.seconds_at_rest / 60.0;
    let per_hub = |counts: &BTreeMap<String, u64>| each(counts, hubs, "a hub");
    let per_minute = |counts: &BTreeMap<String, u64>| each(counts, minutes, "a minute");
    let (ready, rest) = (&numbers.to_ready, &numbers.at_rest);
    let milliseconds = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let rows = [
        (
            "until all are ready",
            format!("{} s", numbers.seconds_until_all_ready),
            String::new(),
        ),
        (
            "until a hub is ready",
            format!(
                "{} s median, {} s longest",
                numbers.median_seconds_to_ready, numbers.longest_seconds_to_ready
            ),
            String::new(),
        ),
        (
            "ARM requests until ready",
            per_hub(&ready.arm),
            "1 write, 6 reads warm, 25 cold, polling; POST is a token".to_owned(),
        ),
        (
            "Kubernetes requests until ready",
            per_hub(&ready.kubernetes),
            "6 status patches".to_owned(),
        ),
        (
            "CPU until ready",
            format!("{:.1} ms a hub", milliseconds(ready.cpu_milliseconds) / hubs),
            String::new(),
        ),
        (
            "ARM requests at rest",
            per_minute(&rest.arm),
            "pages, keys and vaults; no write".to_owned(),
        ),
        (
            "Kubernetes requests at rest",
            per_minute(&rest.kubernetes),
            "the lease's alone".to_owned(),
        ),
        (
            "CPU at rest",
            format!(
                "{:.2} ms a second",
                milliseconds(rest.cpu_milliseconds) / numbers.seconds_at_rest
            ),
            String::new(),
        ),
        (
            "memory before the first hub",
            format!("{:.1} MiB", numbers.idle_mib),
            String::new(),
        ),
        (
            "memory at rest",
            format!("{:.1} MiB", numbers.rest_mib),
            format!("{} MiB", memory_budget(numbers.hubs)),
        ),
        (
            "memory at its peak",
            format!("{:.1} MiB", numbers.peak_mib),
            String::new(),
        ),
    ];
    let mut text = format!(
        "\n{} hubs, {} cores\n\n| | measured | budget |\n| --- | --- | --- |\n",
        numbers.hubs,
        cores()
    );
    for (what, measured, budget) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {what} | {measured} | {budget} |");
    }
    text
}

/// Counts by method, each divided.
fn each(counts: &BTreeMap<String, u64>, by: f64, unit: &str) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(method, count)| {
            let count = f64::from(u32::try_from(*count).unwrap_or(u32::MAX));
            format!("{:.1} {method}", count / by)
        })
        .collect();
    format!("{} {unit}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_by_method_and_nothing_is_none() {
        let counts = BTreeMap::from([("GET".to_owned(), 30), ("PUT".to_owned(), 10)]);
        assert_eq!(each(&counts, 10.0, "a hub"), "3.0 GET, 1.0 PUT a hub");
        assert_eq!(each(&BTreeMap::new(), 10.0, "a hub"), "none");
        assert_eq!([1, 100, 1000, 10_000].map(memory_budget), [25, 45, 45, 160]);
    }
}
