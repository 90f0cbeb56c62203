//! An operator's Chatwoot with Provider Trust connected to it, as far as functions need one: the fake, his user, his tokens.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Value, json};

use crate::{
    chatwoot::{Chatwoot, Clock},
    samples,
};

/// An operator and his Chatwoot.
#[derive(Debug)]
pub struct Operator {
    /// His Chatwoot.
    pub chatwoot: Chatwoot,
    /// His user's id.
    pub user: u64,
    token: String,
}

impl Operator {
    /// Starts a Chatwoot with an operator who has nothing in it but his user.
    pub async fn start(clock: Clock) -> anyhow::Result<Self> {
        let chatwoot = Chatwoot::start(clock).await?;
        let client = reqwest::Client::builder().build()?;
        let post = async |path: &str, body: Value| -> anyhow::Result<Value> {
            let url = format!("{}/platform/api/v1{path}", chatwoot.base_url());
            let request = client.post(url).header("api-access-token", chatwoot.platform_token());
            Ok(request.json(&body).send().await?.error_for_status()?.json().await?)
        };
        let made = post(
            "/users",
            json!({ "name": "Operator", "email": "operator@example.org", "password": "S3cret!pass" }),
        )
        .await?;
        let user = made["id"].as_u64().context("no user")?;
        let token = post(&format!("/users/{user}/token"), json!({})).await?;
        let token = token["access_token"].as_str().context("no token")?.to_owned();
        chatwoot.forget_requests();
        Ok(Self { chatwoot, user, token })
    }

    /// Lets an administrator make him one too, in an account that is there already.
    pub async fn join(&self, account: trust::id::AccountId, administrator_token: &str) -> anyhow::Result<()> {
        let url = format!("{}/api/v1/accounts/{account}/agents", self.chatwoot.base_url());
        let body = json!({ "name": "Operator", "email": "operator@example.org", "role": "administrator" });
        let request =
            reqwest::Client::builder().build()?.post(url).header("api-access-token", administrator_token);
        request.json(&body).send().await?.error_for_status()?;
        self.chatwoot.forget_requests();
        Ok(())
    }

    /// Asks Chatwoot for something in an account, as its administrator.
    pub async fn post(
        &self,
        account: trust::id::AccountId,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1/accounts/{account}{path}", self.chatwoot.base_url());
        let request = reqwest::Client::builder().build()?.post(url).header("api-access-token", &self.token);
        Ok(request.json(body).send().await?.error_for_status()?.json().await?)
    }

    /// Reads something of an account, as its administrator.
    pub async fn get(&self, account: trust::id::AccountId, path: &str) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1/accounts/{account}{path}", self.chatwoot.base_url());
        let request = reqwest::Client::builder().build()?.get(url).header("api-access-token", &self.token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// The secret document of somebody who has connected Provider Trust to it.
    pub fn secrets(&self) -> Value {
        json!({
            "events": [samples::EVENTS_SECRET],
            "feedback": [samples::FEEDBACK_SECRET],
            "operator": {
                "user": self.user, "token": self.token, "platform_token": self.chatwoot.platform_token(),
            },
        })
    }

    /// The template's parameters that say where it is.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let parameters =
            [("ChatwootUrl", self.chatwoot.base_url()), ("ChatwootRequestsAMinute", "600000".to_owned())];
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
