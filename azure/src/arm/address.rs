//! URLs of requests, from a path, an api-version and a query.
//!
//! Invariant: whatever stands in a path, the request goes to the configured endpoint and to that path.

use url::Url;
use url::form_urlencoded::byte_serialize;

/// The URL of a request, or what is wrong with the path.
pub(super) fn build(
    endpoint: &Url,
    path: &str,
    api_version: &str,
    query: &[(&str, &str)],
) -> Result<Url, &'static str> {
    check(path)?;
    let mut url = endpoint.clone();
    url.set_path(path);
    let mut text = format!("api-version={}", encode(api_version));
    for (name, value) in query {
        text.push('&');
        text.push_str(name);
        text.push('=');
        text.push_str(&encode(value));
    }
    url.set_query(Some(&text));
    Ok(url)
}

fn check(path: &str) -> Result<(), &'static str> {
    let Some(segments) = path.strip_prefix('/') else {
        return Err("it does not begin with a slash");
    };
    if path
        .chars()
        .any(|c| c.is_control() || matches!(c, '\\' | '?' | '#' | '%'))
    {
        return Err("it holds a character that no ARM id has");
    }
    for segment in segments.split('/') {
        match segment {
            "" => return Err("it has an empty segment"),
            "." | ".." => return Err("it has a segment of dots"),
            _ => {}
        }
    }
    Ok(())
}

/// Percent-encoding in which a space is `%20`: a plus sign is a plus sign in OData filters.
fn encode(value: &str) -> String {
    byte_serialize(value.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Url {
        Url::parse("https://localhost:8443").unwrap()
    }

    #[test]
    fn queries_are_encoded() {
        let url = build(
            &endpoint(),
            "/subscriptions/s/resources",
            "2025-04-01",
            &[("$filter", "resourceGroup eq 'a+b & c'"), ("$top", "5")],
        )
        .unwrap();
        assert_eq!(
            url.as_str(),
            "https://localhost:8443/subscriptions/s/resources?api-version=2025-04-01\
             &$filter=resourceGroup%20eq%20%27a%2Bb%20%26%20c%27&$top=5"
        );
    }

    #[test]
    fn a_path_cannot_leave_the_endpoint_or_climb() {
        for bad in [
            "",
            "subscriptions/s",
            "//evil.example/x",
            "/a//b",
            "/a/../b",
            "/a/.",
            "/a/%2e%2e/b",
            "/a\\b",
            "/a?x=1",
            "/a#b",
            "/a\nb",
            "/a/",
        ] {
            assert!(build(&endpoint(), bad, "v", &[]).is_err(), "{bad:?}");
        }
        let url = build(&endpoint(), "/subscriptions/s/resourceGroups/a (b)@c:1", "v", &[]).unwrap();
        assert_eq!(url.host_str(), Some("localhost"));
        assert_eq!(url.path(), "/subscriptions/s/resourceGroups/a%20(b)@c:1");
    }

    proptest::proptest! {
        #[test]
        fn any_path_stays_on_the_endpoint(path in "[/\\PC]{0,60}", version in "\\PC{0,20}") {
            if let Ok(url) = build(&endpoint(), &path, &version, &[("q", &path)]) {
                proptest::prop_assert_eq!(url.origin(), endpoint().origin());
                proptest::prop_assert_eq!(url.path().split('/').count(), path.split('/').count());
                let version_read = url.query_pairs().find(|(name, _)| name == "api-version").map(|(_, value)| value.into_owned());
                proptest::prop_assert_eq!(version_read, Some(version));
            }
        }
    }
}
