//! Whether two messages say the same: Azure puts the ids of a request, and times, into its texts.
//!
//! Invariant: a message that differs in anything else is another one. Were each new id a new message, each look at a
//! lasting trouble would write the status, and so be the cause of the next look.

/// Words before an id or a time that belongs to one request alone.
const OF_A_REQUEST: [&str; 6] = [
    "request",
    "correlation",
    "trace",
    "tracking",
    "activity",
    "timestamp",
];

/// Whether `new` differs from `old` in ids and times of requests alone.
pub(crate) fn says_the_same(old: &str, new: &str) -> bool {
    if old == new {
        return true;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (words(old).collect(), words(new).collect());
    if old.len() != new.len() {
        return false;
    }
    let mut of_a_request = 0_u8;
    for (old, new) in old.iter().zip(&new) {
        if old != new && (of_a_request == 0 || !is_of_a_request(old) || !is_of_a_request(new)) {
            return false;
        }
        let lower = new.to_lowercase();
        of_a_request = if OF_A_REQUEST.iter().any(|word| lower.contains(word)) {
            // `Trace ID: x` and `Timestamp: date time`.
            3
        } else {
            of_a_request.saturating_sub(1)
        };
    }
    true
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "()[]{}'\",;=".contains(c))
        .map(|word| word.trim_matches(|c: char| ".:".contains(c)))
        .filter(|word| !word.is_empty())
}

/// An id or a time: it has a digit, and only digits, letters, and what divides ids and times.
fn is_of_a_request(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit())
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-:.+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::says_the_same;

    #[test]
    fn ids_and_times_of_requests_do_not_count() {
        for (old, new) in [
            (
                "not found (GET /x, HTTP 404, request 0d-1a)",
                "not found (GET /x, HTTP 404, request 9f-2b)",
            ),
            (
                "AADSTS700016: no. Trace ID: 11-aa Correlation ID: 22-bb Timestamp: 2026-11-24 10:00:00Z",
                "AADSTS700016: no. Trace ID: 33-cc Correlation ID: 44-dd Timestamp: 2026-11-25 11:30:09Z",
            ),
            ("Tracking Id is 'a1'.", "Tracking Id is 'b2'."),
            ("the same", "the same"),
        ] {
            assert!(says_the_same(old, new), "{new}");
        }
    }

    #[test]
    fn everything_else_does() {
        for (old, new) in [
            ("Principal 11-aa lacks get", "Principal 22-bb lacks get"),
            ("HTTP 404, request 1a", "HTTP 403, request 1a"),
            ("expires at 2026-11-24", "expires at 2026-11-25"),
            ("request of alice", "request of bob"),
            ("request 1a-2b", "request pending"),
            ("request pending", "request 1a-2b"),
            ("one", "one more"),
            ("3 of 16 are used", "4 of 16 are used"),
        ] {
            assert!(!says_the_same(old, new), "{new}");
        }
    }
}
