//! Lists in pages, followed to their end.
//!
//! Invariant: a list is whole or it is an error. What is missing from half a list would look like deleted.

use std::collections::HashSet;

use azure_core::http::Method;
use serde_json::Value;
use url::Url;

use super::{ArmClient, Purpose, address};
use crate::error::{ArmError, Cause};

/// A whole list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The items of all pages.
    pub items: Vec<Value>,
    /// How many pages it took.
    pub pages: u32,
}

impl ArmClient {
    /// Reads all pages of a list (`value` and `nextLink`).
    ///
    /// # Errors
    /// When a page cannot be read, is no page, repeats an earlier `nextLink`, leads to another host, or the list goes on
    /// beyond the client's limits.
    pub async fn list(
        &self,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
    ) -> Result<Listed, ArmError> {
        let fail = |cause| ArmError::new(Method::Get.as_str(), path.to_owned(), cause);
        let mut next = address::build(self.cloud.arm_endpoint(), path, api_version, query)
            .map_err(|why| fail(Cause::InvalidPath(why)))?;
        let mut seen = HashSet::from([next.clone()]);
        let mut listed = Listed {
            items: Vec::new(),
            pages: 0,
        };
        loop {
            let purpose = if listed.pages == 0 {
                Purpose::Request
            } else {
                Purpose::NextPage
            };
            let response = self.exchange(Method::Get, next, None, purpose).await?;
            let bad = |what| {
                fail(Cause::BadAnswer {
                    status: response.status,
                    what,
                    source: None,
                })
            };
            listed.pages += 1;
            let link = take_page(response.body, &mut listed.items).map_err(&bad)?;
            if listed.items.len() > self.limits.items {
                return Err(bad(format!(
                    "the list goes on beyond {} items",
                    self.limits.items
                )));
            }
            let Some(link) = link else { return Ok(listed) };
            if listed.pages >= self.limits.pages {
                return Err(bad(format!(
                    "the list goes on beyond {} pages",
                    self.limits.pages
                )));
            }
            next = Url::parse(&link).map_err(|error| bad(format!("its nextLink is not a URL: {error}")))?;
            if !seen.insert(next.clone()) {
                return Err(bad(format!(
                    "its nextLink, after page {}, is one that was followed before",
                    listed.pages
                )));
            }
        }
    }
}

/// Moves a page's items to `items`; gives its `nextLink`. An empty link is the end, as some resource providers write it.
fn take_page(body: Option<Value>, items: &mut Vec<Value>) -> Result<Option<String>, String> {
    let Some(Value::Object(mut page)) = body else {
        return Err("it is not a page of a list: its body is not an object".to_owned());
    };
    match page.remove("value") {
        Some(Value::Array(more)) => items.extend(more),
        Some(_) => return Err("it is not a page of a list: its value is not an array".to_owned()),
        None => return Err("it is not a page of a list: it has no value".to_owned()),
    }
    match page.remove("nextLink") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(link)) if link.is_empty() => Ok(None),
        Some(Value::String(link)) => Ok(Some(link)),
        Some(_) => Err("its nextLink is not a string".to_owned()),
    }
}
