//! Conditions of role assignments, as far as a constrained granter has them (role-based-access-control, conditions-format and
//! delegate-role-assignments): which action, and which role and which kind of principal it may give or take away.
//!
//! Invariant: what is not understood grants nothing.

/// What a condition is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// Of the request: the role assignment that is to be written.
    pub(crate) request: Assigned,
    /// Of the resource: the role assignment that is there.
    pub(crate) resource: Assigned,
}

/// What a role assignment gives to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assigned {
    /// GUID of the role.
    pub(crate) role: Option<String>,
    /// Object id.
    pub(crate) principal: Option<String>,
    /// `User`, `Group`, `ServicePrincipal`.
    pub(crate) principal_type: Option<String>,
}

impl Assigned {
    fn attribute(&self, name: &str) -> Option<Option<&str>> {
        let (kind, name) = name.rsplit_once(':')?;
        if !kind.eq_ignore_ascii_case(crate::types::ASSIGNMENTS) {
            return None;
        }
        match name.to_ascii_lowercase().as_str() {
            "roledefinitionid" => Some(self.role.as_deref()),
            "principalid" => Some(self.principal.as_deref()),
            "principaltype" => Some(self.principal_type.as_deref()),
            _ => None,
        }
    }
}

/// Whether a condition lets an action through. Without attributes a comparison does not hold.
pub(crate) fn admits(condition: &str, action: &str, attributes: &Attributes) -> bool {
    let mut reader = Reader {
        rest: condition,
        action,
        attributes,
    };
    reader
        .any()
        .is_some_and(|holds| holds && reader.rest.trim().is_empty())
}

/// Reads a condition from its beginning; `None` is what is not understood.
struct Reader<'a> {
    rest: &'a str,
    action: &'a str,
    attributes: &'a Attributes,
}

impl<'a> Reader<'a> {
    fn take(&mut self, words: &[&str]) -> bool {
        let rest = self.rest.trim_start();
        let found = words.iter().find_map(|word| {
            let (head, tail) = rest.split_at_checked(word.len())?;
            // A word ends where its letters end.
            let ends = !word.ends_with(char::is_alphabetic) || !tail.starts_with(char::is_alphanumeric);
            (head.eq_ignore_ascii_case(word) && ends).then_some(tail)
        });
        if let Some(tail) = found {
            self.rest = tail;
        }
        found.is_some()
    }

    fn until(&mut self, end: char) -> Option<&'a str> {
        let (text, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(text.trim())
    }

    fn any(&mut self) -> Option<bool> {
        let mut holds = self.all()?;
        while self.take(&["OR", "||"]) {
            // Both sides are read, so that neither hides what is not understood.
            let other = self.all()?;
            holds = holds || other;
        }
        Some(holds)
    }

    fn all(&mut self) -> Option<bool> {
        let mut holds = self.one()?;
        while self.take(&["AND", "&&"]) {
            let other = self.one()?;
            holds = holds && other;
        }
        Some(holds)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take(&["!", "NOT"]) {
            return self.one().map(|holds| !holds);
        }
        if self.take(&["("]) {
            let holds = self.any()?;
            return self.take(&[")"]).then_some(holds);
        }
        if self.take(&["ActionMatches"]) {
            return self
                .values()?
                .first()
                .map(|pattern| crate::roles::matches(pattern, self.action));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Option<bool> {
        let attributes = self.attributes;
        let side = if self.take(&["@Request"]) {
            &attributes.request
        } else if self.take(&["@Resource"]) {
            &attributes.resource
        } else {
            return None;
        };
        if !self.take(&["["]) {
            return None;
        }
        let have = side.attribute(self.until(']')?)?;
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|c: char| c == '{' || c == '\'' || c.is_whitespace())?;
        let (operator, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        let operator = operator.to_ascii_lowercase();
        let operator = operator
            .strip_prefix("foranyofanyvalues:")
            .or_else(|| operator.strip_prefix("foranyofallvalues:"))
            .unwrap_or(&operator);
        let values = self.values()?;
        let any = |same: fn(&str, &str) -> bool| {
            have.is_some_and(|have| values.iter().any(|value| same(have, value)))
        };
        let exact = |a: &str, b: &str| a == b;
        let loose = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        match operator {
            "guidequals" | "stringequalsignorecase" => Some(any(loose)),
            "stringequals" => Some(any(exact)),
            "guidnotequals" | "stringnotequalsignorecase" => Some(have.is_some() && !any(loose)),
            "stringnotequals" => Some(have.is_some() && !any(exact)),
            _ => None,
        }
    }

    /// `{'a', b}` or `'a'`.
    fn values(&mut self) -> Option<Vec<&'a str>> {
        if self.take(&["'"]) {
            return self.until('\'').map(|value| vec![value]);
        }
        if !self.take(&["{"]) {
            return None;
        }
        Some(
            self.until('}')?
                .split(',')
                .map(|value| value.trim().trim_matches('\''))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests;
