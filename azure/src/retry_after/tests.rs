use super::*;
use proptest::prelude::*;

fn now() -> Timestamp {
    "1994-11-06T08:49:37Z".parse().unwrap()
}

#[test]
fn seconds() {
    assert_eq!(parse("17", now()), Some(Duration::from_secs(17)));
    assert_eq!(parse(" 0 ", now()), Some(Duration::ZERO));
    assert_eq!(parse("86400", now()), Some(LONGEST));
    assert_eq!(parse("99999999999999999999999999", now()), Some(LONGEST));
}

#[test]
fn dates() {
    assert_eq!(
        parse("Sun, 06 Nov 1994 08:50:07 GMT", now()),
        Some(Duration::from_secs(30))
    );
    assert_eq!(
        parse("Sun, 06 Nov 1994 08:49:07 GMT", now()),
        Some(Duration::ZERO),
        "a date in the past"
    );
    assert_eq!(parse("Mon, 07 Nov 1994 08:49:37 GMT", now()), Some(LONGEST));
}

#[test]
fn nonsense_says_nothing() {
    for value in ["", " ", "-1", "1.5", "soon", "Sun, 06 Nov 1994"] {
        assert_eq!(parse(value, now()), None, "{value:?}");
    }
}

#[test]
fn milliseconds_count_when_the_standard_header_says_nothing() {
    let mut headers = Headers::new();
    headers.insert("x-ms-retry-after-ms", "1500");
    assert_eq!(of(&headers, now()), Some(Duration::from_millis(1500)));
    headers.insert("retry-after", "3");
    assert_eq!(of(&headers, now()), Some(Duration::from_secs(3)));
    assert_eq!(of(&Headers::new(), now()), None);
}

proptest! {
    #[test]
    fn any_value_is_taken_or_left(value in "\\PC*") {
        prop_assert!(parse(&value, now()).is_none_or(|wait| wait <= LONGEST));
    }

    #[test]
    fn any_number_of_seconds_is_taken(seconds in any::<u64>()) {
        prop_assert_eq!(parse(&seconds.to_string(), now()), Some(Duration::from_secs(seconds.min(600))));
    }
}
