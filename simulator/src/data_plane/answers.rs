//! Reading keys and their versions.

use serde_json::{Value, json};

use super::refusal::KeyVaultError;
use super::{Answer, Visit};
use crate::front::Reply;
use crate::key_access::{GET, LIST};
use crate::types::{KEYS, VERSIONS};

/// The most items of a page (azure-keyvault-keys, maxresults).
const LARGEST_PAGE: usize = 25;

impl Visit<'_> {
    /// GET /keys/{key}[/{version}]. A disabled key can be read (notaryproject/ratify #1474).
    pub(super) fn get(&self, key: &str, version: Option<&str>) -> Answer {
        self.allow(GET, Some(key))?;
        Ok(Reply::ok(self.bundle(&self.found(key, version)?)?))
    }

    /// GET /keys
    pub(super) fn list_keys(&self) -> Answer {
        self.allow(LIST, None)?;
        let items = {
            let world = self.azure.world();
            world
                .within(self.vault.id())
                .filter(|one| one.kind() == KEYS)
                .map(|one| self.item(&one.body, "keyUri"))
                .collect()
        };
        self.page("keys", items)
    }

    /// GET /keys/{key}/versions
    pub(super) fn list_versions(&self, key: &str) -> Answer {
        self.allow(LIST, Some(key))?;
        let items: Vec<Value> = {
            let world = self.azure.world();
            let id = self.key_id(key);
            world
                .within(&id)
                .filter(|one| one.kind() == VERSIONS)
                .map(|one| self.item(&one.body, "keyUriWithVersion"))
                .collect()
        };
        if items.is_empty() {
            return Err(KeyVaultError::key_not_found(key));
        }
        self.page(&format!("keys/{key}/versions"), items)
    }

    /// One page of a list.
    pub(super) fn page(&self, path: &str, items: Vec<Value>) -> Answer {
        let size = match self.query("maxresults").map(str::parse::<usize>) {
            None => LARGEST_PAGE,
            Some(Ok(size)) if (1..=LARGEST_PAGE).contains(&size) => size,
            Some(_) => {
                return Err(KeyVaultError::bad_parameter(format!(
                    "Property maxresults has invalid value: it must be between 1 and {LARGEST_PAGE}."
                )));
            }
        };
        let size = size.min(self.azure.world().settings.page_size.max(1));
        let skip: usize = self
            .query("$skiptoken")
            .and_then(|token| token.parse().ok())
            .unwrap_or_default();
        let end = skip.saturating_add(size);
        let next = (items.len() > end).then(|| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in &self.query {
                if !name.eq_ignore_ascii_case("$skiptoken") {
                    query.append_pair(name, value);
                }
            }
            query.append_pair("$skiptoken", &end.to_string());
            format!("{}/{path}?{}", self.base, query.finish())
        });
        let page: Vec<Value> = items.into_iter().skip(skip).take(size).collect();
        Ok(Reply::ok(json!({ "value": page, "nextLink": next })))
    }
}
