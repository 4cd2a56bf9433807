//! Reading JSON, and the text that ids are made of.

use serde_json::Value;

/// The text at a JSON pointer.
pub(crate) fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// A member of an object, in any case.
pub(crate) fn member<'a>(value: &'a Value, name: &str) -> Option<(&'a String, &'a Value)> {
    value
        .as_object()?
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
}

/// Sets a member of an object; of anything else, nothing.
pub(crate) fn set(value: &mut Value, name: &str, new: impl Into<Value>) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), new.into());
    }
}

/// JSON merge patch (RFC 7396).
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Some(members) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(object) = target.as_object_mut() else {
        return;
    };
    for (name, value) in members {
        if value.is_null() {
            object.remove(name);
        } else {
            merge(object.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// A GUID that is always the same for `text`.
pub(crate) fn guid(text: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, text.as_bytes()).to_string()
}

/// A new GUID.
pub(crate) fn new_guid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// 32 hexadecimal digits, as versions of keys have.
pub(crate) fn version(text: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes())
        .simple()
        .to_string()
}
