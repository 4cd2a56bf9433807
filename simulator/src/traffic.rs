//! What was asked and answered: the log of exchanges, and counters.
//!
//! Invariant: a line is in the file before its answer leaves; a request whose client went away is in it too.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;

/// The newest exchanges that the control API gives out.
const KEPT: usize = 50_000;

/// One exchange.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) url: String,
    /// 0 when no answer was sent.
    pub(crate) status: u16,
    pub(crate) request: Option<Value>,
    pub(crate) response: Option<Value>,
    pub(crate) principal: Option<String>,
    pub(crate) fault: Option<Value>,
    pub(crate) at: String,
}

impl Exchange {
    /// One that has no answer so far.
    pub(crate) fn new(method: &str, url: &str, request: Option<Value>) -> Self {
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            status: 0,
            request,
            response: None,
            principal: None,
            fault: None,
            at: Timestamp::now().to_string(),
        }
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    file: Option<File>,
    log: Vec<Exchange>,
    /// Exchanges that are not kept any more.
    dropped: usize,
    counters: BTreeMap<(String, String, String), u64>,
}

impl Traffic {
    /// Written to a file, if there is one.
    pub(crate) fn new(path: Option<&Path>) -> Result<Self, Error> {
        let file = path
            .map(|path| {
                File::create(path).map_err(|source| Error::File {
                    path: path.to_owned(),
                    source,
                })
            })
            .transpose()?;
        Ok(Self {
            file,
            ..Self::default()
        })
    }

    /// Records an exchange of resource type `kind`.
    pub(crate) fn record(&mut self, exchange: Exchange, kind: &str) {
        let principal = exchange.principal.clone().unwrap_or_default();
        *self
            .counters
            .entry((principal, exchange.method.clone(), kind.to_owned()))
            .or_default() += 1;
        if let (Some(file), Ok(line)) = (&mut self.file, serde_json::to_string(&exchange)) {
            // A full disk must not change what this Azure answers.
            let _ = writeln!(file, "{line}");
        }
        if self.log.len() >= KEPT {
            let half = KEPT / 2;
            self.log.drain(..half);
            self.dropped += half;
        }
        self.log.push(exchange);
    }

    /// Exchanges from number `since` on.
    pub(crate) fn since(&self, since: usize) -> Vec<Exchange> {
        self.log
            .iter()
            .skip(since.saturating_sub(self.dropped))
            .cloned()
            .collect()
    }

    /// Requests by principal, method and type.
    pub(crate) fn counters(&self) -> Value {
        let requests: Vec<Value> = self
            .counters
            .iter()
            .map(|((principal, method, kind), count)| {
                json!({ "principal": principal, "method": method, "type": kind, "count": count })
            })
            .collect();
        json!({ "requests": requests })
    }

    /// Counts anew.
    pub(crate) fn reset_counters(&mut self) {
        self.counters.clear();
    }
}
