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
pub struct Listed<T = Value> {
    /// The items of all pages.
    pub items: Vec<T>,
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
        self.list_with(path, api_version, query, Some).await
    }

    /// The same, keeping of each item what `take` makes of it: a long list is never there as a whole.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub async fn list_with<T: Send>(
        &self,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
        mut take: impl FnMut(Value) -> Option<T> + Send,
    ) -> Result<Listed<T>, ArmError> {
        let fail = |cause| ArmError::new(Method::Get.as_str(), path.to_owned(), cause);
        let mut next = address::build(self.cloud.arm_endpoint(), path, api_version, query)
            .map_err(|why| fail(Cause::InvalidPath(why)))?;
        let mut seen = HashSet::from([next.clone()]);
        let mut listed = Listed {
            items: Vec::new(),
            pages: 0,
        };
        let mut count = 0;
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
            let (items, link) = take_page(response.body).map_err(&bad)?;
            count += items.len();
            listed.items.extend(items.into_iter().filter_map(&mut take));
            if count > self.limits.items {
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

/// A page's items and its `nextLink`. An empty link is the end, as some resource providers write it.
fn take_page(body: Option<Value>) -> Result<(Vec<Value>, Option<String>), String> {
    let Some(Value::Object(mut page)) = body else {
        return Err("it is not a page of a list: its body is not an object".to_owned());
    };
    let items = match page.remove("value") {
        Some(Value::Array(items)) => items,
        Some(_) => return Err("it is not a page of a list: its value is not an array".to_owned()),
        None => return Err("it is not a page of a list: it has no value".to_owned()),
    };
    match page.remove("nextLink") {
        None | Some(Value::Null) => Ok((items, None)),
        Some(Value::String(link)) if link.is_empty() => Ok((items, None)),
        Some(Value::String(link)) => Ok((items, Some(link))),
        Some(_) => Err("its nextLink is not a string".to_owned()),
    }
}
