//! Which of a source's names is which provider.
//!
//! A source calls providers by names of its own. That a name is a provider's is proposed (by a machine, from the domain of both) and
//! confirmed by an operator; until then nothing that the source says under that name is evidence about anybody. A name is at most one
//! provider's, a provider may have several.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{id::ProviderId, time::Moment};

/// That a source's name is a provider's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The provider.
    pub provider: ProviderId,
    /// Whether it is so.
    pub standing: Standing,
    /// Since when.
    pub at: Moment,
}

/// Whether a name is a provider's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It may be: both are at this domain.
    Proposed(Domain),
    /// An operator says so.
    Confirmed,
    /// An operator says it is not; it is not proposed again.
    Rejected,
}

impl Mapping {
    /// Whose the name is, as far as it may be used as evidence.
    pub fn confirmed(&self) -> Option<&ProviderId> {
        (self.standing == Standing::Confirmed).then_some(&self.provider)
    }

    /// That a name of which nothing is known yet may be this provider's.
    pub fn proposed(provider: ProviderId, domain: Domain, now: Moment) -> Self {
        Self { provider, standing: Standing::Proposed(domain), at: now }
    }
}

/// The domain by which two websites are held against each other: the host in lower case, without a `www.` before it or a dot behind.
///
/// Nothing cleverer: that two hosts under one suffix belong to one owner is true of some suffixes and false of others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

/// A text that is no name in the public DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a domain")]
pub struct InvalidDomain;

impl Domain {
    /// The domain of a website's address; `None` where that is no address of the web, or of no name in the public DNS.
    pub fn of_website(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https");
        Self::of_host(url.domain().filter(|_| is_web)?).ok()
    }

    fn of_host(host: &str) -> Result<Self, InvalidDomain> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let name = host.strip_prefix("www.").unwrap_or(&host);
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let (_, last) = name.rsplit_once('.').ok_or(InvalidDomain)?;
        let is_name = name.len() <= 253 && name.split('.').all(is_label);
        if is_name && last.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            return Ok(Self(name.to_owned()));
        }
        Err(InvalidDomain)
    }

    /// The domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Domain {
    type Error = InvalidDomain;
    fn try_from(text: String) -> Result<Self, InvalidDomain> {
        Self::of_host(&text)
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> String {
        domain.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_operator_confirms_is_evidence() {
        let domain = Domain::of_website("https://a.example").unwrap();
        let proposed = Mapping::proposed("p1".parse().unwrap(), domain, Moment::EPOCH);
        assert_eq!(proposed.confirmed(), None);
        let rejected = Mapping { standing: Standing::Rejected, ..proposed.clone() };
        assert_eq!(rejected.confirmed(), None);
        let confirmed = Mapping { standing: Standing::Confirmed, ..proposed };
        assert_eq!(confirmed.confirmed(), Some(&"p1".parse().unwrap()));
    }

    #[test]
    fn domains_are_equal_with_and_without_www_and_otherwise_only_if_they_are() {
        for (website, expected) in [
            ("https://www.Acme.example", Some("acme.example")),
            ("http://acme.example.:8080/vps?from=us", Some("acme.example")),
            ("https://shop.acme.example/", Some("shop.acme.example")),
            ("https://b\u{fc}cher.example", Some("xn--bcher-kva.example")),
            ("https://user@acme.example", Some("acme.example")),
            ("https://www.example", None),
            ("https://localhost", None),
            ("https://192.0.2.1", None),
            ("https://0x7f.1", None),
            ("https://[2001:db8::1]", None),
            ("ftp://acme.example", None),
            ("acme.example", None),
            ("", None),
        ] {
            assert_eq!(Domain::of_website(website).as_ref().map(Domain::as_str), expected, "{website}");
        }
        assert!(serde_json::from_str::<Domain>("\"localhost\"").is_err());
    }
}
