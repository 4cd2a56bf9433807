//! ARM resource ids.
//!
//! Invariant: an [`ArmId`] keeps the spelling it was given and is equal to any other spelling of itself: Azure compares
//! ids without regard to case and often answers with another case than it was sent.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// Why a text is no ARM id of a resource in a resource group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an ARM id such as /subscriptions/<id>/resourceGroups/<group>/providers/<namespace>/<type>/<name>: {problem}"
)]
pub struct ArmIdError {
    text: String,
    problem: &'static str,
}

/// ARM id of a resource in a resource group, of any depth.
#[derive(Clone, Debug)]
pub struct ArmId {
    text: String,
    subscription: String,
    resource_group: String,
    resource_type: String,
    name: String,
}

impl ArmId {
    /// Reads an id.
    ///
    /// # Errors
    /// When the text is not the id of a resource in a resource group.
    pub fn parse(text: &str) -> Result<Self, ArmIdError> {
        let fail = |problem| ArmIdError {
            text: text.to_owned(),
            problem,
        };
        let path = text
            .strip_prefix('/')
            .ok_or_else(|| fail("it does not start with /"))?;
        let mut segments = path.split('/');
        let mut next = |problem| match segments.next() {
            Some(segment) if !segment.is_empty() => Ok(segment),
            _ => Err(fail(problem)),
        };
        if !next("it is empty")?.eq_ignore_ascii_case("subscriptions") {
            return Err(fail("it does not start with /subscriptions/"));
        }
        let subscription = next("the subscription is missing")?;
        if !next("resourceGroups is missing")?.eq_ignore_ascii_case("resourceGroups") {
            return Err(fail("resourceGroups is missing"));
        }
        let resource_group = next("the resource group is missing")?;
        if !next("providers is missing")?.eq_ignore_ascii_case("providers") {
            return Err(fail("providers is missing"));
        }
        let mut resource_type = next("the provider namespace is missing")?.to_owned();
        let mut name = None;
        while let Some(kind) = segments.next() {
            let child = segments.next().unwrap_or_default();
            if kind.is_empty() || child.is_empty() {
                return Err(fail("a type or a name is missing"));
            }
            resource_type.push('/');
            resource_type.push_str(kind);
            name = Some(child);
        }
        let name = name.ok_or_else(|| fail("type and name are missing"))?;
        Ok(Self {
            text: text.to_owned(),
            subscription: subscription.to_owned(),
            resource_group: resource_group.to_owned(),
            resource_type,
            name: name.to_owned(),
        })
    }

    /// The id of a resource by its parts; `kind` is `<namespace>/<type>`.
    #[must_use]
    pub fn of(subscription: &str, resource_group: &str, kind: &str, name: &str) -> Self {
        Self {
            text: format!(
                "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{kind}/{name}"
            ),
            subscription: subscription.to_owned(),
            resource_group: resource_group.to_owned(),
            resource_type: kind.to_owned(),
            name: name.to_owned(),
        }
    }

    /// A child of this resource.
    #[must_use]
    pub fn child(&self, kind: &str, name: &str) -> Self {
        Self {
            text: format!("{}/{kind}/{name}", self.text),
            resource_type: format!("{}/{kind}", self.resource_type),
            name: name.to_owned(),
            ..self.clone()
        }
    }

    /// As it was spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// In lower case: one spelling for all.
    #[must_use]
    pub fn lower(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// The subscription.
    #[must_use]
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// The resource group's name.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        &self.resource_group
    }

    /// The whole type, such as `Microsoft.KeyVault/vaults/keys`.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// The resource's own name: the last segment.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the resource is of this type.
    #[must_use]
    pub fn is_type(&self, kind: &str) -> bool {
        self.resource_type.eq_ignore_ascii_case(kind)
    }

    /// Whether the names are equal: identity enough for resources whose names are unique in all of Azure, such as
    /// vaults and storage accounts, which keep their name when they are moved to another group.
    #[must_use]
    pub fn same_name(&self, other: &Self) -> bool {
        self.name.eq_ignore_ascii_case(&other.name)
    }

    /// Whether something assigned at `scope` holds for this resource: at the resource itself or above it.
    ///
    /// Management groups count, because Azure lists an assignment there for a resource only when the resource is below it.
    #[must_use]
    pub fn is_within(&self, scope: &str) -> bool {
        let scope = scope.trim_end_matches('/').to_ascii_lowercase();
        if scope.is_empty() || scope.starts_with("/providers/microsoft.management/managementgroups/") {
            return true;
        }
        match self.lower().strip_prefix(&scope) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

impl fmt::Display for ArmId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for ArmId {
    type Err = ArmIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl PartialEq for ArmId {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for ArmId {}

impl PartialOrd for ArmId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ArmId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lower().cmp(&other.lower())
    }
}

impl Hash for ArmId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lower().hash(state);
    }
}

#[cfg(test)]
mod tests;
