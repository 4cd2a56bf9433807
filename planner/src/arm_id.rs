//! ARM resource ids.
//!
//! Invariant: an [`ArmId`] keeps the spelling it was given and is equal to any other spelling of itself: Azure compares
//! ids without regard to case and often answers with another case than it was sent.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

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
///
/// Its text alone is kept: an operator holds several ids for each hub, and looks into few of them.
#[derive(Clone, Debug)]
pub struct ArmId(Arc<str>);

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
        next("the subscription is missing")?;
        if !next("resourceGroups is missing")?.eq_ignore_ascii_case("resourceGroups") {
            return Err(fail("resourceGroups is missing"));
        }
        next("the resource group is missing")?;
        if !next("providers is missing")?.eq_ignore_ascii_case("providers") {
            return Err(fail("providers is missing"));
        }
        next("the provider namespace is missing")?;
        let mut named = false;
        while let Some(kind) = segments.next() {
            let child = segments.next().unwrap_or_default();
            if kind.is_empty() || child.is_empty() {
                return Err(fail("a type or a name is missing"));
            }
            named = true;
        }
        if named {
            Ok(Self(Arc::from(text)))
        } else {
            Err(fail("type and name are missing"))
        }
    }

    /// The id of a resource by its parts; `kind` is `<namespace>/<type>`.
    #[must_use]
    pub fn of(subscription: &str, resource_group: &str, kind: &str, name: &str) -> Self {
        Self(Arc::from(format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{kind}/{name}"
        )))
    }

    /// A child of this resource.
    #[must_use]
    pub fn child(&self, kind: &str, name: &str) -> Self {
        Self(Arc::from(format!("{}/{kind}/{name}", self.0)))
    }

    /// The resource that this one is within, if it is within one.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (within, _) = self.0.rsplit_once('/')?;
        let (parent, _) = within.rsplit_once('/')?;
        Self::parse(parent).ok()
    }

    /// As it was spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case: one spelling for all.
    #[must_use]
    pub fn lower(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The subscription.
    #[must_use]
    pub fn subscription(&self) -> &str {
        self.segment(2)
    }

    /// The resource group's name.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        self.segment(4)
    }

    /// The whole type, such as `Microsoft.KeyVault/vaults/keys`.
    #[must_use]
    pub fn resource_type(&self) -> String {
        self.kinds().collect::<Vec<_>>().join("/")
    }

    /// The resource's own name: the last segment.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The segment at a place that every id has.
    fn segment(&self, place: usize) -> &str {
        self.0.split('/').nth(place).unwrap_or_default()
    }

    /// The provider's namespace, then the type at each level.
    fn kinds(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.0.split('/').skip(6);
        rest.next().into_iter().chain(rest.step_by(2))
    }

    /// Whether the resource is of this type.
    #[must_use]
    pub fn is_type(&self, kind: &str) -> bool {
        self.resource_type().eq_ignore_ascii_case(kind)
    }

    /// Whether the names are equal: identity enough for resources whose names are unique in all of Azure, such as
    /// vaults and storage accounts, which keep their name when they are moved to another group.
    #[must_use]
    pub fn same_name(&self, other: &Self) -> bool {
        self.name().eq_ignore_ascii_case(other.name())
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
        formatter.write_str(&self.0)
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
        self.0.eq_ignore_ascii_case(&other.0)
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
