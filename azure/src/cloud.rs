//! Which Azure: the ARM endpoint, the audience of its tokens, and the authority that issues them.
//!
//! Invariant: every host is reached over https, and which hosts may receive an ARM token is decided here alone.

use url::Url;

#[cfg(test)]
mod tests;

/// One Azure cloud.
///
/// Hosts and audiences of the well-known ones: Azure's documentation of the national clouds, "Azure environments".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    arm_endpoint: Url,
    arm_audience: String,
    authority: Url,
    /// What follows a vault's name in its host; a custom cloud may not say.
    vault_suffix: Option<String>,
    /// ARM's regional hosts are sub-domains of the global one; in a custom cloud that is not known.
    regional_hosts: bool,
}

/// Settings that do not describe a cloud.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// Not a URL.
    #[error("the {what} {value:?} is not a URL; give it as https://HOST[:PORT]")]
    NotAUrl {
        /// Which setting.
        what: &'static str,
        /// What was given.
        value: String,
        /// Why it is none.
        #[source]
        source: url::ParseError,
    },
    /// Not https; tokens are not sent in the clear.
    #[error("the {what} {value} does not use https; tokens are sent over https alone")]
    NotHttps {
        /// Which setting.
        what: &'static str,
        /// What was given.
        value: String,
    },
    /// More than scheme, host and port.
    #[error("the {what} {value} has more than a host and a port; give it as https://HOST[:PORT]")]
    MoreThanAHost {
        /// Which setting.
        what: &'static str,
        /// What was given, without user information.
        value: String,
    },
    /// The audience is empty.
    #[error("the audience of Azure Resource Manager is empty; it is usually the endpoint's own URL")]
    NoAudience,
}

impl Cloud {
    /// ARM endpoint of the public cloud.
    pub const PUBLIC: &str = "https://management.azure.com";
    /// ARM endpoint of Azure US Government.
    pub const US_GOVERNMENT: &str = "https://management.usgovcloudapi.net";
    /// ARM endpoint of Azure operated by 21Vianet.
    pub const CHINA: &str = "https://management.chinacloudapi.cn";

    /// The public cloud.
    ///
    /// # Errors
    /// None in practice; the constants are URLs.
    pub fn public() -> Result<Self, CloudError> {
        Self::known(
            Self::PUBLIC,
            "https://login.microsoftonline.com",
            "vault.azure.net",
        )
    }

    /// Azure US Government.
    ///
    /// # Errors
    /// None in practice; the constants are URLs.
    pub fn us_government() -> Result<Self, CloudError> {
        Self::known(
            Self::US_GOVERNMENT,
            "https://login.microsoftonline.us",
            "vault.usgovcloudapi.net",
        )
    }

    /// Azure operated by 21Vianet.
    ///
    /// # Errors
    /// None in practice; the constants are URLs.
    pub fn china() -> Result<Self, CloudError> {
        Self::known(Self::CHINA, "https://login.chinacloudapi.cn", "vault.azure.cn")
    }

    /// Any other cloud. An endpoint that is a well-known one is treated as that cloud's.
    ///
    /// # Errors
    /// When an endpoint is not `https://HOST[:PORT]`, or the audience is empty.
    pub fn custom(arm_endpoint: &str, arm_audience: &str, authority: &str) -> Result<Self, CloudError> {
        let arm_endpoint = host_only("ARM endpoint", arm_endpoint)?;
        let authority = host_only("authority", authority)?;
        let arm_audience = arm_audience.trim().trim_end_matches('/').to_owned();
        if arm_audience.is_empty() {
            return Err(CloudError::NoAudience);
        }
        let regional_hosts = [Self::PUBLIC, Self::US_GOVERNMENT, Self::CHINA]
            .iter()
            .any(|known| arm_endpoint.as_str().trim_end_matches('/') == *known);
        Ok(Self {
            arm_endpoint,
            arm_audience,
            authority,
            vault_suffix: None,
            regional_hosts,
        })
    }

    fn known(arm_endpoint: &str, authority: &str, vault_suffix: &str) -> Result<Self, CloudError> {
        Ok(Self::custom(arm_endpoint, arm_endpoint, authority)?.with_vault_suffix(vault_suffix))
    }

    /// The same cloud, with key vaults at `{name}.{suffix}`; with a port when it is not https's own.
    #[must_use]
    pub fn with_vault_suffix(mut self, suffix: &str) -> Self {
        self.vault_suffix = Some(suffix.to_owned());
        self
    }

    /// What follows a vault's name in its host, if that is known.
    #[must_use]
    pub fn vault_suffix(&self) -> Option<&str> {
        self.vault_suffix.as_deref()
    }

    /// Where Azure Resource Manager answers.
    #[must_use]
    pub const fn arm_endpoint(&self) -> &Url {
        &self.arm_endpoint
    }

    /// The audience of ARM's tokens, without a slash at the end.
    #[must_use]
    pub fn arm_audience(&self) -> &str {
        &self.arm_audience
    }

    /// The scope to ask Entra for.
    #[must_use]
    pub fn arm_scope(&self) -> String {
        format!("{}/.default", self.arm_audience)
    }

    /// Where Entra issues tokens.
    #[must_use]
    pub const fn authority(&self) -> &Url {
        &self.authority
    }

    /// Whether an ARM token may go to this URL: https, the endpoint's host and port, or, in a well-known cloud, one of
    /// ARM's regional hosts below it. ARM hands out URLs of other hosts of the same cloud
    /// (azure-resource-manager-rpc, Addendum).
    #[must_use]
    pub fn trusts(&self, url: &Url) -> bool {
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        if url.port_or_known_default() != self.arm_endpoint.port_or_known_default() {
            return false;
        }
        let (Some(host), Some(own)) = (url.host_str(), self.arm_endpoint.host_str()) else {
            return false;
        };
        host == own
            || (self.regional_hosts
                && host
                    .strip_suffix(own)
                    .and_then(|rest| rest.strip_suffix('.'))
                    .is_some_and(|label| !label.is_empty()))
    }
}

fn host_only(what: &'static str, value: &str) -> Result<Url, CloudError> {
    let value = value.trim();
    let url = Url::parse(value).map_err(|source| CloudError::NotAUrl {
        what,
        value: value.to_owned(),
        source,
    })?;
    if url.scheme() != "https" {
        return Err(CloudError::NotHttps {
            what,
            value: value.to_owned(),
        });
    }
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare {
        let host = url.host_str().unwrap_or_default();
        return Err(CloudError::MoreThanAHost {
            what,
            value: format!("https://{host}{}", url.path()),
        });
    }
    Ok(url)
}
