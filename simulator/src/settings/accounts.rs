//! The switches of `Microsoft.CognitiveServices/accounts`.

use serde::{Deserialize, Serialize};

/// What no source settles about accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Accounts {
    /// Whether an account without projects can go over to a key of another vault. No source tells; azurerm does not guard it.
    pub other_vault: bool,
    /// Whether an account of kind `OpenAI` can fetch its key by a user-assigned identity. Azure OpenAI's page (04/2025) says no,
    /// azurerm and Foundry's newer page make no exception.
    pub open_ai_user_assigned: bool,
    /// Whether only access policies count for the key of an account of kind `OpenAI`, as the same page says.
    pub open_ai_access_policies_only: bool,
    /// Whether an account of kind `OpenAI` can have a key of a managed HSM. azurerm accepts one for any kind, Foundry's page (08/2026) speaks
    /// of Foundry, and Azure OpenAI's (04/2025) wants access policies, which an HSM has not.
    pub open_ai_managed_hsm: bool,
    /// Whether an `OpenAI` account with a key of its own can be made an `AIServices` one by a PATCH. The page about the upgrade
    /// has a form to ask for it (upgrade-azure-openai); no captured answer is known.
    pub kind_changes_with_key: bool,
    /// Whether the `encryption` of a PATCH replaces the one that is there, so that a `keyVersion` that is left out is none.
    /// Otherwise it is merged, as Resource Manager's contract has it.
    pub patch_replaces_encryption: bool,
    /// What a PUT without `encryption` does to an account that has a key. For a PATCH it changes nothing.
    pub put_without_encryption: PutWithoutEncryption,
    /// With which of the published status codes an operation begins.
    pub answers: Answers,
    /// Which of the reported messages a request meets while an operation is under way.
    pub busy: Busy,
    /// Whether a project must have a managed identity. azurerm asks for one (cognitive_account_project_resource), the published
    /// type does not.
    pub projects_need_identity: bool,
    /// Whether the kind of a project's identity can be changed. Foundry's page says no (azure-ai-docs #796), azurerm sends such a
    /// change.
    pub project_identity_changes: bool,
    /// How a project is changed. No captured answer is known.
    pub project_changes: ProjectChanges,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            other_vault: false,
            open_ai_user_assigned: false,
            open_ai_access_policies_only: false,
            open_ai_managed_hsm: false,
            kind_changes_with_key: false,
            patch_replaces_encryption: false,
            put_without_encryption: PutWithoutEncryption::Keeps,
            answers: Answers::Body,
            busy: Busy::Parent,
            projects_need_identity: true,
            project_identity_changes: false,
            project_changes: ProjectChanges::AtOnce,
        }
    }
}

/// What becomes of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PutWithoutEncryption {
    /// It stays.
    Keeps,
    /// It is given up for Microsoft's, as far as that is possible.
    Reverts,
}

/// The beginning of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answers {
    /// 201 for a creation, 200 for a PUT, 202 for a PATCH, with the account and `Azure-AsyncOperation`.
    Body,
    /// 202 without a body.
    Accepted,
}

/// Why something has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Busy {
    /// Another operation is being performed on the parent resource.
    Parent,
    /// The resource entity provisioning state is not terminal (bicep-types-az #2419).
    NotTerminal,
}

/// The answer to a change of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProjectChanges {
    /// 200 with the project as it is then.
    AtOnce,
    /// It begins an operation, with the codes of an account's change of its key.
    Operation,
}
