//! The secrets of the outside parties, from one document in Secrets Manager.
//!
//! The document is JSON: `{"events": ["whsec_…"], "marketplace": ["whsec_…"], "chatwoot": {"1": {"webhook": ["…"]}}}`. Lists hold the current secret first, then
//! previous ones; all of them are accepted, so that a rotation loses nothing.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_secretsmanager::Client;
use serde::Deserialize;
use tokio::sync::Mutex;
use trust::id::AccountId;

use crate::{Clients, Environment, StartError};

/// How long a fetched document is used. Longer delays a rotation, shorter costs a call more often.
const FRESH: Duration = Duration::from_mins(5);

/// A secret. Its debug form hides it, so that no log line can hold it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
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
}

/// The secrets of one Chatwoot account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ChatwootAccount {
    /// Webhook signing secrets.
    #[serde(default)]
    pub webhook: Vec<Secret>,
    /// What to do with a webhook that carries no signature.
    #[serde(default)]
    pub unsigned: Unsigned,
}

/// What to do with a webhook that carries no signature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
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
    cached: Mutex<Option<(Instant, Arc<SecretDocument>)>>,
}

impl Secrets {
    /// The document that `SECRET_ID` names.
    pub fn connect(environment: &Environment, clients: &Clients) -> Result<Self, StartError> {
        Ok(Self {
            client: clients.secrets_manager(),
            id: environment.required("SECRET_ID")?.to_owned(),
            cached: Mutex::new(None),
        })
    }

    /// The document, at most five minutes old. When it can not be fetched anew, the old one serves on.
    pub async fn current(&self) -> Result<Arc<SecretDocument>, SecretsUnavailable> {
        let mut cached = self.cached.lock().await;
        if let Some((fetched, document)) = cached.as_ref()
            && fetched.elapsed() < FRESH
        {
            return Ok(Arc::clone(document));
        }
        let document = match (self.fetch().await, cached.take()) {
            (Ok(document), _) => Arc::new(document),
            (Err(error), Some((_, old))) => {
                tracing::error!(%error, "serving on with the secrets fetched before");
                old
            }
            (Err(error), None) => return Err(error),
        };
        *cached = Some((Instant::now(), Arc::clone(&document)));
        Ok(document)
    }

    async fn fetch(&self) -> Result<SecretDocument, SecretsUnavailable> {
        let output = self.client.get_secret_value().secret_id(&self.id).send().await.map_err(|error| {
            SecretsUnavailable(aws_sdk_secretsmanager::error::DisplayErrorContext(&error).to_string())
        })?;
        // The parser's own message could quote the document.
        serde_json::from_str(output.secret_string().unwrap_or_default())
            .map_err(|error| SecretsUnavailable(format!("not the expected JSON at line {}", error.line())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_reads_as_documented_and_its_debug_form_hides_every_secret() {
        let text = r#"{"events": ["whsec_a1"], "chatwoot": {"1": {"webhook": ["b2", "c3"]}, "7": {"unsigned": "accepted"}}}"#;
        let document: SecretDocument = serde_json::from_str(text).unwrap();
        assert_eq!(document.chatwoot[&AccountId(1)].webhook.len(), 2);
        assert_eq!(document.chatwoot[&AccountId(1)].unsigned, Unsigned::Refused);
        assert_eq!(document.chatwoot[&AccountId(7)].unsigned, Unsigned::Accepted);
        let shown = format!("{document:?}");
        assert!(!shown.contains("a1") && !shown.contains("b2") && !shown.contains("c3"));
    }
}
