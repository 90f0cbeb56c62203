//! The secret document, of which we change our own parts and keep everything else, known here or not.

use lambda::secrets::{Secret, SecretDocument};
use serde_json::{Map, Value, json};
use trust::id::AccountId;

/// A secret document.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// As it was written.
    whole: Map<String, Value>,
    /// As functions read it.
    read: SecretDocument,
}

/// A text is no secret document. Says where, never what is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a secret document (line {line})")]
pub struct NotOne {
    line: usize,
}

impl Document {
    /// Reads a document. An empty text is an empty document.
    pub fn read(text: &str) -> Result<Self, NotOne> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        // The parser's own words could quote the document.
        let elsewhere = |error: serde_json::Error| NotOne { line: error.line() };
        let read = serde_json::from_str(text).map_err(elsewhere)?;
        Ok(Self { whole: serde_json::from_str(text).map_err(elsewhere)?, read })
    }

    /// As functions read it.
    pub fn known(&self) -> &SecretDocument {
        &self.read
    }

    /// By whom and with what we act in Chatwoot. A platform token that is not given stays what it was.
    pub fn set_operator(&mut self, user: u64, token: &Secret, platform: Option<&Secret>) {
        self.change(|whole| {
            let operator = whole.entry("operator").or_insert(Value::Null);
            operator["user"] = json!(user);
            operator["token"] = json!(token);
            if let Some(platform) = platform {
                operator["platform_token"] = json!(platform);
            }
        });
    }

    /// What an account's webhooks are signed with from now on. What they were signed with before stays accepted.
    pub fn add_webhook_secret(&mut self, account: AccountId, secret: &Secret) {
        let known = self.read.chatwoot.get(&account).map(|entry| entry.webhook.clone()).unwrap_or_default();
        let before = known.iter().filter(|known| *known != secret);
        let accepted: Vec<&Secret> = std::iter::once(secret).chain(before).collect();
        self.change(|whole| {
            let accounts = whole.entry("chatwoot").or_insert_with(|| json!({}));
            accounts[account.to_string()]["webhook"] = json!(accepted);
        });
    }

    fn change(&mut self, deed: impl FnOnce(&mut Map<String, Value>)) {
        let mut whole = self.whole.clone();
        deed(&mut whole);
        if let Ok(read) = serde_json::from_value(Value::Object(whole.clone())) {
            *self = Self { whole, read };
        }
    }

    /// Its text.
    pub fn text(&self) -> String {
        format!("{:#}\n", Value::Object(self.whole.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[test]
    fn our_parts_are_set_and_everything_else_is_kept() {
        let text = r#"{"events": ["whsec_e"], "ours": {"not": 1}, "operator": {"user": 1, "token": "old", "note": "x", "platform_token": "p"},
            "chatwoot": {"1": {"webhook": ["b"], "identity": {"3": "k"}}, "2": {"unsigned": "accepted"}}}"#;
        let mut document = Document::read(text).unwrap();
        document.set_operator(7, &secret("new"), None);
        document.add_webhook_secret(AccountId(1), &secret("a"));
        document.add_webhook_secret(AccountId(2), &secret("c"));
        document.add_webhook_secret(AccountId(3), &secret("d"));
        let expected = json!({
            "events": ["whsec_e"], "ours": {"not": 1},
            "operator": {"user": 7, "token": "new", "note": "x", "platform_token": "p"},
            "chatwoot": {
                "1": {"webhook": ["a", "b"], "identity": {"3": "k"}}, "2": {"unsigned": "accepted", "webhook": ["c"]},
                "3": {"webhook": ["d"]},
            },
        });
        assert_eq!(serde_json::from_str::<Value>(&document.text()).unwrap(), expected);
        assert_eq!(document.known().operator.as_ref().unwrap().user, 7);

        let before = document.clone();
        document.set_operator(7, &secret("new"), Some(&secret("p")));
        document.add_webhook_secret(AccountId(1), &secret("a"));
        assert!(document == before, "a second time changes nothing");
        document.add_webhook_secret(AccountId(1), &secret("b"));
        assert_eq!(document.known().chatwoot[&AccountId(1)].webhook, [secret("b"), secret("a")]);
    }

    #[test]
    fn an_empty_text_is_an_empty_document_and_what_is_none_is_refused_without_being_quoted() {
        assert!(Document::read("").unwrap().known().operator.is_none());
        for text in ["[]", "hunter2", "{\"operator\": 3}", "{\"events\": \"hunter2\"}", "{\"chatwoot\": []}"]
        {
            let error = Document::read(text).err().unwrap().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
