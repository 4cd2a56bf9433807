//! Whole seconds, never early.

use super::*;

fn moment(nanoseconds: i128) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds).unwrap()
}

#[test]
fn a_gate_is_rounded_up_and_a_moment_down() {
    let whole = moment(5_000_000_000);
    assert_eq!(second(moment(5_999_999_999)), whole);
    assert_eq!(not_before(whole), whole);
    assert_eq!(not_before(moment(4_000_000_001)), whole);
    // Seconds count towards zero before the epoch too.
    assert_eq!(not_before(moment(-1_500_000_000)), moment(-1_000_000_000));
}

#[test]
fn a_while_is_added_and_the_end_of_time_stays() {
    assert_eq!(
        after(moment(0), SignedDuration::from_secs(7)),
        moment(7_000_000_000)
    );
    assert_eq!(
        after(Timestamp::MAX, SignedDuration::from_secs(7)),
        Timestamp::MAX
    );
}
