//! What an account is made of: agents, inboxes, webhooks, attribute definitions.

use std::collections::BTreeSet;

use reqwest::Method;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use trust::{
    id::{AccountId, InboxId},
    marketplace::{Agent, Email},
};

use super::{By, Chatwoot, ClientError, Payload};
use crate::webhook::EventKind;

/// A user of an account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// His id.
    pub id: u64,
    /// His address; absent where it is none that we would take.
    #[serde(default, deserialize_with = "lenient")]
    pub email: Option<Email>,
}

fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Email>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(|text| text.try_into().ok()))
}

/// An inbox. Its keys are there for administrators only.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Inbox {
    /// The inbox.
    pub id: InboxId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `Channel::WebWidget`, …
    #[serde(default)]
    pub channel_type: String,
    /// The website it is for.
    #[serde(default)]
    pub website_url: Option<String>,
    /// What a widget names it by.
    #[serde(default)]
    pub website_token: Option<String>,
    /// The key of its identity hashes.
    #[serde(default)]
    pub hmac_token: Option<String>,
    /// Whether it takes identities with a hash only.
    #[serde(default)]
    pub hmac_mandatory: Option<bool>,
    /// Where an API inbox posts to by itself, beside the account's webhooks.
    #[serde(default)]
    pub webhook_url: Option<String>,
}

impl Inbox {
    /// Whether it is a website's.
    pub fn is_website(&self) -> bool {
        self.channel_type == "Channel::WebWidget"
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A webhook of an account.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: u64,
    /// Where it posts to.
    pub url: String,
    /// What it posts.
    #[serde(default)]
    pub subscriptions: BTreeSet<String>,
    /// What it signs with, since 4.12.
    #[serde(default)]
    pub secret: Option<String>,
}

impl Webhook {
    /// Whether it posts the five events we use and no other.
    pub fn is_subscribed_exactly(&self) -> bool {
        self.subscriptions == subscriptions()
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What an attribute of a conversation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeKind {
    /// A text.
    Text,
    /// An address to follow.
    Link,
}

/// Chatwoot's name for OpenAI among its integrations.
const OPENAI: &str = "openai";

fn subscriptions() -> BTreeSet<String> {
    EventKind::ALL.iter().map(|kind| kind.subscription().to_owned()).collect()
}

#[derive(Deserialize)]
struct Webhooks {
    webhooks: Vec<Webhook>,
}

#[derive(Deserialize)]
struct OneWebhook {
    webhook: Webhook,
}

/// An integration that an account can have, and whether it has it.
#[derive(Deserialize)]
struct Integration {
    id: String,
    #[serde(default)]
    hooks: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Definition {
    attribute_key: String,
}

impl Chatwoot {
    /// The agents of an account.
    pub async fn agents(&self, account: AccountId) -> Result<Vec<User>, ClientError> {
        self.get(By::User, &format!("/api/v1/accounts/{account}/agents")).await
    }

    /// Makes somebody an agent of an account. Chatwoot sends him an invitation, by which he sets a password.
    pub async fn invite(&self, account: AccountId, agent: &Agent) -> Result<User, ClientError> {
        let body = json!({ "name": agent.name, "email": agent.email, "role": "agent" });
        self.ask(By::User, Method::POST, &format!("/api/v1/accounts/{account}/agents"), &body).await
    }

    /// Takes somebody out of an account. Who is not in it stays out.
    pub async fn remove_agent(&self, account: AccountId, user: u64) -> Result<(), ClientError> {
        let path = format!("/api/v1/accounts/{account}/agents/{user}");
        match self.ask::<Option<IgnoredAny>>(By::User, Method::DELETE, &path, &json!({})).await {
            Ok(_) | Err(ClientError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The inboxes of an account.
    pub async fn inboxes(&self, account: AccountId) -> Result<Vec<Inbox>, ClientError> {
        let found: Payload<Vec<Inbox>> =
            self.get(By::User, &format!("/api/v1/accounts/{account}/inboxes")).await?;
        Ok(found.payload)
    }

    /// Makes a website inbox that takes identities with a hash only. Nobody is assigned to its conversations by a machine.
    pub async fn create_website_inbox(
        &self,
        account: AccountId,
        name: &str,
        website: &str,
    ) -> Result<Inbox, ClientError> {
        let body = json!({
            "name": name, "enable_auto_assignment": false, "csat_survey_enabled": false,
            "channel": { "type": "web_widget", "website_url": website, "hmac_mandatory": true },
        });
        self.ask(By::User, Method::POST, &format!("/api/v1/accounts/{account}/inboxes"), &body).await
    }

    /// Lets an inbox take identities with a hash only.
    pub async fn require_identity(&self, account: AccountId, inbox: InboxId) -> Result<Inbox, ClientError> {
        let path = format!("/api/v1/accounts/{account}/inboxes/{inbox}");
        self.ask(By::User, Method::PATCH, &path, &json!({ "channel": { "hmac_mandatory": true } })).await
    }

    /// The members of an inbox.
    pub async fn members(&self, account: AccountId, inbox: InboxId) -> Result<Vec<User>, ClientError> {
        let path = format!("/api/v1/accounts/{account}/inbox_members/{inbox}");
        let found: Payload<Vec<User>> = self.get(By::User, &path).await?;
        Ok(found.payload)
    }

    /// Makes these users, and nobody else, the members of an inbox.
    pub async fn set_members(
        &self,
        account: AccountId,
        inbox: InboxId,
        users: &[u64],
    ) -> Result<(), ClientError> {
        let path = format!("/api/v1/accounts/{account}/inbox_members");
        // Chatwoot's document wants the inbox as a text; its server takes both.
        let body = json!({ "inbox_id": inbox.to_string(), "user_ids": users });
        let _: Option<IgnoredAny> = self.ask(By::User, Method::PATCH, &path, &body).await?;
        Ok(())
    }

    /// The webhooks of an account.
    pub async fn webhooks(&self, account: AccountId) -> Result<Vec<Webhook>, ClientError> {
        let found: Payload<Webhooks> =
            self.get(By::User, &format!("/api/v1/accounts/{account}/webhooks")).await?;
        Ok(found.payload.webhooks)
    }

    /// Lets an account post the five events we use to an address.
    pub async fn create_webhook(&self, account: AccountId, url: &str) -> Result<Webhook, ClientError> {
        let path = format!("/api/v1/accounts/{account}/webhooks");
        let body = json!({ "url": url, "name": "Provider Trust", "subscriptions": subscriptions() });
        let made: Payload<OneWebhook> = self.ask(By::User, Method::POST, &path, &body).await?;
        Ok(made.payload.webhook)
    }

    /// Lets a webhook post the five events we use and no other.
    pub async fn subscribe_exactly(
        &self,
        account: AccountId,
        webhook: &Webhook,
    ) -> Result<Webhook, ClientError> {
        let path = format!("/api/v1/accounts/{account}/webhooks/{}", webhook.id);
        let body = json!({ "url": webhook.url, "subscriptions": subscriptions() });
        let changed: Payload<OneWebhook> = self.ask(By::User, Method::PATCH, &path, &body).await?;
        Ok(changed.payload.webhook)
    }

    /// The keys of the attributes that conversations of an account may have.
    pub async fn attributes(&self, account: AccountId) -> Result<BTreeSet<String>, ClientError> {
        let path = format!("/api/v1/accounts/{account}/custom_attribute_definitions?attribute_model=0");
        let found: Vec<Definition> = self.get(By::User, &path).await?;
        Ok(found.into_iter().map(|definition| definition.attribute_key).collect())
    }

    /// Lets conversations of an account have an attribute.
    pub async fn define_attribute(
        &self,
        account: AccountId,
        key: &str,
        name: &str,
        kind: AttributeKind,
    ) -> Result<(), ClientError> {
        let path = format!("/api/v1/accounts/{account}/custom_attribute_definitions");
        let kind = match kind {
            AttributeKind::Text => 0,
            AttributeKind::Link => 4,
        };
        let body = json!({
            "attribute_display_name": name, "attribute_display_type": kind, "attribute_key": key,
            "attribute_description": "Set by Provider Trust.", "attribute_model": 0,
        });
        let _: Value = self.ask(By::User, Method::POST, &path, &body).await?;
        Ok(())
    }

    /// Whether an account's agents have replies suggested by somebody's OpenAI key, which Chatwoot does not show.
    pub async fn suggests_replies(&self, account: AccountId) -> Result<bool, ClientError> {
        let path = format!("/api/v1/accounts/{account}/integrations/apps");
        let found: Payload<Vec<Integration>> = self.get(By::User, &path).await?;
        Ok(found.payload.iter().any(|app| app.id == OPENAI && !app.hooks.is_empty()))
    }

    /// Lets an account's agents have replies suggested by the operator's own OpenAI key.
    pub async fn suggest_replies(&self, account: AccountId, openai_key: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/accounts/{account}/integrations/hooks");
        // Chatwoot's document has the app as a number; its server knows apps by name.
        let body = json!({ "app_id": OPENAI, "settings": { "api_key": openai_key } });
        let _: Value = self.ask(By::User, Method::POST, &path, &body).await?;
        Ok(())
    }
}
