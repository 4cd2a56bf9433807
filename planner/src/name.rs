//! Names of Azure's that have rules of their own: regions, vaults, keys and their versions.
//!
//! Invariant: equality ignores case as Azure does. Names that Azure itself tells keep their spelling.

use std::fmt;

use crate::arm_id::ArmId;
use crate::key_store::KeyStore;

/// Why a text is not such a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a region.
    #[error("{0:?} is not an Azure region such as westeurope")]
    Location(String),
    /// Not a vault's name.
    #[error(
        "{0:?} is not the name of a key vault (3 to 24 letters, digits and -, a letter first, no - at the end)"
    )]
    Vault(String),
    /// Not a key's name.
    #[error("{0:?} is not the name of a key (1 to 127 letters, digits and -): give the name, not the URL")]
    Key(String),
    /// Not a key version.
    #[error("{0:?} is not a key version (32 hexadecimal digits)")]
    Version(String),
    /// Not a key's URL.
    #[error("{0:?} is not a key identifier such as https://<vault>.vault.azure.net/keys/<key>/<version>")]
    Identifier(String),
}

/// An Azure region: lower case, without spaces, as ARM compares them (`West Europe` is `westeurope`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location(String);

impl Location {
    /// Reads a region in either spelling.
    ///
    /// # Errors
    /// When it is empty or holds anything but letters, digits and spaces.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let normal: String = text
            .chars()
            .filter(|c| *c != ' ')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if normal.is_empty() || !normal.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(NameError::Location(text.to_owned()));
        }
        Ok(Self(normal))
    }

    /// Lower case, without spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A name that is kept in lower case.
macro_rules! lower_case_name {
    ($(#[$doc:meta])* $name:ident, $error:path, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads the name.
            ///
            /// # Errors
            /// When it is not one that Azure takes.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_ascii_lowercase())) } else { Err($error(text.to_owned())) }
            }

            /// In lower case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

lower_case_name!(
    /// Name of a key vault, unique in all of Azure.
    VaultName,
    NameError::Vault,
    |text| (3..=24).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
);

lower_case_name!(
    /// Name of a key in its vault.
    KeyName,
    NameError::Key,
    |text| (1..=127).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
);

lower_case_name!(
    /// Version of a key: 32 hexadecimal digits (`^[a-fA-F0-9]{32}$`, Microsoft.KeyVault/vaults/keys/versions).
    KeyVersion,
    NameError::Version,
    |text| text.len() == 32 && text.chars().all(|c| c.is_ascii_hexdigit())
);

/// A key's URL: `https://{vault}.{suffix}/keys/{key}/{version}`, or without version; a managed HSM has another suffix. It may end with a
/// port.
#[derive(Clone, Debug)]
pub struct KeyIdentifier {
    text: String,
    store: KeyStore,
    vault: VaultName,
    key: KeyName,
    version: Option<KeyVersion>,
}

impl KeyIdentifier {
    /// Reads a key's URL.
    ///
    /// # Errors
    /// When it is not a key's URL.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fail = || NameError::Identifier(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(fail)?;
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(fail());
        }
        let mut segments = rest.trim_end_matches('/').split('/');
        let host = segments.next().ok_or_else(fail)?;
        let (vault, suffix) = host.split_once('.').ok_or_else(fail)?;
        if !is_suffix(suffix)
            || !segments
                .next()
                .is_some_and(|keys| keys.eq_ignore_ascii_case("keys"))
        {
            return Err(fail());
        }
        let vault = VaultName::parse(vault).map_err(|_| fail())?;
        let key = KeyName::parse(segments.next().ok_or_else(fail)?).map_err(|_| fail())?;
        let version = segments
            .next()
            .map(KeyVersion::parse)
            .transpose()
            .map_err(|_| fail())?;
        if segments.next().is_some() {
            return Err(fail());
        }
        Ok(Self {
            text: text.trim_end_matches('/').to_owned(),
            store: KeyStore::of_suffix(suffix),
            vault,
            key,
            version,
        })
    }

    /// As it was spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is in a vault or in a managed HSM.
    #[must_use]
    pub const fn store(&self) -> KeyStore {
        self.store
    }

    /// Whether it is in this vault or managed HSM.
    #[must_use]
    pub fn is_in(&self, store: &ArmId) -> bool {
        KeyStore::of(store) == self.store && store.name().eq_ignore_ascii_case(self.vault.as_str())
    }

    /// Whether both are in the same vault or managed HSM.
    #[must_use]
    pub fn same_store(&self, other: &Self) -> bool {
        self.store == other.store && self.vault == other.vault
    }

    /// The name of the vault or managed HSM.
    #[must_use]
    pub fn vault(&self) -> &VaultName {
        &self.vault
    }

    /// The URL of its vault or managed HSM, without a slash at its end.
    #[must_use]
    pub fn store_url(&self) -> &str {
        let slash = self.text.match_indices('/').nth(2);
        slash
            .and_then(|(at, _)| self.text.get(..at))
            .unwrap_or(&self.text)
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// The version, if the URL names one.
    #[must_use]
    pub fn version(&self) -> Option<&KeyVersion> {
        self.version.as_ref()
    }

    /// The same key without its version.
    #[must_use]
    pub fn versionless(&self) -> Self {
        let text = self.version.as_ref().and(self.text.rsplit_once('/'));
        Self {
            text: text.map_or(self.text.as_str(), |(key, _)| key).to_owned(),
            version: None,
            ..self.clone()
        }
    }

    /// Whether both name the same key, whatever the version.
    #[must_use]
    pub fn same_key(&self, other: &Self) -> bool {
        self.same_store(other) && self.key == other.key
    }
}

/// Whether a text can follow a vault's name in a host: labels of letters, digits and -, and perhaps a port.
fn is_suffix(text: &str) -> bool {
    let (host, port) = text
        .split_once(':')
        .map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    host.split('.').all(is_label)
        && port.is_none_or(|port| {
            port.chars().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
}

impl fmt::Display for KeyIdentifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl PartialEq for KeyIdentifier {
    fn eq(&self, other: &Self) -> bool {
        self.same_key(other) && self.version == other.version
    }
}

impl Eq for KeyIdentifier {}

#[cfg(test)]
mod tests;
