//! The secrets of the outside parties, from Secrets Manager.
//!
//! The operator's are one JSON document: `{"events": ["whsec_…"], "marketplace": ["whsec_…"], "chatwoot": {"1": {"webhook": ["…"]}},
//! "operator": {"user": 1, "token": "…", "platform_token": "…"}, "log": {"origin": "…", "seeds": ["…"]}, "reports": ["…"], "feedback": ["…"]}`. Lists
//! hold the current secret first, then previous ones; all of them are accepted, so that a rotation loses nothing. What Chatwoot makes
//! up where we set something up is kept apart, so that no two ever write the same: an account's webhook secrets as
//! `<prefix>/<account>`, an inbox's key as `<prefix>/<account>/<inbox>`, both in the form of an
//! entry under `chatwoot`. The operator's entry, where there is one, comes first.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_secretsmanager::{
    Client,
    error::DisplayErrorContext,
    operation::{get_secret_value::GetSecretValueError, put_secret_value::PutSecretValueError},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;
use trust::id::{AccountId, InboxId};

use crate::{Clients, Environment, StartError};

/// How long a fetched document is used. Longer delays a rotation, shorter costs a call more often.
const FRESH: Duration = Duration::from_mins(5);

/// How long an account is taken for unknown without asking again. Longer delays an account's first webhook, shorter lets somebody
/// who makes up account numbers cost more calls.
const UNKNOWN: Duration = Duration::from_secs(30);

/// The most secrets kept apart that are remembered. Enough for the accounts that are active at a time; without a limit somebody who
/// makes up account numbers would fill the memory.
const REMEMBERED: usize = 1000;

/// A secret. Its debug form hides it, so that no log line can hold it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for computing with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// All secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SecretDocument {
    /// Standard Webhooks secrets of the marketplace's events.
    #[serde(default)]
    pub events: Vec<Secret>,
    /// Standard Webhooks secrets of what the marketplace is told.
    #[serde(default)]
    pub marketplace: Vec<Secret>,
    /// Secrets a Chatwoot account.
    #[serde(default)]
    pub chatwoot: BTreeMap<AccountId, ChatwootAccount>,
    /// What the keys of monitors are made from, by which others report on them.
    #[serde(default)]
    pub reports: Vec<Secret>,
    /// What the links are made with by which renters answer; none, and nobody is asked.
    #[serde(default)]
    pub feedback: Vec<Secret>,
    /// What the uptime log is signed with; absent where there is no log.
    #[serde(default)]
    pub log: Option<LogSigner>,
    /// By which we act in Chatwoot; absent where we do not.
    #[serde(default)]
    pub operator: Option<Operator>,
}

/// What the uptime log is signed with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogSigner {
    /// The log's name, which its keys carry: `trust.example.com/uptime`. It never changes.
    pub origin: String,
    /// Seeds of Ed25519 keys, 32 bytes in base64 each: the current one first, then those that still sign beside it.
    pub seeds: Vec<Secret>,
}

/// The operator's user in Chatwoot, who administers all accounts, and his platform app.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Operator {
    /// The user's id. What he writes is no provider's reply.
    pub user: u64,
    /// His access token.
    pub token: Secret,
    /// The platform app's token, where accounts are to be made.
    #[serde(default)]
    pub platform_token: Option<Secret>,
}

/// The secrets of one Chatwoot account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatwootAccount {
    /// Webhook signing secrets.
    #[serde(default)]
    pub webhook: Vec<Secret>,
    /// For each website inbox the key of its identity hashes (`hmac_token`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identity: BTreeMap<InboxId, Secret>,
    /// What to do with a webhook that carries no signature.
    #[serde(default)]
    pub unsigned: Unsigned,
}

/// What to do with a webhook that carries no signature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsigned {
    /// Refuse it. Chatwoot signs since 4.12.0.
    #[default]
    Refused,
    /// Take it: an older Chatwoot, reached over a private network.
    Accepted,
}

/// The secrets can not be had at the moment.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the secrets can not be read: {0}")]
pub struct SecretsUnavailable(String);

/// The secrets, fetched when first needed and again when they are old.
#[derive(Debug)]
pub struct Secrets {
    client: Client,
    id: String,
    /// What the names of what is kept apart begin with; absent where nothing is.
    apart: Option<String>,
    document: Mutex<Option<Fetched<Arc<SecretDocument>>>>,
    known: Mutex<BTreeMap<String, Fetched<Option<Arc<ChatwootAccount>>>>>,
}

#[derive(Debug)]
struct Fetched<T> {
    at: Instant,
    value: T,
}

impl<T> Fetched<T> {
    fn now(value: T) -> Self {
        Self { at: Instant::now(), value }
    }
}

impl Secrets {
    /// The document that `SECRET_ID` names, and what is kept apart if `ACCOUNT_SECRETS` says what its names begin with.
    pub fn connect(environment: &Environment, clients: &Clients) -> Result<Self, StartError> {
        Ok(Self {
            client: clients.secrets_manager(),
            id: environment.required("SECRET_ID")?.to_owned(),
            apart: environment.optional("ACCOUNT_SECRETS").map(str::to_owned),
            document: Mutex::default(),
            known: Mutex::default(),
        })
    }

    /// The same, fetched ahead of the first request. Where that fails, whoever needs them first asks again.
    pub async fn fetched_ahead(environment: &Environment, clients: &Clients) -> Result<Self, StartError> {
        let secrets = Self::connect(environment, clients)?;
        if let Err(error) = secrets.current().await {
            tracing::warn!(%error, "starting without secrets; whoever needs them first asks again");
        }
        Ok(secrets)
    }

    /// The document, at most five minutes old. When it can not be fetched anew, the old one serves on.
    pub async fn current(&self) -> Result<Arc<SecretDocument>, SecretsUnavailable> {
        let mut cached = self.document.lock().await;
        if let Some(fetched) = cached.as_ref()
            && fetched.at.elapsed() < FRESH
        {
            return Ok(Arc::clone(&fetched.value));
        }
        let document = match (self.fetch(&self.id).await, cached.take()) {
            (Ok(document), _) => Arc::new(document.unwrap_or_default()),
            (Err(error), Some(old)) => {
                tracing::error!(%error, "serving on with the secrets fetched before");
                old.value
            }
            (Err(error), None) => return Err(error),
        };
        *cached = Some(Fetched::now(Arc::clone(&document)));
        Ok(document)
    }

    /// What an account's webhooks are signed with: the operator's entry, else what is kept apart; `None` for an account that has
    /// neither.
    pub async fn account(
        &self,
        account: AccountId,
    ) -> Result<Option<Arc<ChatwootAccount>>, SecretsUnavailable> {
        match self.current().await?.chatwoot.get(&account) {
            Some(entry) => Ok(Some(Arc::new(entry.clone()))),
            None => self.kept(account).await,
        }
    }

    /// What is kept apart of an account, whatever the operator's entry says.
    pub async fn kept(&self, account: AccountId) -> Result<Option<Arc<ChatwootAccount>>, SecretsUnavailable> {
        self.remembered(&account.to_string()).await
    }

    /// The key of an inbox's identity hashes, from the operator's entry, else from what is kept apart.
    pub async fn identity_key(
        &self,
        account: AccountId,
        inbox: InboxId,
    ) -> Result<Option<Secret>, SecretsUnavailable> {
        let document = self.current().await?;
        let entry = document.chatwoot.get(&account).and_then(|entry| entry.identity.get(&inbox));
        if let Some(key) = entry {
            return Ok(Some(key.clone()));
        }
        let kept = self.remembered(&format!("{account}/{inbox}")).await?;
        Ok(kept.and_then(|kept| kept.identity.get(&inbox).cloned()))
    }

    /// Keeps the secret that an account's webhook has now. Those before it stay accepted.
    pub async fn keep_webhook(&self, account: AccountId, secret: Secret) -> Result<(), SecretsUnavailable> {
        let place = account.to_string();
        let mut kept: ChatwootAccount = self.fetch_apart(&place).await?.unwrap_or_default();
        if kept.webhook.first() == Some(&secret) {
            return Ok(());
        }
        kept.webhook.retain(|known| *known != secret);
        kept.webhook.insert(0, secret);
        kept.webhook.truncate(WEBHOOK_SECRETS);
        self.put(&place, &kept).await
    }

    /// Keeps the key of an inbox's identity hashes.
    pub async fn keep_identity_key(
        &self,
        account: AccountId,
        inbox: InboxId,
        key: Secret,
    ) -> Result<(), SecretsUnavailable> {
        let place = format!("{account}/{inbox}");
        let made = ChatwootAccount { identity: BTreeMap::from([(inbox, key)]), ..ChatwootAccount::default() };
        if self.fetch_apart::<ChatwootAccount>(&place).await?.as_ref() == Some(&made) {
            return Ok(());
        }
        self.put(&place, &made).await
    }

    /// What is kept apart at a place, at most five minutes old.
    async fn remembered(&self, place: &str) -> Result<Option<Arc<ChatwootAccount>>, SecretsUnavailable> {
        if self.apart.is_none() {
            return Ok(None);
        }
        let mut known = self.known.lock().await;
        if let Some(fetched) = known.get(place)
            && fetched.at.elapsed() < if fetched.value.is_some() { FRESH } else { UNKNOWN }
        {
            return Ok(fetched.value.clone());
        }
        let value = match (self.fetch_apart(place).await, known.remove(place)) {
            (Ok(found), _) => found.map(Arc::new),
            (Err(error), Some(Fetched { value: Some(old), .. })) => {
                tracing::error!(%error, place, "serving on with the secrets fetched before");
                Some(old)
            }
            (Err(error), _) => return Err(error),
        };
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(place.to_owned(), Fetched::now(value.clone()));
        Ok(value)
    }

    async fn put(&self, place: &str, kept: &ChatwootAccount) -> Result<(), SecretsUnavailable> {
        let text = serde_json::to_string(kept).map_err(|_| SecretsUnavailable("not writable".to_owned()))?;
        let name = self.name_of(place)?;
        let put = self.client.put_secret_value().secret_id(&name).secret_string(&text).send().await;
        match put {
            Ok(_) => {}
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutSecretValueError::is_resource_not_found_exception) =>
            {
                let create = self.client.create_secret().name(&name).secret_string(&text).send();
                create.await.map_err(|error| unavailable(&error))?;
            }
            Err(error) => return Err(unavailable(&error)),
        }
        self.known.lock().await.remove(place);
        Ok(())
    }

    async fn fetch_apart<T: DeserializeOwned>(&self, place: &str) -> Result<Option<T>, SecretsUnavailable> {
        let name = self.name_of(place)?;
        self.fetch(&name).await
    }

    fn name_of(&self, place: &str) -> Result<String, SecretsUnavailable> {
        let prefix = self.apart.as_ref();
        let prefix = prefix.ok_or_else(|| SecretsUnavailable("ACCOUNT_SECRETS is not set".to_owned()))?;
        Ok(format!("{prefix}/{place}"))
    }

    /// A document; `None` where there is none of this name.
    async fn fetch<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, SecretsUnavailable> {
        let output = match self.client.get_secret_value().secret_id(id).send().await {
            Ok(output) => output,
            Err(error)
                if id != self.id
                    && error
                        .as_service_error()
                        .is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(unavailable(&error)),
        };
        // The parser's own message could quote the document.
        serde_json::from_str(output.secret_string().unwrap_or_default())
            .map(Some)
            .map_err(|error| SecretsUnavailable(format!("not the expected JSON at line {}", error.line())))
    }
}

/// The most webhook secrets of an account that are accepted at a time.
const WEBHOOK_SECRETS: usize = 4;

fn unavailable(error: &(impl std::error::Error + Send + Sync + 'static)) -> SecretsUnavailable {
    SecretsUnavailable(DisplayErrorContext(error).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_reads_as_documented_and_its_debug_form_hides_every_secret() {
        let text = r#"{"events": ["whsec_a1"], "chatwoot": {"1": {"webhook": ["b2", "c3"]}, "7": {"unsigned": "accepted"}},
            "operator": {"user": 3, "token": "d4", "platform_token": "e5"}}"#;
        let document: SecretDocument = serde_json::from_str(text).unwrap();
        assert_eq!(document.chatwoot[&AccountId(1)].webhook.len(), 2);
        assert_eq!(document.chatwoot[&AccountId(1)].unsigned, Unsigned::Refused);
        assert_eq!(document.chatwoot[&AccountId(7)].unsigned, Unsigned::Accepted);
        let shown = format!("{document:?}");
        assert!(!shown.contains("a1") && !shown.contains("b2") && !shown.contains("c3"));
        assert!(!shown.contains("d4") && !shown.contains("e5"));
    }
}
