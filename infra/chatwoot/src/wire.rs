//! Plain requests, of which the answer as a whole matters, or why there is none: an operator has to know whether a name is wrong, a port
//! closed or a certificate not trusted.

use std::{error::Error, time::Duration};

use reqwest::{Client, RequestBuilder, Response, header::HeaderMap, redirect};
use serde_json::Value;

/// The longest a request may take. A function that starts takes some seconds; who has not answered by then is not well.
const PATIENCE: Duration = Duration::from_secs(20);

/// As much of an answer as is read, in bytes. What we look for is a word in it.
const LONGEST: usize = 64 * 1024;

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or its beginning.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The kind of problem, if it is an answer of ours that names one.
    pub fn problem(&self) -> Option<String> {
        Some(self.json()["type"].as_str()?.rsplit('/').next()?.to_owned())
    }
}

/// Nothing came back, and this is why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Silence(pub String);

/// Sends plain requests.
#[derive(Debug, Clone)]
pub struct Wire(Client);

impl Wire {
    /// Ready to send.
    pub fn new() -> Result<Self, Silence> {
        let client = Client::builder()
            .timeout(PATIENCE)
            .redirect(redirect::Policy::none())
            .user_agent("provider-trust")
            .build()
            .map_err(|error| silence(&error))?;
        Ok(Self(client))
    }

    /// Reads what is there.
    pub async fn get(&self, url: &str) -> Result<Answer, Silence> {
        answer(self.0.get(url)).await
    }

    /// Reads what is there with a token.
    pub async fn get_with(&self, url: &str, token: &str) -> Result<Answer, Silence> {
        answer(self.0.get(url).header("api-access-token", token)).await
    }

    /// Posts JSON with these headers.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Result<Answer, Silence> {
        let request = self.0.post(url).header("content-type", "application/json").body(body);
        answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }
}

async fn answer(request: RequestBuilder) -> Result<Answer, Silence> {
    let mut response: Response = request.send().await.map_err(|error| silence(&error))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| silence(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            body.truncate(LONGEST);
            break;
        }
    }
    Ok(Answer { status, headers, body })
}

/// The innermost cause says it best.
fn silence(error: &reqwest::Error) -> Silence {
    if error.is_timeout() {
        return Silence(format!("no answer within {} s", PATIENCE.as_secs()));
    }
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Silence(cause.to_string())
}
