//! Asking a tool of an MCP server, for a page that is one.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;
use trust::{
    source::{Subject, failure::Failure, recognition::Unrecognised},
    time::Moment,
};
use url::Url;

use super::{Bounds, Fetcher, Rules, failure, retry_after};
use crate::{
    configuration::ToolCall,
    mcp::{Argument, Error, Limits, Patterns, Session},
    outcome::Fingerprint,
};

impl Fetcher {
    /// What the tool answers about this subject, as JSON. The host's rules hold for a server of tools, too.
    pub async fn tool(
        &self,
        url: &Url,
        rules: &Rules,
        (call, subject): (&ToolCall, Option<&Subject>),
        bounds: Bounds,
        now: Moment,
    ) -> Result<Vec<u8>, Failure> {
        if !rules.allow(url) {
            return Err(Failure::Disallowed);
        }
        let until = Instant::now() + bounds.within;
        let limits = Limits { answer: bounds.within, until, most_bytes: bounds.most_bytes };
        let prober = Arc::new(self.prober.clone());
        let asked = async {
            let session = Session::open(prober, url, self.agent.clone(), limits, now).await?;
            let answer = ask(&session, call, subject).await;
            session.close().await;
            answer
        };
        let answer = asked.await.map_err(|error| failure_of(&error, now))?;
        serde_json::to_vec(&answer).map_err(|_| Failure::Protocol)
    }
}

async fn ask(session: &Session, call: &ToolCall, subject: Option<&Subject>) -> Result<Value, Error> {
    let tools = session.tools().await?;
    let patterns = |names: &[String]| {
        Patterns::try_from(names.to_vec()).map_err(|invalid| Error::Protocol(invalid.to_string()))
    };
    let tool = patterns(&call.name)?.tool(&tools)?;
    let subject = match subject {
        Some(subject) => {
            vec![Argument { patterns: patterns(&call.subject)?, value: json!(subject.as_str()) }]
        }
        None => Vec::new(),
    };
    session.call(tool, tool.arguments(&subject)?).await
}

fn failure_of(error: &Error, now: Moment) -> Failure {
    tracing::warn!(%error, "no answer of a tool");
    match error {
        Error::Refused(refusal) => failure(&probe::outcome::Miss::Barred(*refusal)),
        Error::NoAnswer(reason) => failure(&probe::outcome::Miss::Down(*reason)),
        Error::Ours(_) => Failure::Ours,
        Error::Status { status, retry_after } => {
            let wait = retry_after.as_deref().and_then(|text| retry_after::of_text(text, now));
            match status {
                404 | 410 => Failure::Missing(*status),
                429 => Failure::Throttled(wait),
                503 if wait.is_some() => Failure::Throttled(wait),
                _ => Failure::Status(*status),
            }
        }
        Error::Late => Failure::TimedOut,
        Error::TooLarge { .. } => Failure::TooLarge,
        Error::Protocol(_) | Error::Server(_) => Failure::Protocol,
        // What there is is not what the configuration looks for: as with a page, somebody has to look.
        Error::Choice { offered, .. } => unrecognised(offered),
        Error::Arguments { tool, missing, unplaced } => {
            unrecognised(std::iter::once(tool).chain(missing).chain(unplaced))
        }
        Error::Tool(_) => Failure::ToolFailed,
        Error::NoData => unrecognised(["no JSON"]),
    }
}

fn unrecognised<Part: AsRef<[u8]>>(shape: impl IntoIterator<Item = Part>) -> Failure {
    Failure::Unrecognised { why: Unrecognised::Layout, fingerprint: Fingerprint::of(shape) }
}
