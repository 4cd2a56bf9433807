"""Microsoft's own clients against the simulated Azure, from the login to the purge.

Reads ARM_ENDPOINT (of Azure Resource Manager, and of Entra), TENANT_ID, SUBSCRIPTION_ID, CLIENT_ID, CLIENT_SECRET and
OBJECT_ID; HTTPS_PROXY and REQUESTS_CA_BUNDLE are the clients' own affair. Nothing is switched off: certificates and the
challenge of Key Vault are verified. Each step says what it did; the first answer that a client cannot use ends it.
"""

import io
import json
import os
import uuid

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.keyvault.keys import KeyClient, KeyRotationLifetimeAction, KeyRotationPolicy, KeyRotationPolicyAction
from azure.keyvault.keys.crypto import CryptographyClient, KeyWrapAlgorithm
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.authorization.models import RoleAssignmentCreateParameters
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.keyvault.models import (
    KeyAttributes,
    KeyCreateParameters,
    KeyProperties,
    Sku,
    VaultCheckNameAvailabilityParameters,
    VaultCreateOrUpdateParameters,
    VaultProperties,
)
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.search import SearchManagementClient
from azure.mgmt.search.models import EncryptionWithCmk, SearchService, SearchServiceUpdate
from azure.mgmt.search.models import Sku as SearchSku
from azure.mgmt.storage import StorageManagementClient
from azure.mgmt.storage import models as storage

ENDPOINT = os.environ["ARM_ENDPOINT"]
TENANT = os.environ["TENANT_ID"]
SUBSCRIPTION = os.environ["SUBSCRIPTION_ID"]
OBJECT_ID = os.environ["OBJECT_ID"]
GROUP = "strangers"
LOCATION = "westeurope"
SCOPE = f"/subscriptions/{SUBSCRIPTION}"

CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
CRYPTO_SERVICE_ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
WORKSPACES = "2025-12-01"
ACCOUNTS = "2026-07-01"

credential = ClientSecretCredential(
    TENANT,
    os.environ["CLIENT_ID"],
    os.environ["CLIENT_SECRET"],
    authority=ENDPOINT,
    # Else it asks Microsoft whether it knows this authority.
    disable_instance_discovery=True,
)
arm = {"base_url": ENDPOINT, "credential_scopes": ["https://management.azure.com/.default"], "polling_interval": 1}
resources = ResourceManagementClient(credential, SUBSCRIPTION, **arm)
vaults = KeyVaultManagementClient(credential, SUBSCRIPTION, **arm)
identities = ManagedServiceIdentityClient(credential, SUBSCRIPTION, **arm)
authorization = AuthorizationManagementClient(credential, SUBSCRIPTION, **arm)
stores = StorageManagementClient(credential, SUBSCRIPTION, **arm).storage_accounts
searches = SearchManagementClient(credential, SUBSCRIPTION, **arm).services
# It speaks an older version by itself.
cognitive = CognitiveServicesManagementClient(credential, SUBSCRIPTION, api_version=ACCOUNTS, **arm)
# No release of this client knows hubs by itself: it is told the version, and bodies are JSON.
workspaces = MachineLearningServicesMgmtClient(credential, SUBSCRIPTION, api_version=WORKSPACES, **arm).workspaces


def step(text):
    print(text, flush=True)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(call, status, code, inner=None):
    """Calls what must be refused so."""
    try:
        call()
    except HttpResponseError as error:
        check(error.status_code == status, f"status {error.status_code}, not {status}: {error}")
        check(error.error is not None, f"no error object was read: {error}")
        check(error.error.code == code, f"code {error.error.code}, not {code}: {error}")
        found = (error.error.innererror or {}).get("code")
        check(found == inner, f"inner code {found}, not {inner}: {error}")
        return
    raise AssertionError(f"{code} was expected, and it was done")


def body(value):
    return io.BytesIO(json.dumps(value).encode())


def grant(scope, role, principal):
    return authorization.role_assignments.create(
        scope,
        str(uuid.uuid4()),
        RoleAssignmentCreateParameters(
            role_definition_id=f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            principal_id=principal,
            principal_type="ServicePrincipal",
        ),
    )


def make_vault(name, **properties):
    parameters = VaultCreateOrUpdateParameters(
        location=LOCATION,
        properties=VaultProperties(
            tenant_id=TENANT, sku=Sku(family="A", name="standard"), **properties
        ),
    )
    return vaults.vaults.begin_create_or_update(GROUP, name, parameters).result()


def prepare():
    for namespace in ("Microsoft.KeyVault", "Microsoft.MachineLearningServices", "Microsoft.CognitiveServices"):
        check(resources.providers.register(namespace).registration_state == "Registered", namespace)
    group = resources.resource_groups.create_or_update(GROUP, {"location": LOCATION, "tags": {"for": "strangers"}})
    check(group.name in [one.name for one in resources.resource_groups.list()], "the group is not listed")
    check(resources.resource_groups.check_existence(GROUP), "the group does not exist")
    check(not resources.resource_groups.check_existence("no-such-group"), "a group exists that does not")
    step(f"group {group.id}")


def vaults_and_keys():
    asked = VaultCheckNameAvailabilityParameters(name="strangers-keys", type="Microsoft.KeyVault/vaults")
    check(vaults.vaults.check_name_availability(asked).name_available, "the name is taken")
    vault = make_vault("strangers-keys", enable_purge_protection=True, enable_rbac_authorization=True)
    loose = make_vault("strangers-loose", soft_delete_retention_in_days=7)
    answer = vaults.vaults.check_name_availability(asked)
    check((answer.name_available, answer.reason) == (False, "AlreadyExists"), "the name is still free")
    check(loose.properties.enable_rbac_authorization, "a new vault has no RBAC")
    check(
        sorted(one.name for one in vaults.vaults.list_by_subscription()) == ["strangers-keys", "strangers-loose"],
        "the vaults are not listed",
    )
    step(f"vault {vault.properties.vault_uri}")
    made = vaults.keys.create_if_not_exist(
        GROUP,
        "strangers-keys",
        "by-arm",
        KeyCreateParameters(properties=KeyProperties(kty="RSA", key_size=3072, attributes=KeyAttributes(enabled=True))),
    )
    check(made.properties.key_uri.startswith(vault.properties.vault_uri), made.properties.key_uri)

    keys = KeyClient(vault.properties.vault_uri, credential)
    # The owner of the subscription is nobody in the vault.
    refused(lambda: keys.get_key("by-arm"), 403, "Forbidden", "ForbiddenByRbac")
    for one in (vault, loose):
        grant(one.id, CRYPTO_OFFICER, OBJECT_ID)
    check(keys.get_key("by-arm").id == made.properties.key_uri_with_version, "not the same key")
    key = keys.create_rsa_key("hub", size=3072, tags={"for": "hub"})
    check(vaults.keys.get(GROUP, "strangers-keys", "hub").properties.key_uri_with_version == key.id, "not the same key")
    check(sorted(one.name for one in keys.list_properties_of_keys()) == ["by-arm", "hub"], "the keys are not listed")
    curve = keys.create_ec_key("curve", curve="P-384")
    check(curve.key.crv == "P-384" and len(curve.key.x) == 48, "no curve")
    refused(lambda: keys.get_key("missing"), 404, "KeyNotFound")
    step(f"key {key.id}")
    return vault, loose, keys, key


def use_the_key(keys, key):
    secret = os.urandom(32)
    cryptography = CryptographyClient(key, credential)
    for algorithm in (KeyWrapAlgorithm.rsa_oaep_256, KeyWrapAlgorithm.rsa_oaep, KeyWrapAlgorithm.rsa1_5):
        # The client wraps by itself, with the public half; only the vault unwraps.
        wrapped = cryptography.wrap_key(algorithm, secret)
        check(cryptography.unwrap_key(algorithm, wrapped.encrypted_key).key == secret, algorithm)
        by_vault = CryptographyClient(key.id, credential)
        check(by_vault.unwrap_key(algorithm, wrapped.encrypted_key).key_id == key.id, algorithm)
    keys.update_key_properties("hub", key.properties.version, enabled=False)
    refused(
        lambda: CryptographyClient(key.id, credential).unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key),
        403,
        "Forbidden",
        "KeyDisabled",
    )
    check(not keys.get_key("hub").properties.enabled, "it is enabled")
    keys.update_key_properties("hub", key.properties.version, enabled=True)
    policy = keys.update_key_rotation_policy(
        "hub",
        KeyRotationPolicy(),
        expires_in="P2Y",
        lifetime_actions=[KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P18M")],
    )
    read = keys.get_key_rotation_policy("hub")
    check(read.expires_in == policy.expires_in == "P2Y", "another policy")
    check(read.lifetime_actions[0].action == KeyRotationPolicyAction.rotate, "another action")
    step("wrapped and unwrapped")


def hub_with_the_key(vault, key):
    identity = identities.user_assigned_identities.create_or_update(GROUP, "hub", {"location": LOCATION})
    grant(vault.id, CRYPTO_SERVICE_ENCRYPTION_USER, identity.principal_id)
    listed = authorization.role_assignments.list_for_scope(vault.id, filter="atScope()")
    check(identity.principal_id in [one.principal_id for one in listed], "the assignment is not listed")
    storage = resources.resources.begin_create_or_update_by_id(
        f"{SCOPE}/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/strangersstore",
        {"location": LOCATION, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}},
        api_version="2026-04-01",
    ).result()
    step(f"identity {identity.id}")
    wanted = {
        "kind": "Hub",
        "location": LOCATION,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity.id: {}}},
        "properties": {
            "storageAccount": storage.id,
            "primaryUserAssignedIdentity": identity.id,
            "encryption": {
                "status": "Enabled",
                "identity": {"userAssignedIdentity": identity.id},
                "keyVaultProperties": {"keyVaultArmId": vault.id, "keyIdentifier": key.id},
            },
        },
    }
    hub = workspaces.begin_create_or_update(GROUP, "strangers", body(wanted), content_type="application/json").result()
    check(hub.provisioning_state == "Succeeded", hub.provisioning_state)
    check(hub.encryption.key_vault_properties.key_identifier == key.id, "another key")
    check([one.name for one in workspaces.list_by_subscription()] == ["strangers"], "the hub is not listed")
    generic = resources.resources.get_by_id(hub.id, api_version=WORKSPACES)
    check(generic.kind == "Hub", generic.kind)
    step(f"hub {hub.id}")
    return hub


def project_of_the_hub(hub):
    wanted = {
        "kind": "Project",
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {"hubResourceId": hub.id, "friendlyName": "Churn"},
    }
    made = workspaces.begin_create_or_update(GROUP, "churn", body(wanted), content_type="application/json").result()
    check(made.provisioning_state == "Succeeded", made.provisioning_state)
    check(made.friendly_name == "Churn", made.friendly_name)
    key, of_hub = (one.encryption.key_vault_properties.key_identifier for one in (made, hub))
    check(key == of_hub, f"the key {key}, not its hub's")
    generic = resources.resources.get_by_id(made.id, api_version=WORKSPACES)
    check((generic.kind, generic.properties["hubResourceId"]) == ("Project", hub.id), f"another hub: {generic}")
    check({one.name for one in workspaces.list_by_resource_group(GROUP)} == {"strangers", "churn"}, "the project is not listed")
    refused(lambda: workspaces.begin_delete(GROUP, hub.name).result(), 409, "Conflict")
    workspaces.begin_delete(GROUP, "churn", params={"forceToPurge": "true"}).result()
    refused(lambda: workspaces.get(GROUP, "churn"), 404, "ResourceNotFound")
    step(f"project {made.id}")


def rotate(keys, key):
    rotated = keys.rotate_key("hub")
    check(rotated.id != key.id, "no new version")
    check(rotated.properties.expires_on is not None, "the policy was not followed")
    change = {"properties": {"encryption": {"keyVaultProperties": {"keyIdentifier": rotated.id}}}}
    hub = workspaces.begin_update(GROUP, "strangers", body(change), content_type="application/json").result()
    hub = workspaces.get(GROUP, hub.name)
    check(hub.encryption.key_vault_properties.key_identifier == rotated.id, "the hub has another key")
    versions = {one.version for one in keys.list_properties_of_key_versions("hub")}
    check(versions == {key.properties.version, rotated.properties.version}, f"versions {versions}")
    by_arm = {one.name for one in vaults.keys.list_versions(GROUP, "strangers-keys", "hub")}
    check(by_arm == versions, f"versions by Azure Resource Manager {by_arm}")
    kinds = {one.type for one in resources.resources.list_by_resource_group(GROUP)}
    check(len(kinds) == 4, f"types {kinds}")
    step(f"rotated to {rotated.id}")


def account_with_the_key(vault):
    name = "strangers-ai"
    identity = identities.user_assigned_identities.get(GROUP, "hub")
    wanted = {
        "kind": "AIServices",
        "sku": {"name": "S0"},
        "location": LOCATION,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity.id: {}}},
        "properties": {
            "customSubDomainName": name,
            "encryption": {
                "keySource": "Microsoft.KeyVault",
                "keyVaultProperties": {
                    "keyVaultUri": vault.properties.vault_uri,
                    "keyName": "hub",
                    "keyVersion": "",
                    "identityClientId": identity.client_id,
                },
            },
        },
    }
    account = cognitive.accounts.begin_create(GROUP, name, wanted).result()
    check(account.properties.provisioning_state == "Succeeded", account.properties.provisioning_state)
    key = account.properties.encryption.key_vault_properties
    check((key.key_name, key.identity_client_id) == ("hub", identity.client_id), f"another key: {key}")
    check([one.name for one in cognitive.accounts.list()] == [name], "the account is not listed")
    step(f"account {account.id}")
    microsofts = {"properties": {"encryption": {"keySource": "Microsoft.CognitiveServices"}}}
    cognitive.accounts.begin_update(GROUP, name, microsofts).result()
    check(cognitive.accounts.get(GROUP, name).properties.encryption is None, "it has its key still")
    cognitive.accounts.begin_delete(GROUP, name).result()
    refused(lambda: cognitive.accounts.begin_create(GROUP, name, wanted).result(), 409, "FlagMustBeSetForRestore")
    check([one.name for one in cognitive.deleted_accounts.list()] == [name], "the deleted account is not listed")
    cognitive.deleted_accounts.begin_purge(LOCATION, GROUP, name).result()
    check(list(cognitive.deleted_accounts.list()) == [], "it was not purged")
    step("account deleted and purged")


def project_of_an_account():
    name = "strangers-foundry"
    wanted = {
        "kind": "AIServices",
        "sku": {"name": "S0"},
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {"customSubDomainName": name, "allowProjectManagement": True},
    }
    cognitive.accounts.begin_create(GROUP, name, wanted).result()
    project = {
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {"displayName": "Agents"},
    }
    made = cognitive.projects.begin_create(GROUP, name, "agents", body(project)).result()
    check(made.properties.provisioning_state == "Succeeded", made.properties.provisioning_state)
    check((made.name, made.properties.is_default) == (f"{name}/agents", True), f"another project: {made}")
    change = {"properties": {"displayName": "Our agents"}}
    cognitive.projects.begin_update(GROUP, name, "agents", body(change)).result()
    listed = [one.properties.display_name for one in cognitive.projects.list(GROUP, name)]
    check(listed == ["Our agents"], f"listed is {listed}")
    refused(lambda: cognitive.accounts.begin_delete(GROUP, name).result(), 409, "CannotDeleteResource")
    cognitive.projects.begin_delete(GROUP, name, "agents").result()
    refused(lambda: cognitive.projects.get(GROUP, name, "agents"), 404, "ResourceNotFound")
    cognitive.accounts.begin_delete(GROUP, name).result()
    cognitive.deleted_accounts.begin_purge(LOCATION, GROUP, name).result()
    step(f"project {made.id}")


def encrypted_stores(vault, loose):
    name = "strangersdata"
    identity = identities.user_assigned_identities.get(GROUP, "hub")
    wanted = storage.StorageAccountCreateParameters(
        sku=storage.Sku(name="Standard_LRS"),
        kind="StorageV2",
        location=LOCATION,
        identity=storage.Identity(type="UserAssigned", user_assigned_identities={identity.id: {}}),
    )
    made = stores.begin_create(GROUP, name, wanted).result()
    check(made.provisioning_state == "Succeeded", made.provisioning_state)
    check(made.encryption.key_source == "Microsoft.Storage", made.encryption.key_source)

    def with_key(vault_uri):
        return storage.StorageAccountUpdateParameters(
            encryption=storage.Encryption(
                key_source="Microsoft.Keyvault",
                key_vault_properties=storage.KeyVaultProperties(key_name="hub", key_vault_uri=vault_uri),
                encryption_identity=storage.EncryptionIdentity(encryption_user_assigned_identity=identity.id),
            )
        )

    refused(lambda: stores.update(GROUP, name, with_key(loose.properties.vault_uri)), 409, "KeyVaultPolicyError")
    stores.update(GROUP, name, with_key(vault.properties.vault_uri))
    newest = vaults.keys.get(GROUP, "strangers-keys", "hub").properties.key_uri_with_version
    key = stores.get_properties(GROUP, name).encryption.key_vault_properties
    check(key.current_versioned_key_identifier == newest, f"{key.current_versioned_key_identifier} is in use")
    check(key.last_key_rotation_timestamp.year >= 2026, key.last_key_rotation_timestamp)
    # One of them is in the hub's managed resource group, with the hub's key.
    listed = {one.name: one.encryption for one in stores.list()}
    sources = sorted(one.key_source for one in listed.values())
    check(sources == ["Microsoft.Keyvault", "Microsoft.Keyvault", "Microsoft.Storage"], f"{sources}")
    stores.delete(GROUP, name)
    step(f"storage account {made.id}")


def encrypted_searches():
    name = "strangers-search"
    wanted = SearchService(
        location=LOCATION,
        sku=SearchSku(name="basic"),
        encryption_with_cmk=EncryptionWithCmk(enforcement="Disabled"),
    )
    made = searches.begin_create_or_update(GROUP, name, wanted).result()
    check(made.provisioning_state == "succeeded", made.provisioning_state)
    check(made.encryption_with_cmk.enforcement == "Disabled", made.encryption_with_cmk.enforcement)
    searches.update(GROUP, name, SearchServiceUpdate(encryption_with_cmk=EncryptionWithCmk(enforcement="Enabled")))
    found = searches.get(GROUP, name).encryption_with_cmk
    check((found.enforcement, found.encryption_compliance_status) == ("Enabled", "Compliant"), f"{found}")
    enforcing = [one.encryption_with_cmk.enforcement for one in searches.list_by_subscription()]
    check(enforcing == ["Enabled", "Enabled"], f"{enforcing}")
    check([one.name for one in searches.list_by_resource_group(GROUP)] == [name], "the service is not listed")
    searches.delete(GROUP, name)
    step(f"search service {made.id}")


def delete_and_purge(vault, loose, keys):
    keys.begin_delete_key("by-arm").result()
    check([one.name for one in keys.list_deleted_keys()] == ["by-arm"], "the deleted key is not listed")
    refused(lambda: keys.create_rsa_key("by-arm"), 409, "Conflict", "ObjectIsDeletedButRecoverable")
    keys.begin_recover_deleted_key("by-arm").result()
    keys.begin_delete_key("by-arm").result()
    refused(lambda: keys.purge_deleted_key("by-arm"), 403, "Forbidden")
    others = KeyClient(loose.properties.vault_uri, credential)
    others.create_rsa_key("short")
    deleted = others.begin_delete_key("short").result()
    check((deleted.scheduled_purge_date - deleted.deleted_date).days == 7, "another retention")
    others.purge_deleted_key("short")
    try:
        others.get_deleted_key("short")
        raise AssertionError("the purged key is still there")
    except ResourceNotFoundError:
        pass
    step("keys deleted, recovered and purged")

    workspaces.begin_delete(GROUP, "strangers", params={"forceToPurge": "true"}).result()
    refused(lambda: workspaces.get(GROUP, "strangers"), 404, "ResourceNotFound")
    for name in ("strangers-keys", "strangers-loose"):
        vaults.vaults.delete(GROUP, name)
    deleted = {one.name: one for one in vaults.vaults.list_deleted()}
    check(sorted(deleted) == ["strangers-keys", "strangers-loose"], f"deleted vaults {sorted(deleted)}")
    check(deleted["strangers-keys"].properties.purge_protection_enabled, "not protected")
    refused(lambda: make_vault("strangers-keys"), 409, "ConflictError")
    back = make_vault("strangers-keys", create_mode="recover")
    check(back.properties.vault_uri == vault.properties.vault_uri, "another vault")
    vaults.vaults.delete(GROUP, "strangers-keys")
    refused(
        lambda: vaults.vaults.begin_purge_deleted("strangers-keys", LOCATION).result(), 405, "MethodNotAllowed"
    )
    vaults.vaults.begin_purge_deleted("strangers-loose", LOCATION).result()
    check([one.name for one in vaults.vaults.list_deleted()] == ["strangers-keys"], "it was not purged")
    resources.resource_groups.begin_delete(GROUP).result()
    check(not resources.resource_groups.check_existence(GROUP), "the group is still there")
    step("everything deleted")


def main():
    prepare()
    vault, loose, keys, key = vaults_and_keys()
    use_the_key(keys, key)
    hub = hub_with_the_key(vault, key)
    project_of_the_hub(hub)
    rotate(keys, key)
    account_with_the_key(vault)
    project_of_an_account()
    encrypted_stores(vault, loose)
    encrypted_searches()
    delete_and_purge(vault, loose, keys)
    step("every answer was understood")


if __name__ == "__main__":
    main()
