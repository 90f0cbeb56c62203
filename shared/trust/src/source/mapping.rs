//! Which of a source's names is which provider.
//!
//! A source calls providers by names of its own. That a name is a provider's is proposed (by a machine, from the domain of both) and
//! confirmed by an operator; until then nothing that the source says under that name is evidence about anybody. A name is at most one
//! provider's, a provider may have several.

use serde::{Deserialize, Serialize};

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
    Proposed(String),
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

    /// What becomes of what is known of a name when this provider is proposed for it. An operator's word stays, and so does the first
    /// of two proposals: both would need one to decide.
    #[must_use]
    pub fn proposed(known: Option<Self>, provider: ProviderId, domain: String, now: Moment) -> Self {
        known.unwrap_or(Self { provider, standing: Standing::Proposed(domain), at: now })
    }
}

/// The domain by which two websites are held against each other: the host in lower case, without a `www.` before it or a dot behind.
/// `None` of what is no name in the public DNS.
///
/// Nothing cleverer: that two hosts under one suffix belong to one owner is true of some suffixes and false of others.
pub fn domain(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let name = host.strip_prefix("www.").unwrap_or(&host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let (_, last) = name.rsplit_once('.')?;
    let is_name = name.len() <= 253 && name.split('.').all(is_label);
    (is_name && last.bytes().any(|byte| byte.is_ascii_alphabetic())).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(id: &str) -> ProviderId {
        id.parse().unwrap()
    }

    fn at(seconds: i64) -> Moment {
        Moment::from_unix(seconds).unwrap()
    }

    #[test]
    fn a_proposal_is_no_evidence_and_never_outdoes_an_operator() {
        let proposed = Mapping::proposed(None, provider("p1"), "a.example".to_owned(), at(1));
        assert_eq!(proposed.confirmed(), None);
        for standing in [Standing::Confirmed, Standing::Rejected] {
            let known = Mapping { standing, ..proposed.clone() };
            let again = Mapping::proposed(Some(known.clone()), provider("p2"), "b.example".to_owned(), at(2));
            assert_eq!(again, known);
        }
        let confirmed = Mapping { standing: Standing::Confirmed, ..proposed };
        assert_eq!(confirmed.confirmed(), Some(&provider("p1")));
    }

    #[test]
    fn domains_are_equal_with_and_without_www_and_otherwise_only_if_they_are() {
        for (host, expected) in [
            ("www.Acme.example", Some("acme.example")),
            ("acme.example.", Some("acme.example")),
            ("shop.acme.example", Some("shop.acme.example")),
            ("www.example", None),
            ("localhost", None),
            ("192.0.2.1", None),
            ("a..b", None),
            ("", None),
        ] {
            assert_eq!(domain(host).as_deref(), expected, "{host}");
        }
    }
}
