//! The closed set of classes, and the table from Azure's error codes to them.
//!
//! Invariant: a code decides before an HTTP status does. Codes and their meaning: Azure's "common deployment errors",
//! azure-resource-manager-rpc, and what resource providers were seen to send.

use super::Fault;

/// What an error means for the caller. One class, one reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The resource, its group or its parent does not exist, in ARM's own words.
    NotFound,
    /// The token was not accepted.
    Unauthorized,
    /// The identity may not do this, or may not see the subscription.
    Forbidden,
    /// The identity lacks a right on a resource that the request refers to.
    LinkedAuthorization,
    /// A deny assignment protects the resource: it belongs to a managed resource group.
    DenyAssignment,
    /// Azure Policy, or Azure itself, forbids it.
    PolicyDenied,
    /// A management lock.
    Locked,
    /// Something else is under way on the resource: wait and look again.
    Conflict,
    /// The resource is not what `If-Match` says.
    PreconditionFailed,
    /// The subscription has not registered the resource provider.
    ProviderNotRegistered,
    /// Quota or capacity.
    QuotaExceeded,
    /// The request itself is wrong; sending it again does not help.
    Invalid,
    /// Too many requests.
    Throttled,
    /// A server's or the network's trouble; the request may have had effect.
    Transient,
    /// No connection was made; the request had no effect.
    Unreachable,
    /// The answer makes no sense, or does not come from ARM.
    BadAnswer,
    /// Entra, or whoever vouches for the identity, gave no token.
    Credential,
}

/// Codes and their classes, compared without regard to case.
const TABLE: &[(&str, ErrorClass)] = &[
    // The thing does not exist. A closed list: what is not in it does not count as "gone".
    ("ResourceNotFound", ErrorClass::NotFound),
    ("ResourceGroupNotFound", ErrorClass::NotFound),
    ("ParentResourceNotFound", ErrorClass::NotFound),
    ("NotFound", ErrorClass::NotFound),
    ("KeyNotFound", ErrorClass::NotFound),
    ("KeyVersionNotFound", ErrorClass::NotFound),
    ("VaultNotFound", ErrorClass::NotFound),
    ("WorkspaceNotFound", ErrorClass::NotFound),
    ("RoleAssignmentNotFound", ErrorClass::NotFound),
    ("RoleDefinitionDoesNotExist", ErrorClass::NotFound),
    // Who asks.
    ("InvalidAuthenticationToken", ErrorClass::Unauthorized),
    ("ExpiredAuthenticationToken", ErrorClass::Unauthorized),
    ("InvalidAuthenticationTokenTenant", ErrorClass::Unauthorized),
    ("InvalidAuthenticationTokenAudience", ErrorClass::Unauthorized),
    ("AuthenticationFailed", ErrorClass::Unauthorized),
    ("AuthorizationFailed", ErrorClass::Forbidden),
    ("SubscriptionNotFound", ErrorClass::Forbidden),
    ("ReadOnlyDisabledSubscription", ErrorClass::Forbidden),
    ("LinkedAuthorizationFailed", ErrorClass::LinkedAuthorization),
    ("DenyAssignmentAuthorizationFailed", ErrorClass::DenyAssignment),
    ("RequestDisallowedByPolicy", ErrorClass::PolicyDenied),
    ("RequestDisallowedByAzure", ErrorClass::PolicyDenied),
    ("ScopeLocked", ErrorClass::Locked),
    // Busy.
    ("AnotherOperationInProgress", ErrorClass::Conflict),
    ("RequestConflict", ErrorClass::Conflict),
    ("Conflict", ErrorClass::Conflict),
    ("RetryableErrorDueToAnotherOperation", ErrorClass::Conflict),
    ("AccountProvisioningStateInvalid", ErrorClass::Conflict),
    ("ResourceGroupBeingDeleted", ErrorClass::Conflict),
    ("RoleAssignmentExists", ErrorClass::Conflict),
    ("PreconditionFailed", ErrorClass::PreconditionFailed),
    // The subscription.
    (
        "MissingSubscriptionRegistration",
        ErrorClass::ProviderNotRegistered,
    ),
    ("SubscriptionNotRegistered", ErrorClass::ProviderNotRegistered),
    ("NoRegisteredProviderFound", ErrorClass::ProviderNotRegistered),
    ("ResourceQuotaExceeded", ErrorClass::QuotaExceeded),
    ("QuotaExceeded", ErrorClass::QuotaExceeded),
    ("ServiceQuotaExceeded", ErrorClass::QuotaExceeded),
    ("InsufficientQuota", ErrorClass::QuotaExceeded),
    ("SubscriptionIsOverQuotaForSku", ErrorClass::QuotaExceeded),
    ("SpecialFeatureOrQuotaIdRequired", ErrorClass::QuotaExceeded),
    (
        "MaxStorageAccountsCountPerSubscriptionExceeded",
        ErrorClass::QuotaExceeded,
    ),
    ("SkuNotAvailable", ErrorClass::QuotaExceeded),
    ("OperationNotAllowed", ErrorClass::QuotaExceeded),
    ("TooManyRequests", ErrorClass::Throttled),
    ("SubscriptionRequestsThrottled", ErrorClass::Throttled),
    ("Throttled", ErrorClass::Throttled),
    // The request.
    ("FlagMustBeSetForRestore", ErrorClass::Invalid),
    ("CustomDomainInUse", ErrorClass::Invalid),
    ("InvalidResourceLocation", ErrorClass::Invalid),
    ("InvalidResourceType", ErrorClass::Invalid),
    ("InvalidApiVersionParameter", ErrorClass::Invalid),
    ("LocationNotAvailableForResourceType", ErrorClass::Invalid),
    ("LocationRequired", ErrorClass::Invalid),
    ("PropertyChangeNotAllowed", ErrorClass::Invalid),
    ("KeyVaultPolicyError", ErrorClass::Invalid),
    ("RoleAssignmentUpdateNotPermitted", ErrorClass::Invalid),
    ("ResourceKindRequireAcceptTerms", ErrorClass::Invalid),
    // A fresh identity that has not reached every region yet.
    ("PrincipalNotFound", ErrorClass::Transient),
    ("InternalServerError", ErrorClass::Transient),
    ("ServiceUnavailable", ErrorClass::Transient),
    ("ServerTimeout", ErrorClass::Transient),
    ("GatewayTimeout", ErrorClass::Transient),
    ("OperationTimedOut", ErrorClass::Transient),
];

impl ErrorClass {
    /// The class of an error inside an operation or a body, where there is no HTTP status to go by. An unknown code is
    /// `Invalid`: sending the same again is not expected to help.
    #[must_use]
    pub fn of_fault(fault: &Fault) -> Self {
        by_fault(fault).unwrap_or(Self::Invalid)
    }

    /// The class of a code by itself, if it has one.
    pub(super) fn by_own_code(code: &str) -> Option<Self> {
        by_code(code)
    }

    pub(super) fn of_answer(status: u16, fault: Option<&Fault>, retry_after: bool) -> Self {
        let Some(fault) = fault else {
            return match status {
                // ARM puts its error body on each of these; without it, somebody else answered.
                403 | 404 => Self::BadAnswer,
                _ => Self::of_status(status),
            };
        };
        let quota_or_throttle = fault.cause().code().eq_ignore_ascii_case("OperationNotAllowed");
        match by_fault(fault) {
            Some(Self::QuotaExceeded) if quota_or_throttle && (status == 429 || retry_after) => {
                Self::Throttled
            }
            Some(Self::NotFound) if status != 404 => Self::of_status(status),
            Some(class) => class,
            None if status == 404 => Self::BadAnswer,
            None => Self::of_status(status),
        }
    }

    const fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            408 => Self::Transient,
            409 => Self::Conflict,
            412 => Self::PreconditionFailed,
            423 => Self::Locked,
            429 => Self::Throttled,
            501 | 505 => Self::Invalid,
            500..=599 => Self::Transient,
            400..=499 => Self::Invalid,
            _ => Self::BadAnswer,
        }
    }
}

/// The class of the error's own code, or of the innermost one where its own says nothing (`BadRequest`, `UserError`).
fn by_fault(fault: &Fault) -> Option<ErrorClass> {
    let cause = fault.cause();
    by_code(cause.code()).or_else(|| match by_code(cause.innermost().code()) {
        // A missing thing that the request refers to, not the request's own resource.
        Some(ErrorClass::NotFound) => None,
        class => class,
    })
}

fn by_code(code: &str) -> Option<ErrorClass> {
    TABLE
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(code))
        .map(|(_, class)| *class)
}
