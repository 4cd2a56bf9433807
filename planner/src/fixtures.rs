//! A hub, its object and the Azure around it, for tests.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keyholder_crds::{AIHub, ConditionType, ResourceStatus};

use crate::arm_id::ArmId;
use crate::kind::{Hub, Kind};
use crate::name::{KeyIdentifier, Location};
use crate::observed::{
    AtRest, Fact, GroupResource, Live, LiveEncryption, LiveIdentity, LiveKey, LiveKeyVersion, LiveVault,
    Observed, OperationSeen, Permissions, PolicyOutlook, RoleAssignment, RoleDefinition, Stored, Usage,
};
use crate::plan::{Input, Pace, Plan, plan};
use crate::preflight;
use crate::report::{Executed, Report, report};
use crate::validate::{Declared, Validate};

pub(crate) const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
pub(crate) const KEY: &str = "https://corp-keys.vault.azure.net/keys/ai-hub/0123456789abcdef0123456789abcdef";
pub(crate) const NEXT_KEY: &str =
    "https://corp-keys.vault.azure.net/keys/ai-hub/fedcba9876543210fedcba9876543210";
pub(crate) const PACE: Pace = Pace {
    probe: SignedDuration::from_secs(30),
    poll: SignedDuration::from_secs(10),
    settle: SignedDuration::from_secs(5),
    retry: SignedDuration::from_secs(30),
    expiry_lead: SignedDuration::from_hours(30 * 24),
    rotation_spread: SignedDuration::ZERO,
    propagation: SignedDuration::from_mins(10),
};

pub(crate) fn id(kind: &str, name: &str) -> ArmId {
    ArmId::parse(&format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ai/providers/{kind}/{name}"
    ))
    .unwrap()
}

pub(crate) fn at_second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// An object as the API server has it.
pub(crate) fn object(deletion_policy: &str) -> AIHub {
    let json = serde_json::json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIHub",
        "metadata": { "name": "research", "namespace": "ml-platform", "generation": 1 },
        "spec": {
            "subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-ai", "location": "westeurope",
            "identity": { "userAssigned": ["hub"] }, "storageAccount": "aihubdata", "keyVault": "hub-secrets",
            "encryption": { "mode": "CustomerManaged",
                "customerManagedKey": { "vault": "corp-keys", "key": "ai-hub", "identity": "hub" } },
            "deletionPolicy": deletion_policy,
        },
    });
    serde_json::from_value(json).unwrap()
}

pub(crate) fn key_version(url: &str, created: i64) -> LiveKeyVersion {
    LiveKeyVersion {
        identifier: KeyIdentifier::parse(url).unwrap(),
        enabled: true,
        not_before: None,
        expires: None,
        created: Some(at_second(created)),
    }
}

pub(crate) fn usage(name: &str, used: i64, limit: i64) -> Usage {
    Usage {
        name: name.to_owned(),
        used,
        limit,
    }
}

/// A world in which everything that a creation needs is there, and the hub is not.
pub(crate) fn ready_for_creation(hub: &Declared) -> Observed {
    let role =
        "/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6".to_owned();
    let actions =
        ["read", "wrap/action", "unwrap/action"].map(|one| format!("Microsoft.KeyVault/vaults/keys/{one}"));
    let vault = id("Microsoft.KeyVault/vaults", "corp-keys");
    Observed {
        live: Fact::Absent,
        resource_group: Fact::Known(Location::parse("westeurope").unwrap()),
        vault: Fact::Known(LiveVault {
            id: vault.clone(),
            location: Location::parse("westeurope").unwrap(),
            tenant_id: "tenant".to_owned(),
            uri: "https://corp-keys.vault.azure.net/".to_owned(),
            soft_delete: true,
            purge_protection: true,
            permissions: Permissions::Roles,
            inactive: None,
            trusted_services_pass: true,
        }),
        key: Fact::Known(LiveKey {
            kty: "RSA".to_owned(),
            size: Some(3072),
            current: key_version(KEY, -100),
            others: Vec::new(),
            rotation: Vec::new(),
        }),
        identities: vec![(
            id("Microsoft.ManagedIdentity/userAssignedIdentities", "hub"),
            Fact::Known(LiveIdentity {
                principal_id: "principal".to_owned(),
                tenant_id: "tenant".to_owned(),
                client_id: "client".to_owned(),
            }),
        )],
        associated: preflight::associated(hub)
            .into_iter()
            .map(|one| (one.id, Fact::Known(())))
            .collect(),
        role_assignments: Fact::Known(vec![RoleAssignment {
            scope: vault.to_string(),
            role_definition_id: role.clone(),
            conditional: false,
        }]),
        role_definitions: BTreeMap::from([(
            role.to_lowercase(),
            Fact::Known(RoleDefinition {
                name: "Crypto".to_owned(),
                permissions: vec![(actions.to_vec(), Vec::new())],
            }),
        )]),
        policy: Fact::Known(PolicyOutlook::default()),
        usages: BTreeMap::from([
            (
                "Microsoft.Search".to_owned(),
                Fact::Known(vec![usage("standard", 1, 16), usage("basic", 0, 16)]),
            ),
            (
                "Microsoft.Storage".to_owned(),
                Fact::Known(vec![usage("StorageAccounts", 3, 250)]),
            ),
        ]),
        providers: preflight::providers(hub)
            .iter()
            .map(|one| ((*one).to_owned(), Fact::Known(true)))
            .collect(),
        ..Observed::nothing()
    }
}

/// What a hub alone declares.
pub(crate) fn of_hub(declared: &Declared) -> &Hub {
    let Kind::Hub(hub) = &declared.kind else {
        panic!("a hub");
    };
    hub
}

/// The hub as Azure has it after its creation.
pub(crate) fn live(hub: &Declared, state: &str) -> Live {
    Live {
        id: hub.id.clone(),
        location: hub.location.clone(),
        kind: "hub".to_owned(),
        provisioning_state: Some(state.to_owned()),
        tags: hub.all_tags(),
        user_assigned: hub.user_assigned.clone(),
        system_assigned_principal: None,
        system_assigned: false,
        key_vault: Some(of_hub(hub).key_vault.clone()),
        storage_account: Some(of_hub(hub).storage_account.clone()),
        encryption: Some(LiveEncryption {
            vault: Some(id("Microsoft.KeyVault/vaults", "corp-keys")),
            key: KeyIdentifier::parse(KEY).unwrap(),
            identity: hub.user_assigned.first().cloned(),
            gone: None,
        }),
        service_side: false,
        high_business_impact: true,
        public_network_access: Some("Enabled".to_owned()),
        network_isolation: None,
        managed_group: Some("azureml-rg-research".to_owned()),
        account: None,
        project: None,
    }
}

pub(crate) fn group() -> Vec<GroupResource> {
    [
        "Microsoft.DocumentDB/databaseAccounts",
        "Microsoft.Search/searchServices",
        "Microsoft.Storage/storageAccounts",
    ]
    .into_iter()
    .map(|kind| GroupResource {
        r#type: kind.to_owned(),
        name: "one".to_owned(),
        state: Some("Succeeded".to_owned()),
    })
    .collect()
}

/// A resource around the hub that is encrypted so.
pub(crate) fn stored(at_rest: AtRest) -> Stored {
    Stored {
        follows: matches!(at_rest, AtRest::Key(_)),
        at_rest,
        location: Some(Location::parse("westeurope").unwrap()),
        provisioning_state: Some("Succeeded".to_owned()),
        tags: BTreeMap::new(),
        user_assigned: Vec::new(),
        system_assigned: false,
        unwraps: None,
        account: None,
    }
}

/// The same of what may not be known.
pub(crate) fn stored_fact(fact: Fact<AtRest>) -> Fact<Stored> {
    match fact {
        Fact::Known(at_rest) => Fact::Known(stored(at_rest)),
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why) => Fact::Unknown(why),
    }
}

pub(crate) fn created(hub: &Declared) -> Observed {
    Observed {
        live: Fact::Known(live(hub, "Succeeded")),
        managed_group: Fact::Known(group()),
        projects: Fact::Known(Vec::new()),
        ..ready_for_creation(hub)
    }
}

pub(crate) struct Pass {
    pub plan: Plan,
    pub report: Report,
}

/// One pass, with the write (if any) ending as `executed`.
pub(crate) fn pass(
    hub: &Declared,
    status: &ResourceStatus,
    observed: &Observed,
    now: i64,
    deleting: bool,
    executed: &Executed,
) -> Pass {
    let input = Input {
        declared: hub,
        status,
        deleting,
        has_finalizer: true,
        observed,
        now: at_second(now),
        pace: PACE,
    };
    let plan = plan(&input);
    let nothing = Executed::Nothing;
    let executed = if plan.write.is_some() { executed } else { &nothing };
    let report = report(&input, &plan, executed);
    Pass { plan, report }
}

pub(crate) fn condition(status: &ResourceStatus, of: ConditionType) -> (String, String) {
    let condition = crate::judge::stored(status, of).unwrap();
    (condition.status.clone(), condition.reason.clone())
}

pub(crate) fn accepted() -> Executed {
    Executed::Accepted {
        url: Some("https://localhost/operation".to_owned()),
        poll_at: at_second(10),
    }
}

pub(crate) fn ready_hub() -> (Declared, ResourceStatus) {
    let hub = object("Delete").validate("owner", None).unwrap();
    let first = pass(
        &hub,
        &ResourceStatus::default(),
        &ready_for_creation(&hub),
        0,
        false,
        &accepted(),
    );
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..created(&hub)
    };
    let second = pass(&hub, &first.report.status, &done, 20, false, &accepted());
    assert_eq!(second.plan.write, None);
    (hub, second.report.status)
}

/// What a pass at `now` decides on.
pub(crate) fn input<'a>(
    hub: &'a Declared,
    status: &'a ResourceStatus,
    observed: &'a Observed,
    now: i64,
) -> Input<'a> {
    Input {
        declared: hub,
        status,
        deleting: false,
        has_finalizer: true,
        observed,
        now: at_second(now),
        pace: PACE,
    }
}
