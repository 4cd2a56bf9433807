//! Keys of managed HSMs: who may use one cannot be read, and nothing is claimed or blocked because of that.

use keyholder_crds::{CheckResult, PreflightCheckName};

use super::*;
use crate::observed::Permissions;

mod refused;

const HSM: &str = "Microsoft.KeyVault/managedHSMs";
const URI: &str = "https://corp-keys.managedhsm.azure.net/";
const GRANT: &str = "\nCure:\naz keyvault role assignment create --hsm-name corp-keys --role \"Managed HSM Crypto User\" --scope /keys/ai-hub \
                     --assignee-object-id ";

fn in_hsm(url: &str) -> String {
    url.replace("vault.azure.net", "managedhsm.azure.net")
}

fn declared(change: impl Fn(&mut Value)) -> Declared {
    account(|object| {
        object["spec"]["encryption"]["customerManagedKey"]["vault"] = json!(id(HSM, "corp-keys").as_str());
        change(object);
    })
}

fn with_its_own() -> Declared {
    declared(|object| {
        object["spec"]["identity"] = json!({ "systemAssigned": true });
        let key = &mut object["spec"]["encryption"]["customerManagedKey"];
        key.as_object_mut().unwrap().remove("identity");
    })
}

/// The HSM and its key in place of the vault; roles of Azure Resource Manager stay and count for nothing.
fn moved(mut observed: Observed) -> Observed {
    if let Fact::Known(vault) = &mut observed.vault {
        vault.id = id(HSM, "corp-keys");
        vault.uri = URI.to_owned();
        vault.permissions = Permissions::Local;
    }
    if let Fact::Known(key) = &mut observed.key {
        key.kty = "RSA-HSM".to_owned();
        key.current = key_version(&in_hsm(KEY), -100);
    }
    observed
}

fn absent(declared: &Declared) -> Observed {
    moved(Observed {
        deleted: Fact::Absent,
        ..ready_for_creation(declared)
    })
}

fn found(declared: &Declared, status: &ResourceStatus, key: Option<&str>) -> Observed {
    moved(there(declared, status, live(declared, key)))
}

fn message(status: &ResourceStatus, of: ConditionType) -> String {
    crate::judge::stored(status, of).unwrap().message.clone()
}

fn says(status: &ResourceStatus, of: ConditionType, truth: &str, reason: Reason) {
    let expected = (truth.to_owned(), reason.to_string());
    assert_eq!(condition(status, of), expected, "{}", message(status, of));
}

#[test]
fn it_is_created_with_its_key_and_ready_with_the_access_unverifiable() {
    let declared = declared(|_| {});
    let first = next(&declared, &ResourceStatus::default(), &absent(&declared), 0);
    let write = first.plan.write.unwrap();
    let key = &encryption_of(&write.request)["keyVaultProperties"];
    assert_eq!(
        (&key["keyVaultUri"], &key["keyVersion"]),
        (&json!(URI), &json!(""))
    );
    let status = first.report.status;
    says(
        &status,
        ConditionType::PrerequisitesMet,
        "True",
        Reason::ChecksPassed,
    );
    let access = |status: &ResourceStatus| {
        let found = status
            .preflight
            .iter()
            .find(|one| one.check == PreflightCheckName::Access);
        found.unwrap().clone()
    };
    assert_eq!(access(&status).result, CheckResult::Unknown);
    let said = access(&status).message.unwrap();
    let cure = format!("{GRANT}principal --assignee-principal-type ServicePrincipal");
    assert!(said.ends_with(&cure), "{said}");

    let followed = in_hsm(FOLLOWED);
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..found(&declared, &status, Some(&followed))
    };
    let ready = pass(&declared, &status, &done, 20, false, &Executed::Done);
    assert_eq!(ready.plan.write, None);
    let status = ready.report.status;
    says(&status, ConditionType::Ready, "True", Reason::AllConditionsMet);
    says(
        &status,
        ConditionType::KeyApplied,
        "True",
        Reason::FollowedByService,
    );
    says(
        &status,
        ConditionType::KeyHealthy,
        "Unknown",
        Reason::Unverifiable,
    );
    assert!(message(&status, ConditionType::KeyHealthy).ends_with(&cure));
    assert_eq!(access(&status).result, CheckResult::Unknown);
    assert!(
        status
            .bound
            .as_ref()
            .unwrap()
            .vault
            .as_ref()
            .unwrap()
            .ends_with("/managedhsms/corp-keys")
    );
    assert_eq!(
        status.encryption.as_ref().unwrap().key_identifier,
        Some(followed.clone())
    );

    // At rest nothing is said anew.
    let later = next(
        &declared,
        &status,
        &found(&declared, &status, Some(&followed)),
        5000,
    );
    assert_eq!((later.plan.write, later.report.status), (None, status));
    assert!(later.report.notes.is_empty());
}

#[test]
fn role_assignments_at_an_hsm_are_not_read() {
    let declared = declared(|_| {});
    let status = ResourceStatus::default();
    let live = crate::with_known_vault(live(&declared, Some(&in_hsm(FOLLOWED))), &declared, &status);
    for fact in [Fact::Absent, Fact::Known(live)] {
        let needs = crate::needs(&declared, &status, false, &fact);
        assert!(needs.key && !needs.access);
        assert_eq!(needs.vault, Some(id(HSM, "corp-keys")));
        assert_eq!(needs.identities.len(), 1, "the message names the principal");
    }
}

/// What Azure says inside the operation is told with the cure, and the write is tried again.
fn fails_and_heals(declared: &Declared, begun: Pass, mut broken: Observed, principal: &str) {
    let status = begun.report.status;
    let wanted = begun.plan.write.unwrap().kind;
    broken.operation = OperationSeen::Failed {
        code: "Forbidden".to_owned(),
        message: "it lacks wrap, unwrap".to_owned(),
    };
    let failed = next(declared, &status, &broken, 70);
    assert_eq!(failed.plan.write, None);
    let status = failed.report.status;
    says(
        &status,
        ConditionType::Provisioned,
        "False",
        Reason::ProvisioningFailed,
    );
    let said = message(&status, ConditionType::Provisioned);
    assert!(said.starts_with("Forbidden: it lacks wrap, unwrap\n"), "{said}");
    let cure = format!("{GRANT}{principal} --assignee-principal-type ServicePrincipal");
    assert!(said.ends_with(&cure), "{said}");

    broken.operation = OperationSeen::None;
    let waits = next(declared, &status, &broken, 75);
    assert_eq!(waits.plan.write, None);
    assert_eq!(message(&waits.report.status, ConditionType::Provisioned), said);
    let again = next(declared, &waits.report.status, &broken, 70 + 71);
    assert_eq!(again.plan.write.unwrap().kind, wanted);
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..found(declared, &again.report.status, Some(&in_hsm(FOLLOWED)))
    };
    let ready = pass(declared, &again.report.status, &done, 200, false, &Executed::Done);
    says(
        &ready.report.status,
        ConditionType::Ready,
        "True",
        Reason::AllConditionsMet,
    );
}

#[test]
fn a_creation_that_fails_for_want_of_a_role_tells_the_cure() {
    let declared = declared(|_| {});
    let begun = next(&declared, &ResourceStatus::default(), &absent(&declared), 0);
    let mut left = live(&declared, None);
    left.provisioning_state = Some("Failed".to_owned());
    let broken = moved(there(&declared, &begun.report.status, left));
    fails_and_heals(&declared, begun, broken, "principal");
}

#[test]
fn its_own_identity_gets_the_key_in_a_second_step_that_waits_for_nothing() {
    let declared = with_its_own();
    let first = next(&declared, &ResourceStatus::default(), &absent(&declared), 0);
    let write = first.plan.write.unwrap();
    assert_eq!(encryption_of(&write.request), &Value::Null);
    let status = first.report.status;
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..found(&declared, &status, None)
    };
    let second = next(&declared, &status, &done, 60);
    assert_eq!(second.plan.write.as_ref().unwrap().kind, OperationKind::ChangeKey);
    let broken = found(&declared, &second.report.status, None);
    fails_and_heals(&declared, second, broken, "own");
}

#[test]
fn a_failure_of_another_cause_is_not_laid_on_the_access() {
    let declared = declared(|_| {});
    let begun = next(&declared, &ResourceStatus::default(), &absent(&declared), 0);
    let mut left = live(&declared, None);
    left.provisioning_state = Some("Failed".to_owned());
    for (code, text) in [
        ("QuotaExceeded", "no"),
        (
            "BadRequest",
            "KeyVaultProperties is invalid. An account of kind OpenAI fetches its key by its system-assigned identity.",
        ),
        (
            "Forbidden",
            "Access to corp-keys was denied (ForbiddenByFirewall).",
        ),
        (
            "Forbidden",
            "Operation wrap is not allowed on the disabled key (KeyDisabled).",
        ),
        (
            "LinkedAuthorizationFailed",
            "it does not have permission to perform action(s) 'assign/action'",
        ),
        (
            "Forbidden",
            "Operation wrap is not allowed: it is expired or not yet valid.",
        ),
    ] {
        let broken = Observed {
            operation: OperationSeen::Failed {
                code: code.to_owned(),
                message: text.to_owned(),
            },
            ..moved(there(&declared, &begun.report.status, left.clone()))
        };
        let status = next(&declared, &begun.report.status, &broken, 70).report.status;
        assert_eq!(
            message(&status, ConditionType::Provisioned),
            format!("{code}: {text}")
        );
    }
}

#[test]
fn what_is_wrong_with_an_hsm_is_told_before_anything_is_created() {
    type Change = fn(&mut Observed);
    fn hsm(observed: &mut Observed) -> &mut crate::observed::LiveVault {
        let Fact::Known(hsm) = &mut observed.vault else {
            panic!()
        };
        hsm
    }
    fn key(observed: &mut Observed) -> &mut crate::observed::LiveKey {
        let Fact::Known(key) = &mut observed.key else {
            panic!()
        };
        key
    }
    let table: [(Change, Reason, &str); 9] = [
        (
            |o| o.vault = Fact::Absent,
            Reason::VaultNotFound,
            "az keyvault list --resource-type hsm",
        ),
        (
            |o| hsm(o).inactive = Some("NotActivated".to_owned()),
            Reason::HsmNotActivated,
            "(NotActivated): none of its keys works",
        ),
        (
            |o| hsm(o).purge_protection = false,
            Reason::PurgeProtectionDisabled,
            "az keyvault update-hsm --hsm-name corp-keys",
        ),
        (
            |o| hsm(o).soft_delete = false,
            Reason::SoftDeleteDisabled,
            "Managed HSM /subscriptions",
        ),
        (
            |o| hsm(o).location = crate::name::Location::parse("eastus").unwrap(),
            Reason::RegionMismatch,
            "[?location=='westeurope'].id",
        ),
        (
            |o| hsm(o).tenant_id = "other".to_owned(),
            Reason::TenantMismatch,
            "az keyvault list --resource-type hsm --query \"[?properties.tenantId=='tenant'].id\"",
        ),
        (
            |o| hsm(o).trusted_services_pass = false,
            Reason::VaultBlocksTrustedServices,
            "--bypass AzureServices",
        ),
        (
            |o| key(o).kty = "oct-HSM".to_owned(),
            Reason::KeyUnsuitable,
            "az keyvault key create --hsm-name corp-keys --name ai-hub-rsa --kty RSA-HSM",
        ),
        (
            |o| key(o).current.enabled = false,
            Reason::KeyUnsuitable,
            "az keyvault key set-attributes --hsm-name corp-keys",
        ),
    ];
    let declared = declared(|_| {});
    for (change, reason, part) in table {
        let mut observed = absent(&declared);
        change(&mut observed);
        let pass = next(&declared, &ResourceStatus::default(), &observed, 0);
        assert_eq!(pass.plan.write, None, "{reason}");
        let status = pass.report.status;
        says(&status, ConditionType::PrerequisitesMet, "False", reason);
        says(&status, ConditionType::Stalled, "True", reason);
        let said = message(&status, ConditionType::PrerequisitesMet);
        assert!(said.contains(part) && said.contains("\nCure:\naz "), "{said}");
        assert!(
            !said.contains("--vault-name") && !said.contains("Vault "),
            "{said}"
        );
    }
}

#[test]
fn a_key_in_use_is_watched_but_for_the_access() {
    let declared = declared(|_| {});
    let followed = in_hsm(FOLLOWED);
    let begun = next(&declared, &ResourceStatus::default(), &absent(&declared), 0)
        .report
        .status;
    let healthy = |change: &dyn Fn(&mut Observed)| {
        let mut observed = Observed {
            operation: OperationSeen::Succeeded,
            ..found(&declared, &begun, Some(&followed))
        };
        change(&mut observed);
        pass(&declared, &begun, &observed, 20, false, &Executed::Done)
            .report
            .status
    };
    let of_key = |change: &dyn Fn(&mut crate::observed::LiveKey)| {
        healthy(&|observed| {
            let Fact::Known(key) = &mut observed.key else {
                panic!()
            };
            change(key);
        })
    };
    // A date that comes near is said, and nothing is claimed by that.
    let soon = of_key(&|key| key.current.expires = Some(at_second(86_400)));
    says(&soon, ConditionType::KeyHealthy, "Unknown", Reason::Unverifiable);
    let said = message(&soon, ConditionType::KeyHealthy);
    assert!(
        said.contains("expires at") && said.contains("role assignment create"),
        "{said}"
    );
    says(&soon, ConditionType::Ready, "True", Reason::AllConditionsMet);
    let disabled = of_key(&|key| key.current.enabled = false);
    says(&disabled, ConditionType::KeyHealthy, "False", Reason::KeyDisabled);
    let closed = healthy(&|observed| {
        let Fact::Known(hsm) = &mut observed.vault else {
            panic!()
        };
        hsm.trusted_services_pass = false;
    });
    says(
        &closed,
        ConditionType::KeyHealthy,
        "False",
        Reason::VaultBlocksTrustedServices,
    );
    let said = message(&closed, ConditionType::KeyHealthy);
    assert!(
        said.starts_with("The firewall of managed HSM /subscriptions"),
        "{said}"
    );
    let gone = healthy(&|observed| observed.vault = Fact::Absent);
    says(&gone, ConditionType::KeyHealthy, "False", Reason::KeyDeleted);
    let said = message(&gone, ConditionType::KeyHealthy);
    assert!(
        said.contains("Managed HSM") && said.contains("az keyvault recover --hsm-name"),
        "{said}"
    );
}
