//! One request as Rails reads it: parameters come from the query and from a JSON body, and are cast leniently.

use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    /// `null` where there was none.
    pub(super) body: Value,
    pub(super) token: Option<String>,
}

impl Call {
    pub(super) fn read(
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, Refusal> {
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        // A header's name may have an underscore; a proxy in between may drop it then. Rails reads both spellings as one.
        let token = headers.get("api_access_token").or_else(|| headers.get("api-access-token"));
        let body = match body {
            [] => Value::Null,
            body => serde_json::from_slice(body).map_err(|_| Refusal::malformed())?,
        };
        Ok(Self {
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: query.into_owned().collect(),
            body,
            token: token.and_then(|token| token.to_str().ok()).map(str::to_owned),
        })
    }

    /// A parameter as it was given; `null` counts as not given.
    pub(super) fn given(&self, name: &str) -> Option<&Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    /// Whether the body names this parameter, be it as `null`.
    pub(super) fn names(&self, name: &str) -> bool {
        self.body.get(name).is_some()
    }

    /// A parameter's text, if it holds more than blanks.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let query = || self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        self.given(name).and_then(as_text).or_else(query).filter(|text| !text.trim().is_empty())
    }

    /// A whole number, written as one or as text.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// A truth value in Rails' sense.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.given(name).is_some_and(as_flag)
    }

    /// An object; empty where there is none.
    pub(super) fn object(&self, name: &str) -> Map<String, Value> {
        self.given(name).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// The same request with another body: for parameters that may be wrapped in the model's name.
    pub(super) fn unwrapped(&self, model: &str) -> Self {
        let body = self.given(model).filter(|inner| inner.is_object()).unwrap_or(&self.body).clone();
        Self { body, ..self.clone() }
    }
}

pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

pub(super) fn as_flag(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.to_lowercase().as_str(), "" | "0" | "f" | "false" | "off"),
        Value::Array(_) | Value::Object(_) => true,
    }
}
