//! Where things are: Chatwoot, the receiver of its webhooks, and the accounts that matter.

use std::{collections::BTreeSet, net::IpAddr};

use reqwest::Url;
use trust::id::AccountId;

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Chatwoot.
    pub chatwoot: Url,
    /// The receiver of its webhooks, where it is known.
    pub receiver: Option<Receiver>,
    /// The account that all providers share, where they do.
    pub shared: Option<AccountId>,
    /// Further accounts that were not made by our platform app.
    pub others: BTreeSet<AccountId>,
}

impl Place {
    /// The address of something at Chatwoot; the path begins with a slash.
    pub fn at_chatwoot(&self, path: &str) -> String {
        format!("{}{path}", self.chatwoot.as_str().trim_end_matches('/'))
    }

    /// The accounts that were named.
    pub fn named(&self) -> BTreeSet<AccountId> {
        self.shared.into_iter().chain(self.others.iter().copied()).collect()
    }
}

/// The receiver of Chatwoot's webhooks: the template's output `ChatwootWebhookUrl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver(Url);

impl Receiver {
    /// The receiver at this address.
    pub fn at(address: Url) -> Self {
        Self(address)
    }

    /// Where an account's webhooks go.
    pub fn of(&self, account: AccountId) -> String {
        format!("{}/{account}", self.0.as_str().trim_end_matches('/'))
    }

    /// Whether this is an address of the receiver, of whatever account.
    pub fn covers(&self, address: &str) -> bool {
        address.starts_with(&format!("{}/", self.0.as_str().trim_end_matches('/')))
    }

    /// Whether it plainly has no public address. A name that only resolves to a private one does not show.
    pub fn is_private(&self) -> bool {
        is_private(&self.0)
    }
}

/// Whether tokens sent there go over a network in the clear.
pub fn is_in_the_clear(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

fn address(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

fn is_loopback(url: &Url) -> bool {
    url.host_str() == Some("localhost") || address(url).is_some_and(|address| address.is_loopback())
}

fn is_private(url: &Url) -> bool {
    let private = |address| match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    };
    is_loopback(url) || address(url).is_some_and(private)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn an_accounts_webhooks_go_below_the_receivers_address_with_and_without_a_slash() {
        for address in ["https://x.example", "https://x.example/"] {
            assert_eq!(Receiver::at(url(address)).of(AccountId(7)), "https://x.example/7");
        }
        let below = Receiver::at(url("http://127.0.0.1:8787/lambda-url/chatwoot-webhook/"));
        assert_eq!(below.of(AccountId(7)), "http://127.0.0.1:8787/lambda-url/chatwoot-webhook/7");
        assert!(below.covers("http://127.0.0.1:8787/lambda-url/chatwoot-webhook/9"));
        assert!(!below.covers("http://127.0.0.1:8787/lambda-url/other/9"));
    }

    #[test]
    fn tokens_go_in_the_clear_over_http_to_another_machine_only() {
        for (address, clear, private) in [
            ("https://chat.example.com", false, false),
            ("http://chat.example.com", true, false),
            ("http://127.0.0.1:3000", false, true),
            ("http://[::1]:3000", false, true),
            ("http://localhost", false, true),
            ("http://10.0.0.7", true, true),
            ("https://192.168.1.7", false, true),
            ("https://[fd00::1]/", false, true),
            ("https://8.8.8.8", false, false),
        ] {
            assert_eq!(
                (is_in_the_clear(&url(address)), is_private(&url(address))),
                (clear, private),
                "{address}"
            );
        }
    }
}
