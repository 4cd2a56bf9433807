//! The whole table, cell by cell.

use strum::IntoEnumIterator;

use super::*;

const VAULT_KEY: &str = "https://corp-keys.vault.azure.net/keys/ai-hub";
const ONE: &str = "0123456789abcdef0123456789abcdef";
const TWO: &str = "fedcba9876543210fedcba9876543210";

const HUBS: [Profile; 2] = [Profile::HubManagedGroup, Profile::HubServiceSide];

fn expected(profile: Profile, transition: Transition) -> Cell {
    if profile == Profile::Project {
        return Cell::Forbidden;
    }
    if let Some(cell) = of_dependent(profile, transition) {
        return cell;
    }
    if !HUBS.contains(&profile) {
        return of_account(profile, transition);
    }
    let service_side = profile == Profile::HubServiceSide;
    match transition {
        Transition::ToCustomerManaged
        | Transition::ToMicrosoftManaged
        | Transition::OtherVault
        | Transition::DataLocation => Cell::Forbidden,
        Transition::OtherKey => Cell::Allowed(How::PatchKeyIdentifier),
        Transition::NewVersion if service_side => {
            Cell::Unverified(Some(UnverifiedTransition::ServiceSideKeyRotation))
        }
        Transition::NewVersion => Cell::Allowed(How::PatchKeyIdentifier),
        Transition::Versionless | Transition::ManagedHsm => Cell::Unverified(None),
        Transition::UserAssignedIdentity if service_side => {
            Cell::Unverified(Some(UnverifiedTransition::ServiceSideUserAssignedIdentity))
        }
        Transition::UserAssignedIdentity | Transition::RoleBasedVault => Cell::Allowed(How::Create),
    }
}

fn of_dependent(profile: Profile, transition: Transition) -> Option<Cell> {
    use Transition::{
        DataLocation, ManagedHsm, NewVersion, OtherVault, ToCustomerManaged, ToMicrosoftManaged,
    };
    let patch = Cell::Allowed(How::PatchEncryption);
    Some(match (profile, transition) {
        (Profile::SearchService, ToCustomerManaged | ToMicrosoftManaged) => patch,
        (Profile::SearchService, _)
        | (Profile::StorageAccount | Profile::DatabaseAccount | Profile::Registry, DataLocation) => {
            Cell::Forbidden
        }
        (Profile::Registry, ToCustomerManaged | ToMicrosoftManaged) => Cell::Forbidden,
        (Profile::DatabaseAccount, ToMicrosoftManaged | NewVersion) => Cell::Forbidden,
        (Profile::DatabaseAccount, OtherVault)
        | (Profile::StorageAccount | Profile::DatabaseAccount, ManagedHsm) => Cell::Unverified(None),
        (Profile::StorageAccount | Profile::DatabaseAccount | Profile::Registry, _) => patch,
        _ => return None,
    })
}

fn of_account(profile: Profile, transition: Transition) -> Cell {
    let projects = profile == Profile::FoundryAccount;
    let open_ai = profile == Profile::OpenAIAccount;
    match transition {
        Transition::DataLocation => Cell::Forbidden,
        Transition::ToMicrosoftManaged | Transition::OtherVault if projects => Cell::Forbidden,
        Transition::OtherVault => Cell::Unverified(None),
        Transition::Versionless if open_ai => Cell::Unverified(None),
        Transition::UserAssignedIdentity if open_ai => {
            Cell::Unverified(Some(UnverifiedTransition::OpenAIUserAssignedIdentity))
        }
        Transition::ManagedHsm if open_ai => Cell::Unverified(Some(UnverifiedTransition::OpenAIManagedHsm)),
        Transition::RoleBasedVault if open_ai => {
            Cell::Unverified(Some(UnverifiedTransition::OpenAIRoleBasedVault))
        }
        Transition::UserAssignedIdentity | Transition::ManagedHsm | Transition::RoleBasedVault => {
            Cell::Allowed(How::Create)
        }
        Transition::ToMicrosoftManaged
        | Transition::ToCustomerManaged
        | Transition::OtherKey
        | Transition::NewVersion
        | Transition::Versionless => Cell::Allowed(How::PatchEncryption),
    }
}

#[test]
fn each_cell_is_as_its_source_says() {
    let mut cells = 0;
    for profile in Profile::iter() {
        for transition in Transition::iter() {
            assert_eq!(
                cell(profile, transition),
                expected(profile, transition),
                "{profile} {transition}"
            );
            cells += 1;
        }
    }
    assert_eq!(cells, 100);
}

#[test]
fn only_an_unverified_cell_with_its_name_is_let_through() {
    let all: Vec<UnverifiedTransition> = UnverifiedTransition::iter().collect();
    for profile in Profile::iter() {
        for transition in Transition::iter() {
            let cell = cell(profile, transition);
            let (alone, with_all) = (is_let_through(cell, &[]), is_let_through(cell, &all));
            match cell {
                Cell::Allowed(_) => assert!(alone && with_all),
                Cell::Forbidden | Cell::Unverified(None) => assert!(!alone && !with_all),
                Cell::Unverified(Some(name)) => {
                    assert!(!alone && with_all);
                    assert!(is_let_through(cell, &[name]));
                    let others: Vec<_> = all.iter().copied().filter(|one| *one != name).collect();
                    assert!(!is_let_through(cell, &others));
                }
            }
        }
    }
}

#[test]
fn a_hubs_profile_follows_from_where_its_data_is() {
    assert_eq!(
        Profile::of_hub(Some(DataLocation::ServiceSide)),
        Profile::HubServiceSide
    );
    for location in [Some(DataLocation::ManagedResourceGroup), None] {
        assert_eq!(Profile::of_hub(location), Profile::HubManagedGroup);
    }
}

#[test]
fn what_differs_between_two_keys_names_the_transition() {
    let key = |text: String| KeyIdentifier::parse(&text).unwrap();
    let current = key(format!("{VAULT_KEY}/{ONE}"));
    let table = [
        (format!("{VAULT_KEY}/{ONE}"), None),
        (format!("{VAULT_KEY}/{ONE}").replace("ai-hub", "AI-HUB"), None),
        (format!("{VAULT_KEY}/{TWO}"), Some(Transition::NewVersion)),
        (VAULT_KEY.to_owned(), Some(Transition::Versionless)),
        (
            format!("https://corp-keys.vault.azure.net/keys/other/{ONE}"),
            Some(Transition::OtherKey),
        ),
        (
            format!("https://other-keys.vault.azure.net/keys/ai-hub/{ONE}"),
            Some(Transition::OtherVault),
        ),
        (
            format!("https://corp-keys.managedhsm.azure.net/keys/ai-hub/{ONE}"),
            Some(Transition::OtherVault),
        ),
    ];
    for (wanted, transition) in table {
        assert_eq!(
            Transition::between(&current, &key(wanted.clone())),
            transition,
            "{wanted}"
        );
    }
    let versionless = key(VAULT_KEY.to_owned());
    assert_eq!(Transition::between(&versionless, &versionless), None);
    assert_eq!(
        Transition::between(&versionless, &current),
        Some(Transition::NewVersion)
    );
}
