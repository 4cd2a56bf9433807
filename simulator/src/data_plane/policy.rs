//! A key's rotation policy (keys, how-to-configure-key-rotation). It is kept, and sets the end of a version that is made by
//! rotation; nothing is rotated by itself.

use jiff::Span;
use jiff::civil::date;
use serde_json::{Value, json};

use super::refusal::KeyVaultError;
use super::{Answer, Visit};
use crate::front::Reply;
use crate::key_access::{GET_POLICY, SET_POLICY};
use crate::text::{at, set};

impl Visit<'_> {
    /// GET /keys/{key}/rotationpolicy
    pub(super) fn rotation_policy(&self, key: &str) -> Answer {
        self.allow(GET_POLICY, Some(key))?;
        self.found(key, None)?;
        let policy = self
            .azure
            .world()
            .get(&self.key_id(key))
            .and_then(|key| key.body.pointer("/properties/rotationPolicy"))
            .cloned();
        // Without one, a notice is given 30 days before the end.
        let policy = policy.unwrap_or_else(|| {
            json!({
                "lifetimeActions": [{ "trigger": { "timeBeforeExpiry": "P30D" }, "action": { "type": "notify" } }],
                "attributes": {},
            })
        });
        Ok(Reply::ok(self.shown_policy(key, &policy)))
    }

    /// PUT /keys/{key}/rotationpolicy
    pub(super) fn set_rotation_policy(&self, key: &str) -> Answer {
        self.allow(SET_POLICY, Some(key))?;
        self.found(key, None)?;
        let mut actions = Vec::new();
        for action in self
            .sent("/lifetimeActions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let kind = at(action, "/action/type").unwrap_or_default().to_lowercase();
            let trigger = action.get("trigger").cloned().unwrap_or_default();
            for time in ["timeAfterCreate", "timeBeforeExpiry"] {
                if let Some(time) = trigger.get(time).filter(|time| !time.is_null()) {
                    check_time(time, kind == "rotate")?;
                }
            }
            if !["rotate", "notify"].contains(&kind.as_str()) {
                return Err(KeyVaultError::bad_parameter(format!(
                    "Property action has invalid value: {kind}"
                )));
            }
            actions.push(json!({ "trigger": trigger, "action": { "type": kind } }));
        }
        let mut attributes = json!({ "created": self.now.as_second(), "updated": self.now.as_second() });
        if let Some(time) = self.sent("/attributes/expiryTime") {
            check_time(time, true)?;
            set(&mut attributes, "expiryTime", time.clone());
        }
        let policy = json!({ "lifetimeActions": actions, "attributes": attributes });
        if let Some(found) = self.azure.world().get_mut(&self.key_id(key))
            && let Some(properties) = found.body.get_mut("properties")
        {
            set(properties, "rotationPolicy", policy.clone());
        }
        Ok(Reply::ok(self.shown_policy(key, &policy)))
    }

    /// As the data plane writes it: its words begin with a capital, Azure Resource Manager's do not.
    fn shown_policy(&self, key: &str, policy: &Value) -> Value {
        let mut policy = policy.clone();
        for action in policy
            .get_mut("lifetimeActions")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let kind = if at(action, "/action/type").is_some_and(|kind| kind.eq_ignore_ascii_case("rotate")) {
                "Rotate"
            } else {
                "Notify"
            };
            set(action, "action", json!({ "type": kind }));
        }
        set(
            &mut policy,
            "id",
            format!("{}/keys/{key}/rotationpolicy", self.base),
        );
        policy
    }
}

/// A duration of ISO 8601; of what is rotated, or ends, at least seven days.
fn check_time(time: &Value, at_least_a_week: bool) -> Result<(), KeyVaultError> {
    let wrong = |why: &str| KeyVaultError::bad_parameter(format!("The time {time} {why}."));
    let span: Span = time
        .as_str()
        .and_then(|time| time.parse().ok())
        .ok_or_else(|| wrong("is not a duration of ISO 8601"))?;
    let week = Span::new().days(7);
    // Months and years are as long as they are from some day on.
    let length = span
        .compare((week, date(2001, 1, 1)))
        .map_err(|_| wrong("is too long"))?;
    if at_least_a_week && length.is_lt() {
        return Err(wrong("is shorter than seven days"));
    }
    Ok(())
}
