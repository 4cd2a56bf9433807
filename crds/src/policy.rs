//! What Keyholder may do to a resource.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

/// Whether Keyholder writes to the resource.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter,
)]
pub enum ManagementPolicy {
    /// It creates, changes and deletes it, as the other policies say.
    #[default]
    Full,
    /// It writes nothing to Azure: it looks at a resource, whoever made it, and says where it differs from what is declared.
    ObserveOnly,
}

/// What is done about a resource that is there and carries no object's mark.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter,
)]
pub enum AdoptionPolicy {
    /// It is left alone.
    #[default]
    Never,
    /// It is taken over by the mark, once its encryption and everything else that Azure fixes are as declared.
    Adopt,
}
