//! Each thing that can be missing, with its cure.

use super::key_access::COSMOS_DB_APPLICATION;
use super::*;
use crate::fixtures::*;
use crate::name::{KeyIdentifier, Location};
use crate::observed::{AccessPolicy, LiveIdentity, LiveKey, Permissions};
use crate::validate::Validate;

mod limits;
mod unknown;

fn hub() -> Declared {
    object("Delete").validate("owner", None).unwrap()
}

fn run_with(change: impl Fn(&mut Observed)) -> Vec<Check> {
    let hub = hub();
    let mut observed = ready_for_creation(&hub);
    change(&mut observed);
    run(&hub, &observed, Before::Creation, at_second(0))
}

fn outcome(checks: &[Check], name: PreflightCheckName) -> &Outcome {
    &checks.iter().find(|check| check.name == name).unwrap().outcome
}

fn vault(observed: &mut Observed) -> &mut LiveVault {
    let Fact::Known(vault) = &mut observed.vault else {
        panic!()
    };
    vault
}

fn key(observed: &mut Observed) -> &mut LiveKey {
    let Fact::Known(key) = &mut observed.key else {
        panic!()
    };
    key
}

fn why(message: &str) -> Why {
    Why {
        reason: Reason::AzureUnreachable,
        message: message.to_owned(),
        retry_at: None,
    }
}

#[test]
fn a_vault_that_is_not_there_may_be_a_managed_hsm() {
    let checks = run_with(|observed| observed.vault = Fact::Absent);
    let Outcome::Failed { message, .. } = outcome(&checks, PreflightCheckName::Vault) else {
        panic!("{checks:?}")
    };
    let part = "no source confirms that Azure takes the key of a hub from one.\nCure:\n";
    assert!(message.contains(part), "{message}");
}

#[test]
fn with_everything_there_every_check_passes_in_order() {
    use PreflightCheckName::{
        Access, AssociatedResources, Cost, Identity, Key, Name, Policy, Providers, Quota, ResourceGroup,
        Vault,
    };
    let checks = run_with(|_| {});
    let names: Vec<PreflightCheckName> = checks.iter().map(|check| check.name).collect();
    assert_eq!(
        names,
        [
            Providers,
            ResourceGroup,
            Name,
            Identity,
            AssociatedResources,
            Vault,
            Key,
            Access,
            Policy,
            Quota,
            Cost
        ]
    );
    for check in &checks {
        assert!(matches!(check.outcome, Outcome::Passed { .. }), "{check:?}");
        assert_eq!(check.to_status().result, CheckResult::Passed);
    }
    let note = checks[7].to_status().message.unwrap();
    assert!(note.contains(COSMOS_DB_APPLICATION), "{note}");

    let plain = Declared {
        encryption: ValidEncryption::MicrosoftManaged,
        ..hub()
    };
    let names: Vec<PreflightCheckName> = run(
        &plain,
        &ready_for_creation(&plain),
        Before::Creation,
        at_second(0),
    )
    .iter()
    .map(|check| check.name)
    .collect();
    assert_eq!(
        names,
        [
            Providers,
            ResourceGroup,
            Name,
            Identity,
            AssociatedResources,
            Policy
        ]
    );
}

#[test]
fn a_hub_with_a_managed_network_needs_the_provider_of_networks() {
    let mut object = object("Delete");
    let needs = |object: &keyholder_crds::AIHub| {
        providers(&object.validate("owner", None).unwrap()).contains(&"Microsoft.Network")
    };
    for (isolation, needed) in [
        (None, false),
        (Some(keyholder_crds::NetworkIsolation::Disabled), false),
        (
            Some(keyholder_crds::NetworkIsolation::AllowInternetOutbound),
            true,
        ),
        (
            Some(keyholder_crds::NetworkIsolation::AllowOnlyApprovedOutbound),
            true,
        ),
    ] {
        object.spec.managed_network = Some(keyholder_crds::ManagedNetwork {
            isolation,
            ..keyholder_crds::ManagedNetwork::default()
        });
        assert_eq!(needs(&object), needed, "{isolation:?}");
        object.spec.encryption.data_location = Some(keyholder_crds::DataLocation::ServiceSide);
        assert_eq!(needs(&object), needed, "{isolation:?}");
    }
}

#[test]
fn a_service_side_hub_needs_one_provider_and_no_word_on_cosmos() {
    let mut object = object("Delete");
    object.spec.encryption.data_location = Some(keyholder_crds::DataLocation::ServiceSide);
    let hub = object.validate("owner", None).unwrap();
    assert_eq!(providers(&hub), ["Microsoft.MachineLearningServices"]);
    let checks = run(&hub, &ready_for_creation(&hub), Before::Creation, at_second(0));
    assert_eq!(
        outcome(&checks, PreflightCheckName::Access),
        &Outcome::Passed { note: None }
    );
}

/// One missing thing, the check that finds it, its reason, and a piece of the cure.
#[test]
fn each_missing_thing_is_told_with_its_cure() {
    use PreflightCheckName as P;
    type Change = fn(&mut Observed);
    let table: [(Change, P, Reason, &str); 23] = [
        (
            |o| {
                o.providers
                    .insert("Microsoft.Search".to_owned(), Fact::Known(false));
            },
            P::Providers,
            Reason::ProviderNotRegistered,
            "az provider register --namespace Microsoft.Search",
        ),
        (
            |o| drop(o.providers.insert("Microsoft.Storage".to_owned(), Fact::Absent)),
            P::Providers,
            Reason::ProviderNotRegistered,
            "az provider register --namespace Microsoft.Storage",
        ),
        (
            |o| o.resource_group = Fact::Absent,
            P::ResourceGroup,
            Reason::ResourceGroupNotFound,
            "az group create --name rg-ai --location westeurope",
        ),
        (
            |o| o.identities[0].1 = Fact::Absent,
            P::Identity,
            Reason::IdentityNotFound,
            "az identity create --name hub",
        ),
        (
            |o| o.associated[0].1 = Fact::Absent,
            P::AssociatedResources,
            Reason::AssociatedResourceNotFound,
            "az storage account create --name aihubdata --resource-group rg-ai",
        ),
        (
            |o| o.associated[1].1 = Fact::Absent,
            P::AssociatedResources,
            Reason::AssociatedResourceNotFound,
            "az keyvault create --name hub-secrets --resource-group rg-ai",
        ),
        (
            |o| o.vault = Fact::Absent,
            P::Vault,
            Reason::VaultNotFound,
            "az keyvault create --name corp-keys",
        ),
        (
            |o| vault(o).soft_delete = false,
            P::Vault,
            Reason::SoftDeleteDisabled,
            "properties.enableSoftDelete=true",
        ),
        (
            |o| vault(o).purge_protection = false,
            P::Vault,
            Reason::PurgeProtectionDisabled,
            "--enable-purge-protection true",
        ),
        (
            |o| vault(o).location = Location::parse("East US").unwrap(),
            P::Vault,
            Reason::RegionMismatch,
            "az keyvault create --name corp-keys-westeurope --resource-group rg-ai",
        ),
        (
            |o| vault(o).tenant_id = "other".to_owned(),
            P::Vault,
            Reason::TenantMismatch,
            "properties.tenantId=='tenant'",
        ),
        (
            |o| vault(o).trusted_services_pass = false,
            P::Vault,
            Reason::VaultBlocksTrustedServices,
            "--bypass AzureServices",
        ),
        (
            |o| o.key = Fact::Absent,
            P::Key,
            Reason::KeyNotFound,
            "az keyvault key create --vault-name corp-keys --name ai-hub",
        ),
        (
            |o| key(o).kty = "EC".to_owned(),
            P::Key,
            Reason::KeyUnsuitable,
            "--name ai-hub-rsa --kty RSA",
        ),
        (
            |o| key(o).size = Some(1024),
            P::Key,
            Reason::KeyUnsuitable,
            "is RSA of 1024 bits",
        ),
        (
            |o| key(o).current.enabled = false,
            P::Key,
            Reason::KeyUnsuitable,
            "az keyvault key set-attributes --vault-name corp-keys --name ai-hub --version 0123456789abcdef0123456789abcdef --enabled true",
        ),
        (
            |o| {
                key(o).current.enabled = false;
                key(o).current.identifier =
                    KeyIdentifier::parse("https://corp-keys.vault.azure.net/keys/ai-hub").unwrap();
            },
            P::Key,
            Reason::KeyUnsuitable,
            "az keyvault key create --vault-name corp-keys --name ai-hub",
        ),
        (
            |o| key(o).current.expires = Some(at_second(0)),
            P::Key,
            Reason::KeyUnsuitable,
            "az keyvault key create --vault-name corp-keys --name ai-hub",
        ),
        (
            |o| key(o).current.not_before = Some(at_second(1)),
            P::Key,
            Reason::KeyUnsuitable,
            "is not valid before",
        ),
        (
            |o| o.role_assignments = Fact::Known(Vec::new()),
            P::Access,
            Reason::AccessMissing,
            "az role assignment create --assignee-object-id principal",
        ),
        (
            |o| o.role_assignments = Fact::Absent,
            P::Access,
            Reason::AccessMissing,
            "userAssignedIdentities/hub (principal principal) lacks get, wrap, unwrap on key",
        ),
        (
            |o| vault(o).permissions = Permissions::Policies(Vec::new()),
            P::Access,
            Reason::AccessMissing,
            "az keyvault set-policy --name corp-keys",
        ),
        (
            |o| {
                for definition in o.role_definitions.values_mut() {
                    let Fact::Known(definition) = definition else {
                        panic!()
                    };
                    definition.permissions[0]
                        .0
                        .retain(|action| action.ends_with("read"));
                }
            },
            P::Access,
            Reason::AccessMissing,
            "lacks wrap, unwrap on key",
        ),
    ];
    for (change, check, reason, cure) in table {
        let checks = run_with(change);
        let Outcome::Failed {
            reason: told,
            message,
        } = outcome(&checks, check)
        else {
            panic!("{check} passed: {reason}")
        };
        assert_eq!(*told, reason);
        assert!(message.contains(cure), "{message}");
        assert!(message.contains("\nCure:\naz "), "{message}");
        let status = checks.iter().find(|one| one.name == check).unwrap().to_status();
        assert_eq!(
            (status.result, status.message.as_ref()),
            (CheckResult::Failed, Some(message))
        );
        let (verdict, blocked) = crate::judge::prerequisites(&checks);
        assert!(blocked);
        assert_eq!(verdict.reason, reason);
    }
}

#[test]
fn everything_wrong_with_a_vault_is_told_at_once() {
    let checks = run_with(|observed| {
        vault(observed).soft_delete = false;
        vault(observed).purge_protection = false;
        vault(observed).trusted_services_pass = false;
    });
    let Outcome::Failed { reason, message } = outcome(&checks, PreflightCheckName::Vault) else {
        panic!()
    };
    assert_eq!(*reason, Reason::SoftDeleteDisabled);
    let commands = message.lines().filter(|line| line.starts_with("az ")).count();
    assert_eq!(commands, 3, "{message}");
}

#[test]
fn a_tenant_is_compared_only_where_it_is_known() {
    for change in [
        |o: &mut Observed| vault(o).tenant_id = "TENANT".to_owned(),
        |o: &mut Observed| {
            vault(o).tenant_id = "other".to_owned();
            o.identities.clear();
        },
    ] {
        let checks = run_with(change);
        assert_eq!(outcome(&checks, PreflightCheckName::Vault), &Outcome::PASSED);
    }
}

#[test]
fn a_vault_that_is_missing_is_one_cause() {
    let checks = run_with(|observed| {
        observed.vault = Fact::Absent;
        observed.key = Fact::Absent;
        observed.role_assignments = Fact::Absent;
    });
    let failed: Vec<PreflightCheckName> = checks
        .iter()
        .filter(|check| !matches!(check.outcome, Outcome::Passed { .. }))
        .map(|check| check.name)
        .collect();
    assert_eq!(failed, [PreflightCheckName::Vault]);
}

fn ids(hub: &Declared) -> Vec<ArmId> {
    associated(hub).into_iter().map(|one| one.id).collect()
}

#[test]
fn a_vault_that_serves_twice_is_told_once() {
    let mut object = object("Delete");
    object.spec.key_vault = "corp-keys".to_owned();
    let hub = object.validate("owner", None).unwrap();
    assert_eq!(ids(&hub), std::slice::from_ref(&of_hub(&hub).storage_account));
    object.spec.encryption.mode = keyholder_crds::EncryptionMode::MicrosoftManaged;
    object.spec.encryption.customer_managed_key = None;
    let hub = object.validate("owner", None).unwrap();
    assert_eq!(
        ids(&hub),
        [
            of_hub(&hub).storage_account.clone(),
            of_hub(&hub).key_vault.clone()
        ]
    );
}

#[test]
fn a_pinned_version_is_the_one_that_is_judged() {
    let mut object = object("Delete");
    let pin = |object: &mut keyholder_crds::AIHub, version: &str| {
        object
            .spec
            .encryption
            .customer_managed_key
            .as_mut()
            .unwrap()
            .version = Some(version.to_owned());
        object.validate("owner", None).unwrap()
    };
    let judged = |hub: &Declared, change: fn(&mut Observed)| {
        let mut observed = ready_for_creation(hub);
        key(&mut observed).others = vec![key_version(NEXT_KEY, 10)];
        change(&mut observed);
        outcome(
            &run(hub, &observed, Before::Creation, at_second(20)),
            PreflightCheckName::Key,
        )
        .clone()
    };
    let hub = pin(&mut object, "0123456789abcdef0123456789abcdef");
    assert_eq!(judged(&hub, |_| {}), Outcome::PASSED);
    // A newer usable version does not help a pinned one.
    let Outcome::Failed { message, .. } = judged(&hub, |o| key(o).current.enabled = false) else {
        panic!()
    };
    assert!(
        message.contains("--version 0123456789abcdef0123456789abcdef"),
        "{message}"
    );
    let hub = pin(&mut object, "99999999999999999999999999999999");
    let Outcome::Failed { reason, message } = judged(&hub, |_| {}) else {
        panic!()
    };
    assert_eq!(reason, Reason::KeyNotFound);
    assert!(message.contains("az keyvault key list-versions"), "{message}");
}

#[test]
fn the_name_of_another_vault_fits_azures_limit() {
    for (vault_name, region, proposed) in [
        ("corp-keys", "West Europe", "corp-keys-westeurope"),
        (
            "corp-keys-of-all-the-ai1",
            "West Europe",
            "corp-keys-of-westeurope",
        ),
        (
            "corp-keys",
            "a-very-long-region-of-nobody",
            "c-averylongregionofnobod",
        ),
    ] {
        let mut hub = hub();
        hub.location = Location::parse(&region.replace('-', "")).unwrap();
        let mut observed = ready_for_creation(&hub);
        vault(&mut observed).location = Location::parse("eastus").unwrap();
        vault(&mut observed).id = id("Microsoft.KeyVault/vaults", vault_name);
        let checks = run(&hub, &observed, Before::Creation, at_second(0));
        let Outcome::Failed { message, .. } = outcome(&checks, PreflightCheckName::Vault) else {
            panic!()
        };
        let command = format!("az keyvault create --name {proposed} ");
        assert!(message.contains(&command), "{message}");
    }
}

#[test]
fn a_deleted_key_is_recovered_and_not_created() {
    let checks = run_with(|observed| {
        observed.key = Fact::Absent;
        observed.deleted_key = Fact::Known(crate::observed::DeletedKey { purge_at: None });
    });
    let Outcome::Failed { reason, message } = outcome(&checks, PreflightCheckName::Key) else {
        panic!()
    };
    assert_eq!(*reason, Reason::KeyNotFound);
    assert!(
        message.contains("az keyvault key recover") && !message.contains("key create"),
        "{message}"
    );
}
