//! Finding out what is wrong: a look at everything a message passes through, then what to say of it.
//!
//! What was seen ([`survey`]) and what that means ([`server`], [`operator`], [`account`]) are apart: looking asks Chatwoot, the receiver
//! and the secret document, and makes nothing; judging is a list of functions from what was seen to [`Finding`]s.

pub mod account;
pub mod operator;
pub mod server;
pub mod survey;

use std::fmt;

use trust::time::Moment;

use crate::{bootstrap::Request, wire::Wire};

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// It works, but should be looked at.
    Warning,
    /// Messages get lost, or somebody can do what he must not.
    Wrong,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub what: String,
    /// How to mend it; empty where there is nothing to mend.
    pub mend: String,
}

impl Finding {
    pub(crate) fn ok(what: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, what: what.into(), mend: String::new() }
    }

    pub(crate) fn warning(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, what: what.into(), mend: mend.into() }
    }

    pub(crate) fn wrong(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { severity: Severity::Wrong, what: what.into(), mend: mend.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Ok => "ok",
            Severity::Warning => "warning",
            Severity::Wrong => "wrong",
        };
        write!(f, "{severity:<8} {}", self.what)?;
        if self.mend.is_empty() { Ok(()) } else { write!(f, "\n         mend: {}", self.mend) }
    }
}

/// Looks at a connection, says what is found as it is found, and changes nothing.
pub async fn doctor(request: &Request, clock: fn() -> Moment, told: &mut dyn FnMut(Finding)) {
    let wire = match Wire::new() {
        Ok(wire) => wire,
        Err(silence) => {
            return told(Finding::wrong(format!("no request can be sent: {silence}"), "see the reason"));
        }
    };
    let server = survey::server(&wire, &request.place, clock).await;
    server::findings(&server).into_iter().for_each(&mut *told);
    let operator = survey::operator(&wire, request, server.is_there()).await;
    operator::findings(&operator).into_iter().for_each(&mut *told);
    for account in operator.accounts() {
        let seen = survey::account(&wire, request, &operator, account, clock).await;
        account::findings(&seen).into_iter().for_each(&mut *told);
    }
}
