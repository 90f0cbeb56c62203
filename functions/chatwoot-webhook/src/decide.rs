//! What becomes of one delivery: a pure decision, from the account's secrets, the delivery and the time.
//!
//! The order is the point: nothing reads the body before the signature over it is known to be good, and whoever can not sign learns
//! nothing but that.

use chatwoot::{
    signature::{self, SignatureError},
    webhook::{self, EventKind, Ignored, PayloadError, Received},
};
use lambda::{
    Problem,
    secrets::{ChatwootAccount, Secret, SecretDocument, Unsigned},
};
use lambda_http::http::StatusCode;
use trust::{chat::ChatEvent, id::AccountId, time::Moment};

/// The longest body that is read, in bytes.
///
/// It is Lambda's own limit for a request, so deployed nothing larger arrives; elsewhere it keeps memory bounded. Chatwoot writes a
/// message's text, at most 150,000 characters, up to three times into one body: a limit under 2 MiB would lose long messages.
pub const LONGEST_BODY: usize = 6 * 1024 * 1024;

/// One delivery, as it came.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// The account in the address.
    pub account: AccountId,
    /// The header [`signature::TIMESTAMP_HEADER`].
    pub timestamp: Option<&'a str>,
    /// The header [`signature::SIGNATURE_HEADER`].
    pub signature: Option<&'a str>,
    /// The bytes that were signed.
    pub body: &'a [u8],
}

/// What to do with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Publish this, then say so.
    Publish {
        /// What happened.
        kind: EventKind,
        /// The detail.
        event: ChatEvent,
    },
    /// Say thanks and do nothing.
    Ignore(Ignored),
    /// Refuse it.
    Refuse(Refusal),
}

/// Why a delivery is refused. Nothing of a refused delivery is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The account is not one of ours.
    #[error("no such Chatwoot account")]
    UnknownAccount,
    /// The body is longer than [`LONGEST_BODY`].
    #[error("the body is longer than {LONGEST_BODY} bytes")]
    TooLong,
    /// It can not be taken for Chatwoot's.
    #[error(transparent)]
    NotSigned(#[from] SignatureError),
    /// It is Chatwoot's but can not be read.
    #[error(transparent)]
    Unreadable(#[from] PayloadError),
}

impl Refusal {
    /// The reason in one word, for a log line.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknown-account",
            Self::TooLong => "too-long",
            Self::NotSigned(SignatureError::Missing) => "signature-missing",
            Self::NotSigned(SignatureError::Malformed) => "signature-malformed",
            Self::NotSigned(SignatureError::Stale) => "signature-stale",
            Self::NotSigned(SignatureError::Future) => "signature-future",
            Self::NotSigned(SignatureError::Mismatch) => "signature-mismatch",
            Self::Unreadable(PayloadError::NotJson { .. }) => "not-json",
            Self::Unreadable(PayloadError::Missing { .. }) => "field-missing",
            Self::Unreadable(PayloadError::Unexpected { .. }) => "field-unexpected",
            Self::Unreadable(PayloadError::OtherAccount { .. }) => "other-account",
        }
    }

    /// The answer to the sender.
    pub fn problem(&self) -> Problem {
        let (status, kind, title) = match self {
            Self::UnknownAccount => (StatusCode::NOT_FOUND, "unknown-account", "No such Chatwoot account"),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"),
            Self::NotSigned(_) => (StatusCode::UNAUTHORIZED, "invalid-signature", "The signature is not valid"),
            Self::Unreadable(_) => (StatusCode::BAD_REQUEST, "invalid-body", "The body can not be read"),
        };
        let problem = Problem::new(status, kind, title).detail(self.to_string());
        match self {
            Self::Unreadable(PayloadError::Missing { path } | PayloadError::Unexpected { path }) => {
                problem.with("field", path.as_str())
            }
            Self::Unreadable(PayloadError::OtherAccount { path }) => problem.with("field", *path),
            _ => problem,
        }
    }
}

/// Decides on a delivery that arrived at `now`.
pub fn decide(secrets: &SecretDocument, delivery: Delivery<'_>, now: Moment) -> Decision {
    match take(secrets, delivery, now) {
        Ok(Received::Chat { kind, event }) => Decision::Publish { kind, event },
        Ok(Received::Ignored(reason)) => Decision::Ignore(reason),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

fn take(secrets: &SecretDocument, delivery: Delivery<'_>, now: Moment) -> Result<Received, Refusal> {
    let account = secrets.chatwoot.get(&delivery.account).ok_or(Refusal::UnknownAccount)?;
    if delivery.body.len() > LONGEST_BODY {
        return Err(Refusal::TooLong);
    }
    authenticate(account, delivery, now)?;
    Ok(webhook::read(delivery.account, delivery.body)?)
}

/// A signature that is there has to be right, whatever the account allows: a wrong one is never an old Chatwoot.
fn authenticate(
    account: &ChatwootAccount,
    delivery: Delivery<'_>,
    now: Moment,
) -> Result<(), SignatureError> {
    if delivery.signature.is_none() && account.unsigned == Unsigned::Accepted {
        return Ok(());
    }
    let secrets = account.webhook.iter().map(Secret::expose);
    signature::verify(secrets, delivery.timestamp, delivery.signature, delivery.body, now)
}
