use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn well_known_clouds_ask_for_their_own_audience() {
    assert_eq!(
        Cloud::public().unwrap().arm_scope(),
        "https://management.azure.com/.default"
    );
    assert_eq!(
        Cloud::us_government().unwrap().authority().as_str(),
        "https://login.microsoftonline.us/"
    );
    assert_eq!(
        Cloud::china().unwrap().arm_endpoint().as_str(),
        "https://management.chinacloudapi.cn/"
    );
}

#[test]
fn anything_but_https_is_refused() {
    let error = Cloud::custom("http://localhost:1", "https://a", "https://b").unwrap_err();
    assert!(
        matches!(
            error,
            CloudError::NotHttps {
                what: "ARM endpoint",
                ..
            }
        ),
        "{error}"
    );
    let error = Cloud::custom("https://localhost:1", "https://a", "http://b").unwrap_err();
    assert!(
        matches!(
            error,
            CloudError::NotHttps {
                what: "authority",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_path_that_would_be_dropped_is_refused_and_no_password_is_shown() {
    let error = Cloud::custom("https://user:hunter2@host/arm", "https://a", "https://b").unwrap_err();
    assert!(matches!(error, CloudError::MoreThanAHost { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    assert!(Cloud::custom("https://host", "  ", "https://b").is_err());
    assert!(Cloud::custom("host", "https://a", "https://b").is_err());
}

#[test]
fn a_token_goes_to_the_endpoint_and_its_regional_hosts_alone() {
    let cloud = Cloud::public().unwrap();
    for good in [
        "https://management.azure.com/subscriptions/s?t=1",
        "https://management.azure.com:443/x",
        "https://westeurope.management.azure.com/x",
    ] {
        assert!(cloud.trusts(&url(good)), "{good}");
    }
    for bad in [
        "http://management.azure.com/x",
        "https://management.azure.com:8443/x",
        "https://management.azure.com.evil.example/x",
        "https://evilmanagement.azure.com/x",
        "https://.management.azure.com/x",
        "https://azure.com/x",
        "https://user@management.azure.com/x",
        "https://management.azure.com@evil.example/x",
    ] {
        assert!(!Url::parse(bad).is_ok_and(|url| cloud.trusts(&url)), "{bad}");
    }
}

#[test]
fn a_custom_cloud_trusts_its_exact_host_and_port() {
    let cloud = Cloud::custom("https://localhost:8443", "https://arm/", "https://localhost:8443").unwrap();
    assert_eq!(cloud.arm_audience(), "https://arm");
    assert!(cloud.trusts(&url("https://localhost:8443/x")));
    assert!(!cloud.trusts(&url("https://localhost/x")));
    assert!(!cloud.trusts(&url("https://a.localhost:8443/x")));
}
