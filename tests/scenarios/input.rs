//! "If what I wrote cannot be, I hear which field and why."

use crate::common::{hub, operator_log, start};

/// Bad input is refused when it is applied, with the field.
#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_its_field() {
    let scenario = start("input").await;
    let cases: &[(&str, &str, &str)] = &[
        (
            "deletionPolicy: DeleteAndPurge",
            "deletionPolicy: Shred",
            "spec.deletionPolicy",
        ),
        ("location: westeurope", "location: [westeurope]", "spec.location"),
        (
            "location: westeurope",
            "location: westeurope\n  colour: blue",
            "spec.colour",
        ),
        (
            "vaults/corp-keys",
            "vaults/corp-keys/keys/ai-hub",
            "spec.encryption.customerManagedKey.vault",
        ),
        (
            "key: ai-hub",
            "key: https://corp-keys.vault.azure.net/keys/ai-hub/0",
            "spec.encryption.customerManagedKey.key",
        ),
        (
            "/resourceGroups/rg-security/",
            "/rg-security/",
            "spec.encryption.customerManagedKey.vault",
        ),
        (
            "mode: CustomerManaged",
            "mode: MicrosoftManaged",
            "spec.encryption",
        ),
        ("subscriptionId: 0", "subscriptionId: x", "spec.subscriptionId"),
        (
            "vault: /subscriptions/0",
            "vault: /subscriptions/x",
            "spec.encryption.customerManagedKey.vault",
        ),
        (
            "storageAccount: aihubdata",
            "storageAccount: ai-hub-data",
            "spec.storageAccount",
        ),
        ("[hub]", "[h]", "spec.identity.userAssigned"),
    ];
    for (from, to, field) in cases {
        let manifest = hub("research");
        assert!(manifest.contains(from), "{from}");
        let said = scenario.apply(&manifest.replace(from, to)).unwrap();
        let name = field.rsplit('.').next().unwrap();
        assert!(
            !said.success && said.stderr.contains(name),
            "{to}: {} {}",
            said.stdout,
            said.stderr
        );
        // In words, not as an expression that people must read.
        assert!(!said.stderr.contains("should match"), "{to}: {}", said.stderr);
    }
    // What no schema can say is said in a condition.
    let reserved = hub("research").replace(
        "  location: westeurope",
        "  location: westeurope\n  azureName: login-hub",
    );
    scenario.apply(&reserved).unwrap().ok().unwrap();
    let told = scenario
        .until_says("research", "Ready", "InvalidSpec")
        .await
        .unwrap();
    assert!(
        told.condition("Ready")
            .unwrap()
            .message
            .contains("spec.azureName"),
        "{told}"
    );
    assert!(operator_log(&scenario).await.iter().all(|one| !one.is_write()));
}
