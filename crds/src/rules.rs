//! The rules that the API server applies (CEL), each with the cure in its message.
//!
//! Invariant: a one-way field is guarded by a *root transition rule* that reads `oldSelf.status.bound`. A plain root
//! rule that compares spec with status would also judge status, label and finalizer patches, and so wedge an object.

use kube::core::{Reason, Rule};

use crate::formats::{AZURE_NAME, USER_ASSIGNED_IDENTITIES};

pub mod accounts;
pub mod network;
pub mod projects;

/// What a kind of resource is called.
pub struct Words {
    /// In the middle of a sentence, with its article.
    a_noun: &'static str,
    /// The same without.
    noun: &'static str,
    /// The kind of its objects, with its article.
    an_object: &'static str,
}

/// Azure AI hubs.
pub const HUB: Words = Words {
    a_noun: "a hub",
    noun: "hub",
    an_object: "AIHub",
};
/// Azure AI services accounts.
pub const ACCOUNT: Words = Words {
    a_noun: "an account",
    noun: "account",
    an_object: "AIServicesAccount",
};

/// Projects.
pub const PROJECT: Words = Words {
    a_noun: "a project",
    noun: "project",
    an_object: "AIProject",
};

impl Words {
    /// What is refused, and the way out of every one-way door: a new object beside the old one.
    fn refusal(&self, what: &str) -> String {
        format!(
            "{what} Nothing was changed. To have it otherwise: kubectl apply a new {} under another name beside this one, and move to it. \
             In the manifest, restore the old value.",
            self.an_object
        )
    }
}

/// True while nothing is bound.
const UNBOUND: &str = "!has(oldSelf.status) || !has(oldSelf.status.bound)";

/// A rule that holds while `unbound`, when `new == old`, or when `new` is what the object is bound to.
fn transition(new: &str, old: &str, as_bound: &str, path: &str, message: &str) -> Rule {
    Rule::new(format!("{UNBOUND} || {new} == {old} || {as_bound}"))
        .message(message)
        .reason(Reason::FieldValueForbidden)
        .field_path(path)
}

/// True when the mode is another than the bound one, or is without what belongs to it: that alone is told then, if it is refused,
/// and where it is not the key is free.
const OTHER_MODE: &str = "self.spec.encryption.mode != oldSelf.status.bound.mode || \
                            (self.spec.encryption.mode == 'CustomerManaged') != has(self.spec.encryption.customerManagedKey)";

/// A transition rule for what only one of the modes has.
fn transition_within_mode(new: &str, old: &str, as_bound: &str, path: &str, message: &str) -> Rule {
    transition(new, old, &format!("{as_bound} || {OTHER_MODE}"), path, message)
}

/// `new`'s last segment is that of the bound ARM id: the rule for resources whose names are unique in all of Azure.
fn same_global_name(new: &str, bound: &str) -> String {
    format!("('/' + {new}).endsWith('/' + {bound}.substring({bound}.lastIndexOf('/') + 1))")
}

/// Without `azureName`, the object's own name must be one that Azure takes.
#[must_use]
pub fn name_fits_azure() -> Rule {
    name_fits(AZURE_NAME, "a hub (3 to 33 letters, digits, - and _)")
}

fn name_fits(pattern: &str, what: &str) -> Rule {
    Rule::new(format!(
        "has(self.spec.azureName) || self.metadata.name.matches('^{pattern}$')"
    ))
    .message(&*format!(
        "metadata.name is not a name that Azure takes for {what}: set spec.azureName."
    ))
    .field_path(".spec.azureName")
}

/// Microsoft-managed and customer-managed keys cannot be exchanged.
#[must_use]
pub fn mode_unchanged() -> Rule {
    transition(
        "self.spec.encryption.mode",
        "oldSelf.spec.encryption.mode",
        "self.spec.encryption.mode == oldSelf.status.bound.mode",
        ".spec.encryption.mode",
        &HUB.refusal("Azure cannot switch a hub between Microsoft-managed and customer-managed keys."),
    )
}

/// The hub's own data stays where it is.
#[must_use]
pub fn data_location_unchanged() -> Rule {
    let effective = |root: &str| {
        format!(
            "({root}.spec.encryption.mode != 'CustomerManaged' ? '' : (has({root}.spec.encryption.dataLocation) ? \
             {root}.spec.encryption.dataLocation : 'ManagedResourceGroup'))"
        )
    };
    let new = effective("self");
    transition_within_mode(
        &new,
        &effective("oldSelf"),
        &format!(
            "{new} == (has(oldSelf.status.bound.dataLocation) ? oldSelf.status.bound.dataLocation : '')"
        ),
        ".spec.encryption.dataLocation",
        &HUB.refusal(
            "Azure cannot move a hub's data between its managed resource group and the service side.",
        ),
    )
}

/// The key stays in its vault.
#[must_use]
pub fn vault_unchanged(of: &Words, store: &str) -> Rule {
    let vault = |root: &str| {
        format!(
            "(has({root}.spec.encryption.customerManagedKey) ? \
             {root}.spec.encryption.customerManagedKey.vault.lowerAscii() : '')"
        )
    };
    let new = vault("self");
    transition_within_mode(
        &new,
        &vault("oldSelf"),
        &format!(
            "(has(oldSelf.status.bound.vault) ? {} && {} == {} : {new} == '')",
            same_global_name(&new, "oldSelf.status.bound.vault"),
            in_hsm(&new),
            in_hsm("oldSelf.status.bound.vault")
        ),
        ".spec.encryption.customerManagedKey",
        &of.refusal(&format!(
            "Azure cannot take {}'s key from another {store}; another key of the same {store} is fine.",
            of.a_noun
        )),
    )
}

/// True when what is named, in lower case, is a managed HSM: those are named by their id.
fn in_hsm(store: &str) -> String {
    format!("{store}.contains('/providers/microsoft.keyvault/managedhsms/')")
}

/// No source confirms that Azure takes the key of a hub from a managed HSM.
#[must_use]
pub fn key_is_in_a_vault() -> Rule {
    let key = "self.encryption.customerManagedKey";
    Rule::new(format!(
        "!has({key}) || !{}",
        in_hsm(&format!("{key}.vault.lowerAscii()"))
    ))
    .message("no source confirms that Azure takes the key of a hub from a managed HSM: name a key vault.")
    .field_path(".encryption.customerManagedKey")
}

/// A managed HSM's role assignments are not Azure Resource Manager's.
#[must_use]
pub fn access_to_an_hsm_is_not_granted() -> Rule {
    Rule::new(format!(
        "!has(self.access) || self.access != 'Grant' || !{}",
        in_hsm("self.vault.lowerAscii()")
    ))
    .message("Keyholder cannot give access to a managed HSM, which holds its role assignments itself: leave access out and give it there.")
    .field_path(".access")
}

/// The identity that unwraps is fixed at creation.
#[must_use]
pub fn key_identity_unchanged(of: &Words) -> Rule {
    let identity = |root: &str| {
        let key = format!("{root}.spec.encryption.customerManagedKey");
        let id = identity_id(&format!("{root}.spec"), &format!("{key}.identity"));
        format!("(has({key}) && has({key}.identity) ? {id} : '')")
    };
    let new = identity("self");
    transition_within_mode(
        &new,
        &identity("oldSelf"),
        // A name means an identity of the resource's group: with another group it is that which is told.
        &format!(
            "{new} == (has(oldSelf.status.bound.keyIdentity) ? oldSelf.status.bound.keyIdentity : '') || ({} != {} && !{})",
            group("self"),
            group("oldSelf"),
            in_bound_group()
        ),
        ".spec.encryption.customerManagedKey",
        &of.refusal(&format!(
            "Azure fixes the identity that unwraps the key when the {} is created.",
            of.noun
        )),
    )
}

/// The ARM id of a spec's resource group, in lower case and with its last slash.
fn group(root: &str) -> String {
    format!(
        "('/subscriptions/' + {root}.spec.subscriptionId + '/resourcegroups/' + {root}.spec.resourceGroup + '/').lowerAscii()"
    )
}

/// True when the spec's resource group is the bound one.
fn in_bound_group() -> String {
    format!("oldSelf.status.bound.resourceId.startsWith({})", group("self"))
}

/// Subscription and resource group are part of the ARM id.
#[must_use]
pub fn group_unchanged(of: &Words) -> Rule {
    let new = group("self");
    transition(
        &new,
        &group("oldSelf"),
        &in_bound_group(),
        ".spec.resourceGroup",
        &of.refusal(&format!(
            "The {}'s subscription and resource group are part of its ARM id.",
            of.noun
        )),
    )
}

/// The name is part of the ARM id.
#[must_use]
pub fn azure_name_unchanged(of: &Words) -> Rule {
    let name = |root: &str| {
        format!(
            "(has({root}.spec.azureName) ? {root}.spec.azureName.lowerAscii() : {root}.metadata.name.lowerAscii())"
        )
    };
    let new = name("self");
    transition(
        &new,
        &name("oldSelf"),
        &format!("oldSelf.status.bound.resourceId.endsWith('/' + {new})"),
        ".spec.azureName",
        &of.refusal(&format!("The {}'s name is part of its ARM id.", of.noun)),
    )
}

/// A resource does not move to another region.
#[must_use]
pub fn location_unchanged(of: &Words) -> Rule {
    let location = |root: &str| format!("{root}.spec.location.lowerAscii().replace(' ', '')");
    let new = location("self");
    transition(
        &new,
        &location("oldSelf"),
        &format!("{new} == oldSelf.status.bound.location"),
        ".spec.location",
        &of.refusal(&format!("Azure cannot move {} to another region.", of.a_noun)),
    )
}

/// The storage account is fixed at creation.
#[must_use]
pub fn storage_account_unchanged() -> Rule {
    let new = "self.spec.storageAccount.lowerAscii()";
    transition(
        new,
        "oldSelf.spec.storageAccount.lowerAscii()",
        &same_global_name(new, "oldSelf.status.bound.storageAccount"),
        ".spec.storageAccount",
        &HUB.refusal("Azure fixes a hub's storage account when the hub is created."),
    )
}

/// The hub's own key vault is fixed at creation.
#[must_use]
pub fn key_vault_unchanged() -> Rule {
    let new = "self.spec.keyVault.lowerAscii()";
    transition(
        new,
        "oldSelf.spec.keyVault.lowerAscii()",
        &same_global_name(new, "oldSelf.status.bound.keyVault"),
        ".spec.keyVault",
        &HUB.refusal("Azure fixes a hub's own key vault when the hub is created."),
    )
}

/// A user-assigned identity's ARM id in lower case, as it is spelled below `root`.
fn identity_id(root: &str, text: &str) -> String {
    format!(
        "({text}.startsWith('/') ? {text} : '/subscriptions/' + {root}.subscriptionId + '/resourceGroups/' + \
         {root}.resourceGroup + '/providers/{USER_ASSIGNED_IDENTITIES}/' + {text}).lowerAscii()"
    )
}

/// High business impact is fixed at creation.
#[must_use]
pub fn high_business_impact_unchanged() -> Rule {
    let impact = |root: &str| {
        format!(
            "(has({root}.spec.highBusinessImpact) ? {root}.spec.highBusinessImpact : {root}.spec.encryption.mode == 'CustomerManaged')"
        )
    };
    let new = impact("self");
    transition_within_mode(
        &new,
        &impact("oldSelf"),
        &format!("{new} == oldSelf.status.bound.highBusinessImpact"),
        ".spec.highBusinessImpact",
        &HUB.refusal("Azure fixes high business impact when the hub is created."),
    )
}

/// `customerManagedKey` is there exactly when the mode is `CustomerManaged`.
#[must_use]
pub fn key_given_exactly_when_customer_managed() -> Rule {
    Rule::new("(self.mode == 'CustomerManaged') == has(self.customerManagedKey)")
        .message("mode CustomerManaged needs customerManagedKey (vault and key); mode MicrosoftManaged must not have it.")
        .field_path(".customerManagedKey")
}

/// `dataLocation` speaks of customer-managed keys alone.
#[must_use]
pub fn data_location_only_when_customer_managed() -> Rule {
    Rule::new("self.mode == 'CustomerManaged' || !has(self.dataLocation)")
        .message("dataLocation is a choice of customer-managed keys alone: leave it out with mode MicrosoftManaged.")
        .field_path(".dataLocation")
}

/// Azure turns high business impact on with a customer-managed key, so `false` could not be kept.
#[must_use]
pub fn high_business_impact_comes_with_a_customer_managed_key() -> Rule {
    Rule::new("self.encryption.mode != 'CustomerManaged' || !has(self.highBusinessImpact) || self.highBusinessImpact")
        .message("Azure turns high business impact on for a hub with a customer-managed key: leave highBusinessImpact out or set it to true.")
        .field_path(".highBusinessImpact")
}

/// Who unwraps the key is an identity that the resource carries.
#[must_use]
pub fn key_identity_is_one_of_its_own() -> Rule {
    let key = "self.encryption.customerManagedKey";
    let wanted = identity_id("self", &format!("{key}.identity"));
    let one = identity_id("self", "one");
    Rule::new(format!(
        "!has({key}) || !has({key}.identity) || (has(self.identity) && has(self.identity.userAssigned) && \
         self.identity.userAssigned.exists(one, {one} == {wanted}))"
    ))
    .message(
        "the identity that unwraps the key is not among spec.identity: name it in identity.userAssigned too.",
    )
    .field_path(".encryption.customerManagedKey")
}

/// Without a user-assigned identity for the key, the hub's own unwraps.
#[must_use]
pub fn somebody_unwraps() -> Rule {
    let key = "self.encryption.customerManagedKey";
    Rule::new(format!(
        "!has({key}) || has({key}.identity) || (has(self.identity) && has(self.identity.systemAssigned) && self.identity.systemAssigned)"
    ))
    .message("nobody can unwrap with the key: name one of identity.userAssigned in encryption.customerManagedKey.identity, or set identity.systemAssigned: true.")
    .field_path(".encryption.customerManagedKey")
}

/// An identity block names an identity.
#[must_use]
pub fn some_identity() -> Rule {
    Rule::new("(has(self.systemAssigned) && self.systemAssigned) || (has(self.userAssigned) && self.userAssigned.size() > 0)")
        .message("an identity is needed: name one in userAssigned, or set systemAssigned: true.")
}

/// The ARM id of a dependent is one of its type.
#[must_use]
pub fn dependent_is_of_its_type() -> Rule {
    Rule::new("!self.resource.startsWith('/') || self.resource.lowerAscii().contains('/providers/' + self.type.lowerAscii() + '/')")
        .message("the ARM id is not that of a resource of this type: correct the id or the type.")
        .field_path(".resource")
}

/// No account of Cosmos DB returns from a key to Microsoft's (how-to-setup-customer-managed-keys-existing-accounts).
#[must_use]
pub fn cosmos_db_has_no_way_back() -> Rule {
    Rule::new(
        "self.policy != 'Enforce' || self.allowIrreversible || self.type != 'Microsoft.DocumentDB/databaseAccounts'",
    )
    .message("an account of Cosmos DB that has a key never returns to Microsoft's: say allowIrreversible: true, or set policy: Audit.")
    .field_path(".policy")
}

/// "You can currently enable a customer-managed key only while creating a registry" (container-registry, tutorial-customer-managed-keys).
#[must_use]
pub fn registries_get_their_key_at_creation() -> Rule {
    Rule::new("self.policy != 'Enforce' || self.type != 'Microsoft.ContainerRegistry/registries'")
        .message("a registry gets its key at its creation alone: set policy: Audit.")
        .field_path(".policy")
}

/// A dependent is given the object's own key, which somebody whom both can have must unwrap.
#[must_use]
pub fn enforced_dependents_can_have_the_key() -> Rule {
    let key = "self.encryption.customerManagedKey";
    Rule::new(format!(
        "!has(self.dependents) || !self.dependents.exists(d, d.policy == 'Enforce') || (has({key}) && \
         (has({key}.identity) && !{key}.vault.lowerAscii().contains('/managedhsms/') || \
         self.dependents.all(d, d.policy != 'Enforce' || d.type == 'Microsoft.Search/searchServices')))"
    ))
    .message(
        "policy Enforce gives a dependent this object's own key: it needs encryption.mode CustomerManaged, a key of a key vault, and a \
         user-assigned identity in encryption.customerManagedKey.identity.",
    )
    .field_path(".dependents")
}

/// Azure's limits on tags, and the tags that are Keyholder's own.
#[must_use]
pub fn tag_limits() -> Rule {
    Rule::new(
        "self.all(k, k.size() <= 512 && self[k].size() <= 256 && !(k.lowerAscii() in ['keyholder-owner', 'keyholder-encryption']))",
    )
    .message("a tag has a name of at most 512 characters and a value of at most 256; the tags keyholder-owner and keyholder-encryption are Keyholder's own.")
}
