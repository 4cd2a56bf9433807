use super::*;

const ONE: &str = "00000000-0000-0000-0000-00000000000A";
const OTHER: &str = "00000000-0000-0000-0000-00000000000b";

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn what_azure_has_not_told_of_is_let_through() {
    let budget = Budget::default();
    let now = Instant::now();
    for _ in 0..1000 {
        budget.take(ONE, Kind::Reads, Urgency::Sweep, now).unwrap();
    }
    assert_eq!(budget.withheld(), 0);
}

#[test]
fn what_is_left_is_spent_and_comes_back() {
    let budget = Budget::default();
    let now = Instant::now();
    budget.told(ONE, Kind::Writes, 2, now);
    budget.take(ONE, Kind::Writes, Urgency::Pass, now).unwrap();
    budget
        .take(&ONE.to_lowercase(), Kind::Writes, Urgency::Pass, now)
        .unwrap();
    assert_eq!(budget.look(ONE, Kind::Writes, now), Err(SHORTEST));
    let wait = budget.take(ONE, Kind::Writes, Urgency::Pass, now).unwrap_err();
    assert_eq!(wait, SHORTEST);
    budget.look(ONE, Kind::Writes, now + wait).unwrap();
    // It came back sooner, but nobody is sent away for less.
    let wait = seconds(0.1);
    budget.take(ONE, Kind::Writes, Urgency::Pass, now + wait).unwrap();
    // Never more than was seen to be there.
    let later = now + seconds(3600.0);
    budget.take(ONE, Kind::Writes, Urgency::Pass, later).unwrap();
    budget.take(ONE, Kind::Writes, Urgency::Pass, later).unwrap();
    budget.take(ONE, Kind::Writes, Urgency::Pass, later).unwrap_err();
    assert_eq!(budget.withheld(), 2);
}

#[test]
fn kinds_and_subscriptions_have_their_own() {
    let budget = Budget::default();
    let now = Instant::now();
    budget.told(ONE, Kind::Reads, 0, now);
    budget.take(ONE, Kind::Reads, Urgency::Pass, now).unwrap_err();
    budget.take(ONE, Kind::Writes, Urgency::Pass, now).unwrap();
    budget.take(OTHER, Kind::Reads, Urgency::Sweep, now).unwrap();
}

#[test]
fn sweeps_stop_before_the_rest_is_spent() {
    let budget = Budget::default();
    let now = Instant::now();
    budget.told(ONE, Kind::Reads, 249, now);
    let mut swept = 0;
    while budget.take(ONE, Kind::Reads, Urgency::Sweep, now).is_ok() {
        swept += 1;
    }
    assert_eq!(swept, 200);
    for _ in 0..49 {
        budget.take(ONE, Kind::Reads, Urgency::Pass, now).unwrap();
    }
    budget.take(ONE, Kind::Reads, Urgency::Pass, now).unwrap_err();
    // A sweep waits for its share, a pass for one request.
    let wait = budget.take(ONE, Kind::Reads, Urgency::Sweep, now).unwrap_err();
    assert_eq!(wait, seconds(2.0));
    budget.take(ONE, Kind::Reads, Urgency::Sweep, now + wait).unwrap();
}

#[test]
fn a_small_bucket_has_a_small_reserve() {
    let budget = Budget::default();
    let now = Instant::now();
    budget.told(ONE, Kind::Reads, 4, now);
    for _ in 0..4 {
        budget.take(ONE, Kind::Reads, Urgency::Sweep, now).unwrap();
    }
}

#[test]
fn an_account_that_was_only_seen_empty_is_asked_again() {
    let budget = Budget::default();
    let now = Instant::now();
    budget.told(ONE, Kind::Reads, 0, now);
    budget.throttled(ONE, Some(seconds(5.0)), now);
    for urgency in [Urgency::Pass, Urgency::Sweep] {
        budget
            .take(ONE, Kind::Reads, urgency, now + seconds(4.9))
            .unwrap_err();
        budget.told(ONE, Kind::Reads, 0, now);
        budget
            .take(ONE, Kind::Reads, urgency, now + seconds(5.0))
            .unwrap();
        budget.throttled(ONE, Some(seconds(5.0)), now);
    }
}

#[test]
fn a_throttled_subscription_pauses_alone_until_azure_says() {
    let budget = Budget::default();
    let now = Instant::now();
    budget.throttled(ONE, Some(seconds(17.0)), now);
    // An earlier answer that arrives late does not shorten it.
    budget.throttled(ONE, Some(seconds(3.0)), now);
    for kind in [Kind::Reads, Kind::Writes, Kind::Deletes] {
        let wait = budget
            .take(ONE, kind, Urgency::Pass, now + seconds(7.0))
            .unwrap_err();
        assert_eq!(wait, seconds(10.0));
        assert_eq!(budget.look(ONE, kind, now + seconds(7.0)), Err(wait));
        budget.take(OTHER, kind, Urgency::Sweep, now).unwrap();
    }
    budget
        .take(ONE, Kind::Reads, Urgency::Sweep, now + seconds(17.0))
        .unwrap();
    budget.throttled(ONE, None, now);
    budget
        .take(ONE, Kind::Reads, Urgency::Pass, now + seconds(9.0))
        .unwrap_err();
    budget
        .take(ONE, Kind::Reads, Urgency::Pass, now + seconds(10.0))
        .unwrap();
}

#[test]
fn accounts_are_told_and_bounded() {
    let budget = Budget::default();
    let now = Instant::now();
    budget.told(ONE, Kind::Reads, 7, now);
    let account = Account {
        subscription: ONE.to_lowercase(),
        kind: Kind::Reads,
        left: 7,
    };
    assert_eq!(budget.accounts(now), std::slice::from_ref(&account));
    budget.throttled(ONE, Some(seconds(1.0)), now);
    assert_eq!(budget.accounts(now), [Account { left: 0, ..account }]);
    for number in 0..2 * MOST_ACCOUNTS {
        budget.told(&format!("s{number}"), Kind::Reads, 1, now + seconds(1.0));
        budget.throttled(&format!("s{number}"), None, now);
    }
    let accounts = budget.accounts(now);
    assert_eq!(accounts.len(), MOST_ACCOUNTS);
    assert!(accounts.iter().all(|one| one.subscription != ONE.to_lowercase()));
}

#[test]
fn the_subscription_stands_in_the_path() {
    assert_eq!(subscription_of("/subscriptions/a/resourceGroups/b"), "a");
    assert_eq!(subscription_of("/Subscriptions/a"), "a");
    assert_eq!(subscription_of("/providers/Microsoft.X"), "");
    assert_eq!(subscription_of("/"), "");
}
