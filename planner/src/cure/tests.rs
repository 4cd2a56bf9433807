//! The commands, as a shell reads them.

use super::*;
use crate::fixtures::*;

#[test]
fn each_command_is_whole() {
    let vault = id("Microsoft.KeyVault/vaults", "corp-keys");
    let identity = id("Microsoft.ManagedIdentity/userAssignedIdentities", "hub");
    let key = KeyName::parse("ai-hub").unwrap();
    let version = KeyVersion::parse("0123456789abcdef0123456789abcdef").unwrap();
    let location = Location::parse("westeurope").unwrap();
    let place = format!("--name corp-keys --resource-group rg-ai --subscription {SUBSCRIPTION}");
    let of_key = "--vault-name corp-keys --name ai-hub";
    let subscription = format!("--subscription {SUBSCRIPTION}");
    let hsm = id("Microsoft.KeyVault/managedHSMs", "corp-hsm");
    let hsm_place = format!("--hsm-name corp-hsm --resource-group rg-ai --subscription {SUBSCRIPTION}");
    let of_hsm_key = "--hsm-name corp-hsm --name ai-hub";
    let table = [
        (
            key_store_in(&vault, &location),
            create_vault(&vault, &location),
        ),
        (
            key_store_in(&hsm, &location),
            format!(
                "az keyvault list --resource-type hsm {subscription} --query \"[?location=='westeurope'].id\" --output tsv"
            ),
        ),
        (
            key_stores_of(&vault, "t"),
            "az keyvault list --query \"[?properties.tenantId=='t'].id\" --output tsv".to_owned(),
        ),
        (
            key_stores_of(&hsm, "t"),
            "az keyvault list --resource-type hsm --query \"[?properties.tenantId=='t'].id\" --output tsv".to_owned(),
        ),
        (
            activate(&hsm),
            format!(
                "az keyvault security-domain download --hsm-name corp-hsm {subscription} --sd-wrapping-keys corp-hsm-1.cer corp-hsm-2.cer \
                 corp-hsm-3.cer --sd-quorum 2 --security-domain-file corp-hsm-security-domain.json"
            ),
        ),
        (
            purge_protection(&hsm),
            format!("az keyvault update-hsm {hsm_place} --enable-purge-protection true"),
        ),
        (
            trusted_services(&hsm),
            format!("az keyvault update-hsm {hsm_place} --bypass AzureServices"),
        ),
        (
            recover_vault(&hsm, &location),
            format!("az keyvault recover --hsm-name corp-hsm --location westeurope {subscription}"),
        ),
        (
            create_key(&hsm, "ai-hub"),
            format!("az keyvault key create {of_hsm_key} --kty RSA-HSM --size 3072 {subscription}"),
        ),
        (
            list_versions(&hsm, &key),
            format!("az keyvault key list-versions {of_hsm_key} {subscription}"),
        ),
        (
            grant(&hsm, &key, "who", &Permissions::Local),
            "az keyvault role assignment create --hsm-name corp-hsm --role \"Managed HSM Crypto User\" --scope /keys/ai-hub \
             --assignee-object-id who --assignee-principal-type ServicePrincipal"
                .to_owned(),
        ),
        (
            register("Microsoft.Search", SUBSCRIPTION),
            format!("az provider register --namespace Microsoft.Search {subscription}"),
        ),
        (
            create_group("rg (1)", &location, SUBSCRIPTION),
            format!("az group create --name \"rg (1)\" --location westeurope {subscription}"),
        ),
        (
            create_identity(&identity, &location),
            format!(
                "az identity create --name hub --resource-group rg-ai {subscription} --location westeurope"
            ),
        ),
        (
            create_storage_account(&id("Microsoft.Storage/storageAccounts", "aihubdata"), &location),
            format!(
                "az storage account create --name aihubdata --resource-group rg-ai {subscription} --location westeurope"
            ),
        ),
        (
            create_vault(&vault, &location),
            format!(
                "az keyvault create {place} --location westeurope --enable-purge-protection true --enable-rbac-authorization true"
            ),
        ),
        (
            soft_delete(&vault),
            format!("az resource update --ids {vault} --set properties.enableSoftDelete=true"),
        ),
        (
            purge_protection(&vault),
            format!("az keyvault update {place} --enable-purge-protection true"),
        ),
        (
            trusted_services(&vault),
            format!("az keyvault update {place} --bypass AzureServices"),
        ),
        (
            create_key(&vault, "ai-hub"),
            format!("az keyvault key create {of_key} --kty RSA --size 3072 {subscription}"),
        ),
        (
            list_versions(&vault, &key),
            format!("az keyvault key list-versions {of_key} {subscription}"),
        ),
        (
            enable_key(&vault, &key, &version),
            format!(
                "az keyvault key set-attributes {of_key} --version {version} --enabled true {subscription}"
            ),
        ),
        (
            recover_key(&vault, &key),
            format!("az keyvault key recover {of_key} {subscription}"),
        ),
        (
            purge_hub(&id("Microsoft.MachineLearningServices/workspaces", "research")),
            format!(
                "az rest --method delete --uri \"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ai/providers/\
                 Microsoft.MachineLearningServices/workspaces/research?api-version=2026-05-01&forceToPurge=true\""
            ),
        ),
        (recover_vault(&vault, &location), format!("az keyvault recover {place}")),
        (
            grant(&vault, &key, "who", &Permissions::Roles),
            format!(
                "az role assignment create --assignee-object-id who --assignee-principal-type ServicePrincipal \
                 --role \"Key Vault Crypto Service Encryption User\" --scope {vault}/keys/ai-hub"
            ),
        ),
        (
            grant(&vault, &key, "who", &Permissions::Policies(Vec::new())),
            format!("az keyvault set-policy {place} --object-id who --key-permissions get wrapKey unwrapKey"),
        ),
    ];
    for (command, expected) in table {
        assert_eq!(command, expected);
    }
}

#[test]
fn a_message_has_its_cure_on_lines_of_their_own() {
    assert_eq!(message("No.", &[]), "No.");
    let commands = ["az one".to_owned(), "az two".to_owned()];
    assert_eq!(message("No.", &commands), "No.\nCure:\naz one\naz two");
}

#[test]
fn a_long_message_ends_with_a_whole_line() {
    let more = "The rest stands in the condition.";
    let one = format!("No.\nCure:\naz one\n{more}");
    let long = message("No.", &["az one".to_owned(), "az two".repeat(20)]);
    assert_eq!(within(&long, long.len()), long);
    assert_eq!(within(&long, long.len() - 1), one);
    assert_eq!(within(&long, one.len()), one);
    assert_eq!(within(&long, one.len() - 1), format!("No.\n{more}"));
    // A first line that is too long itself is for somebody else to cut.
    assert_eq!(within("a long line", 5), "a long line");
}
