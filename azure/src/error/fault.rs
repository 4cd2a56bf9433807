//! ARM's error body in the shapes that resource providers send: `{error: {code, message, details, innererror}}`,
//! `{code, message}`, `{id, status, error}`, OData's, and OAuth's `{error, error_description}`.
//!
//! Invariant: reading never fails and never recurses without end; what is no error body is simply none.

use std::fmt;

use serde_json::{Map, Value};

use super::ErrorClass;
use super::violation::{self, PolicyViolation};
use crate::text::clean;

/// Deepest nesting that is followed.
const DEEPEST: usize = 8;
/// Most details kept at each level.
const MOST_DETAILS: usize = 16;

/// Codes that only say that something inside failed (azure-resource-manager-rpc; "troubleshoot ARM deployments").
const WRAPPERS: [&str; 6] = [
    "ResourceDeploymentFailure",
    "DeploymentFailed",
    "InvalidTemplateDeployment",
    "MultipleErrorsOccurred",
    "ResourceOperationFailure",
    "DeploymentOperationFailed",
];

/// An error in Azure's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    code: String,
    message: String,
    details: Vec<Fault>,
    violation: Option<Box<PolicyViolation>>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = self.cause();
        write!(f, "{}: {}", cause.code, cause.message)?;
        let innermost = cause.innermost();
        if innermost.code != cause.code {
            write!(f, " [{}", innermost.code)?;
            if !innermost.message.is_empty() && !cause.message.contains(&innermost.message) {
                write!(f, ": {}", innermost.message)?;
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl Fault {
    pub(crate) fn new(code: &str, message: &str) -> Self {
        Self {
            code: clean(code),
            message: clean(message),
            details: Vec::new(),
            violation: None,
        }
    }

    /// The error in a body, if the body is one.
    #[must_use]
    pub fn parse(body: &Value) -> Option<Self> {
        Self::parse_at(body, 0)
    }

    /// Azure's code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Azure's message, on one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// This error, or what it wraps when its code says no more than that something inside failed.
    #[must_use]
    pub fn cause(&self) -> &Self {
        let mut fault = self;
        while WRAPPERS
            .iter()
            .any(|wrapper| wrapper.eq_ignore_ascii_case(&fault.code))
        {
            let Some(inner) = fault.details.first() else { break };
            fault = inner;
        }
        fault
    }

    /// The most precise error: the first detail of the first detail, down to the end.
    #[must_use]
    pub fn innermost(&self) -> &Self {
        let mut fault = self;
        while let Some(inner) = fault.details.first() {
            fault = inner;
        }
        fault
    }

    /// The error that says what is the matter, wherever other providers' errors are wrapped in it: the deepest with a
    /// code of refusal or shortage, else the most precise.
    #[must_use]
    pub fn telling(&self) -> &Self {
        self.deepest(&|fault| {
            matches!(
                ErrorClass::by_own_code(&fault.code),
                Some(
                    ErrorClass::PolicyDenied
                        | ErrorClass::Locked
                        | ErrorClass::QuotaExceeded
                        | ErrorClass::ProviderNotRegistered
                        | ErrorClass::DenyAssignment
                        | ErrorClass::LinkedAuthorization
                )
            )
        })
        .unwrap_or_else(|| self.innermost())
    }

    /// The policy that refused the request, if one did.
    #[must_use]
    pub fn violation(&self) -> Option<&PolicyViolation> {
        self.deepest(&|fault| fault.violation.is_some())
            .and_then(|fault| fault.violation.as_deref())
    }

    fn deepest(&self, wanted: &dyn Fn(&Self) -> bool) -> Option<&Self> {
        self.details
            .iter()
            .find_map(|detail| detail.deepest(wanted))
            .or_else(|| wanted(self).then_some(self))
    }

    fn parse_at(body: &Value, depth: usize) -> Option<Self> {
        let map = body.as_object()?;
        if depth > DEEPEST {
            return None;
        }
        match field(map, "error").or_else(|| field(map, "odata.error")) {
            Some(Value::Object(inner)) => Self::of_object(inner, depth),
            // OAuth (RFC 6749, 5.2).
            Some(Value::String(code)) => {
                let message = field(map, "error_description").map(text).unwrap_or_default();
                Some(Self::new(code, &message))
            }
            _ => Self::of_object(map, depth),
        }
    }

    fn of_object(map: &Map<String, Value>, depth: usize) -> Option<Self> {
        let code = field(map, "code").map(text).filter(|code| !code.is_empty())?;
        let message = field(map, "message").map(text).unwrap_or_default();
        let mut details: Vec<Self> = match field(map, "details") {
            Some(Value::Array(details)) => details
                .iter()
                .take(MOST_DETAILS)
                .filter_map(|detail| Self::parse_at(detail, depth + 1))
                .collect(),
            _ => Vec::new(),
        };
        if let Some(inner) = field(map, "innererror").and_then(|inner| Self::parse_at(inner, depth + 1)) {
            details.push(inner);
        }
        if details.is_empty() && depth < DEEPEST {
            // Deployment errors carry the resource provider's body as a string in their message.
            let embedded: Option<Value> = message
                .trim_start()
                .starts_with('{')
                .then(|| serde_json::from_str(&message).ok())
                .flatten();
            details.extend(embedded.and_then(|body| Self::parse_at(&body, depth + 1)));
        }
        Some(Self {
            code: clean(&code),
            message: clean(&message),
            details,
            violation: violation::of(map).map(Box::new),
        })
    }
}

/// A member by name; some resource providers write `Code` and `innerError`.
pub(super) fn field<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).or_else(|| {
        map.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// Text, or OData's `{lang, value}`, or a number as text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(map) => map
            .get("value")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    }
}
