//! What a request's body must look like, and Azure's refusal of one that does not.
//!
//! Invariant: an unknown member, a wrong type, a missing required member and a value outside a closed set are refused with
//! their path, before anything is done.

use serde_json::Value;

use crate::refusal::Refusal;

/// The shape of a value.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// true or false.
    Flag,
    /// A number without fraction.
    Number,
    /// A list.
    List(&'static Shape),
    /// Members with any name.
    Map(&'static Shape),
    /// Members with these names.
    Object(&'static [Member]),
    /// Anything.
    Any,
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) presence: Presence,
}

/// Whether a member must or may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// In a PUT.
    Required,
    /// As one likes.
    Optional,
    /// Only in answers; what is sent is ignored, as most resource providers do.
    ReadOnly,
}

impl Member {
    /// May be left out.
    pub(crate) const fn new(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            presence: Presence::Optional,
        }
    }

    /// Must be there.
    pub(crate) const fn required(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            presence: Presence::Required,
        }
    }

    /// Comes back only.
    pub(crate) const fn read_only(name: &'static str) -> Self {
        Self {
            name,
            shape: Shape::Any,
            presence: Presence::ReadOnly,
        }
    }
}

/// Checks a body; a `partial` one, of a PATCH, may lack what is required.
pub(crate) fn check(shape: &Shape, body: &Value, partial: bool) -> Result<(), Refusal> {
    look(shape, body, "", partial).map_err(|why| {
        Refusal::bad_request(
            "InvalidRequestContent",
            format!("The request content was invalid and could not be deserialized: '{why}'."),
        )
    })
}

/// Gives the members of a body the spelling that is published: their case does not count.
pub(crate) fn spell(shape: &Shape, body: &mut Value) {
    match (shape, body) {
        (Shape::Object(members), Value::Object(object)) => {
            for (name, mut value) in std::mem::take(object) {
                let member = members
                    .iter()
                    .find(|member| member.name.eq_ignore_ascii_case(&name));
                if let Some(member) = member {
                    spell(&member.shape, &mut value);
                }
                object.insert(member.map_or(name, |member| member.name.to_owned()), value);
            }
        }
        (Shape::Map(item), Value::Object(object)) => {
            object.values_mut().for_each(|value| spell(item, value));
        }
        (Shape::List(item), Value::Array(items)) => items.iter_mut().for_each(|value| spell(item, value)),
        _ => {}
    }
}

/// Takes away what only answers have: what is sent of it counts for nothing.
pub(crate) fn drop_read_only(shape: &Shape, body: &mut Value) {
    match (shape, body) {
        (Shape::Object(members), Value::Object(object)) => {
            let of = |name: &str| {
                members
                    .iter()
                    .find(|member| member.name.eq_ignore_ascii_case(name))
            };
            object.retain(|name, _| of(name).is_none_or(|member| member.presence != Presence::ReadOnly));
            for (name, value) in object {
                if let Some(member) = of(name) {
                    drop_read_only(&member.shape, value);
                }
            }
        }
        (Shape::List(item), Value::Array(items)) => {
            items.iter_mut().for_each(|value| drop_read_only(item, value));
        }
        _ => {}
    }
}

fn look(shape: &Shape, value: &Value, path: &str, partial: bool) -> Result<(), String> {
    let expected = |what: &str| Err(format!("Path '{path}': expected {what}, found {}.", kind(value)));
    if value.is_null() {
        return Ok(());
    }
    match shape {
        Shape::Any => Ok(()),
        Shape::Text if value.is_string() => Ok(()),
        Shape::Text => expected("a string"),
        Shape::Flag if value.is_boolean() => Ok(()),
        Shape::Flag => expected("true or false"),
        Shape::Number if value.is_i64() || value.is_u64() => Ok(()),
        Shape::Number => expected("an integer"),
        Shape::Word(words) => match value.as_str() {
            Some(text) if words.iter().any(|word| word.eq_ignore_ascii_case(text)) => Ok(()),
            Some(text) => Err(format!(
                "Path '{path}': '{text}' is none of {}.",
                words.join(", ")
            )),
            None => expected("a string"),
        },
        Shape::List(item) => match value.as_array() {
            Some(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, one)| look(item, one, &format!("{path}[{index}]"), partial)),
            None => expected("a list"),
        },
        Shape::Map(item) => match value.as_object() {
            Some(members) => members
                .iter()
                .try_for_each(|(name, one)| look(item, one, &join(path, name), partial)),
            None => expected("an object"),
        },
        Shape::Object(members) => {
            let Some(object) = value.as_object() else {
                return expected("an object");
            };
            for (name, one) in object {
                let path = join(path, name);
                let member = members
                    .iter()
                    .find(|member| member.name.eq_ignore_ascii_case(name))
                    .ok_or_else(|| format!("Could not find member '{name}' on the object. Path '{path}'."))?;
                if member.presence != Presence::ReadOnly {
                    look(&member.shape, one, &path, partial)?;
                }
            }
            let missing = members
                .iter()
                .filter(|member| !partial && member.presence == Presence::Required)
                .find(|member| crate::text::member(value, member.name).is_none_or(|(_, one)| one.is_null()));
            match missing {
                Some(member) => Err(format!(
                    "Required property '{}' not found. Path '{path}'.",
                    member.name
                )),
                None => Ok(()),
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
