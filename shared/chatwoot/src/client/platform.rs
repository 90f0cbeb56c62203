//! What stands above accounts: the installation itself, the operator's user, and the accounts that our platform app has made.

use reqwest::Method;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use trust::id::{AccountId, ProviderId};

use super::{By, Chatwoot, ClientError};

/// The attribute of an account that names its provider.
const PROVIDER: &str = "provider_id";

/// What an installation says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Server {
    /// Such as `4.18.0`.
    pub version: String,
    /// `ok`, or `failing`: Redis.
    #[serde(default)]
    pub queue_services: String,
    /// `ok`, or `failing`: PostgreSQL.
    #[serde(default)]
    pub data_services: String,
}

/// The user a token is of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Profile {
    /// His id.
    pub id: u64,
    /// The accounts he is in.
    #[serde(default)]
    pub accounts: Vec<Membership>,
}

/// That a user is in an account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Membership {
    /// The account.
    pub id: AccountId,
    /// `administrator` or `agent`.
    #[serde(default)]
    pub role: String,
}

/// An account our platform app has made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    #[serde(default, deserialize_with = "provider")]
    custom_attributes: Option<ProviderId>,
}

impl Account {
    /// The provider it was made for.
    pub fn provider(&self) -> Option<&ProviderId> {
        self.custom_attributes.as_ref()
    }
}

fn provider<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProviderId>, D::Error> {
    let attributes = Option::<Value>::deserialize(deserializer)?.unwrap_or_default();
    Ok(attributes[PROVIDER].as_str().and_then(|id| id.parse().ok()))
}

impl Chatwoot {
    /// What the installation says of itself.
    pub async fn server(&self) -> Result<Server, ClientError> {
        self.get(By::Nobody, "/api").await
    }

    /// The user whose token we have.
    pub async fn profile(&self) -> Result<Profile, ClientError> {
        self.get(By::User, "/api/v1/profile").await
    }

    /// The accounts our platform app has made.
    pub async fn accounts(&self) -> Result<Vec<Account>, ClientError> {
        self.get(By::PlatformApp, "/platform/api/v1/accounts").await
    }

    /// Makes an account for a provider.
    pub async fn create_account(&self, name: &str, provider: &ProviderId) -> Result<AccountId, ClientError> {
        let body = json!({
            "name": name, "locale": "en", "status": "active", "custom_attributes": { PROVIDER: provider },
        });
        let made: Account =
            self.ask(By::PlatformApp, Method::POST, "/platform/api/v1/accounts", &body).await?;
        Ok(made.id)
    }

    /// Makes a user an administrator of an account. Asking twice changes nothing.
    pub async fn administer(&self, account: AccountId, user: u64) -> Result<(), ClientError> {
        let path = format!("/platform/api/v1/accounts/{account}/account_users");
        let body = json!({ "user_id": user, "role": "administrator" });
        let _: Value = self.ask(By::PlatformApp, Method::POST, &path, &body).await?;
        Ok(())
    }
}
