//! What an account needs for us, found or made: agents, attributes and the webhook. Whoever asks twice changes nothing the second time.

use reqwest::Url;
use trust::{id::AccountId, marketplace::Agent};

use super::{AttributeKind, Chatwoot, ClientError, User, Webhook};

/// The attributes of a contract's conversation: key, name and kind.
pub const ATTRIBUTES: [(&str, &str, AttributeKind); 3] = [
    ("contract_id", "Contract", AttributeKind::Text),
    ("offering_id", "Offering", AttributeKind::Text),
    ("contract_url", "Contract page", AttributeKind::Link),
];

/// How something was found that is now as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// As it should be.
    Right,
    /// Otherwise; it was changed.
    Otherwise,
    /// Not at all; it was made.
    Nowhere,
}

impl Chatwoot {
    /// Lets an account's conversations have the attributes of a contract's, and says which ones they could not have before.
    pub async fn ensure_attributes(&self, account: AccountId) -> Result<Vec<&'static str>, ClientError> {
        let defined = self.attributes(account).await?;
        let mut made = Vec::new();
        for (key, name, kind) in ATTRIBUTES {
            if !defined.contains(key) {
                match self.define_attribute(account, key, name, kind).await {
                    Ok(()) => made.push(key),
                    // Somebody else was faster, in a shared account.
                    Err(ClientError::Invalid(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(made)
    }

    /// The user who is this agent of an account. Whom Chatwoot does not know in it, it invites.
    pub async fn ensure_agent(&self, account: AccountId, agent: &Agent) -> Result<User, ClientError> {
        let known = async || -> Result<Option<User>, ClientError> {
            let agents = self.agents(account).await?;
            Ok(agents.into_iter().find(|user| user.email.as_ref() == Some(&agent.email)))
        };
        if let Some(user) = known().await? {
            return Ok(user);
        }
        match self.invite(account, agent).await {
            // Somebody else was faster, in a shared account.
            Err(ClientError::Invalid(refused)) => known().await?.ok_or(ClientError::Invalid(refused)),
            outcome => outcome,
        }
    }

    /// Lets an account post the five events we use, and no other, to this address.
    pub async fn ensure_webhook(
        &self,
        account: AccountId,
        url: &str,
    ) -> Result<(Webhook, Found), ClientError> {
        let known = self.webhooks(account).await?;
        match self.right_webhook(account, url, &known).await {
            // Somebody else was faster, in a shared account.
            Err(ClientError::Invalid(_)) => {
                let known = self.webhooks(account).await?;
                self.right_webhook(account, url, &known).await
            }
            outcome => outcome,
        }
    }

    async fn right_webhook(
        &self,
        account: AccountId,
        url: &str,
        known: &[Webhook],
    ) -> Result<(Webhook, Found), ClientError> {
        let exactly = known.iter().find(|webhook| webhook.url == url);
        // After a rotation what is left is the one with a query.
        match exactly.or_else(|| known.iter().find(|webhook| webhook.posts_to(url))) {
            None => Ok((self.create_webhook(account, url).await?, Found::Nowhere)),
            Some(known) if known.is_subscribed_exactly() => Ok((known.clone(), Found::Right)),
            Some(known) => Ok((self.subscribe_exactly(account, known).await?, Found::Otherwise)),
        }
    }
}

impl Webhook {
    /// Whether it posts to this address, whatever query it has appended: a query tells two webhooks to the same address apart.
    pub fn posts_to(&self, address: &str) -> bool {
        same_place(&self.url, address)
    }
}

/// Whether two addresses are the same but for their queries.
pub fn same_place(one: &str, other: &str) -> bool {
    let place = |address: &str| -> Option<Url> {
        let mut url: Url = address.parse().ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    match (place(one), place(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_tells_webhooks_apart_and_nothing_else_of_an_address_is_ignored() {
        let address = "https://x.example/1";
        for (other, same) in [
            ("https://x.example/1", true),
            ("https://X.example:443/1?new", true),
            ("https://x.example/1?a=b#c", true),
            ("https://x.example/2", false),
            ("https://x.example/1/", false),
            ("http://x.example/1", false),
            ("https://y.example/1", false),
            ("x.example/1", false),
        ] {
            assert_eq!(same_place(other, address), same, "{other}");
        }
    }
}
