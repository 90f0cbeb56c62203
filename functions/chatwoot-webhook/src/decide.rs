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
    secrets::{ChatwootAccount, Secret, Unsigned},
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
            Self::NotSigned(_) => {
                (StatusCode::UNAUTHORIZED, "invalid-signature", "The signature is not valid")
            }
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

/// Decides on a delivery that arrived at `now` for an account with these secrets; `None` where it is not one of ours.
pub fn decide(account: Option<&ChatwootAccount>, delivery: Delivery<'_>, now: Moment) -> Decision {
    match take(account, delivery, now) {
        Ok(Received::Chat { kind, event }) => Decision::Publish { kind, event },
        Ok(Received::Ignored(reason)) => Decision::Ignore(reason),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

fn take(account: Option<&ChatwootAccount>, delivery: Delivery<'_>, now: Moment) -> Result<Received, Refusal> {
    let account = account.ok_or(Refusal::UnknownAccount)?;
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

#[cfg(test)]
mod tests {
    use lambda::secrets::SecretDocument;
    use lambda_http::RequestExt;
    use serde_json::{Value, json};

    use super::*;

    const INVOCATION: &str = include_str!("../../../events/chatwoot-webhook.json");
    const MESSAGE: &str = include_str!("../../../events/chatwoot-message-created.json");

    fn secrets() -> SecretDocument {
        serde_json::from_value(json!({"chatwoot": {
            "1": {"webhook": ["current", "previous"]},
            "2": {"webhook": ["of-account-2"]},
            "7": {"webhook": ["current"], "unsigned": "accepted"},
            "8": {"unsigned": "accepted"},
            "9": {}
        }}))
        .unwrap()
    }

    fn now() -> Moment {
        Moment::parse("2026-11-23T09:00:02Z").unwrap()
    }

    /// The sample message, moved to another account.
    fn message_in(account: u64) -> String {
        let mut message: Value = serde_json::from_str(MESSAGE).unwrap();
        message["account"]["id"] = json!(account);
        message["conversation"]["account"]["id"] = json!(account);
        message.to_string()
    }

    /// What is decided on a body that was sent to this account, signed with this secret, some seconds ago.
    fn decide_signed(account: u64, secret: &str, age: i64, body: &str) -> Decision {
        let (timestamp, signature) = signature::sign(secret, now().plus(-age), body.as_bytes());
        decide_with(account, Some(&timestamp), Some(&signature), body)
    }

    fn decide_with(account: u64, timestamp: Option<&str>, signature: Option<&str>, body: &str) -> Decision {
        let account = AccountId(account);
        let delivery = Delivery { account, timestamp, signature, body: body.as_bytes() };
        decide(secrets().chatwoot.get(&account), delivery, now())
    }

    fn status(decision: &Decision) -> u16 {
        match decision {
            Decision::Publish { .. } => 202,
            Decision::Ignore(_) => 204,
            Decision::Refuse(refusal) => refusal.problem().status().as_u16(),
        }
    }

    #[test]
    fn a_fresh_message_signed_with_a_secret_of_its_account_is_published() {
        for secret in ["current", "previous"] {
            let Decision::Publish { kind, event } = decide_signed(1, secret, 0, MESSAGE) else {
                panic!("not published");
            };
            assert_eq!((kind, event.account), (EventKind::MessageCreated, AccountId(1)));
        }
    }

    #[test]
    fn what_is_not_signed_by_the_accounts_chatwoot_just_now_is_401() {
        use SignatureError::{Future, Malformed, Mismatch, Missing, Stale};
        let (timestamp, signature) = signature::sign("current", now(), MESSAGE.as_bytes());
        for (decision, expected) in [
            (decide_signed(1, "of-account-2", 0, MESSAGE), Mismatch),
            (decide_signed(1, "current", 301, MESSAGE), Stale),
            (decide_signed(1, "current", -301, MESSAGE), Future),
            (decide_signed(9, "", 0, MESSAGE), Mismatch),
            (decide_with(1, None, None, MESSAGE), Missing),
            (decide_with(1, Some(&timestamp), None, MESSAGE), Missing),
            (decide_with(1, None, Some(&signature), MESSAGE), Missing),
            (decide_with(1, Some(&timestamp), Some(""), MESSAGE), Malformed),
            (decide_with(1, Some(&timestamp), Some(&signature), MESSAGE.trim_end()), Mismatch),
        ] {
            assert_eq!(status(&decision), 401);
            assert_eq!(decision, Decision::Refuse(Refusal::NotSigned(expected)));
        }
    }

    #[test]
    fn nothing_about_a_body_is_said_to_who_can_not_sign() {
        for body in ["", "not json", "{}", r#"{"event": "message_created"}"#, MESSAGE] {
            assert_eq!(status(&decide_signed(1, "wrong", 0, body)), 401, "{body}");
        }
    }

    #[test]
    fn unsigned_deliveries_are_taken_only_for_accounts_configured_so() {
        for (account, expected) in [(1, 401), (9, 401), (7, 202), (8, 202)] {
            let decision = decide_with(account, None, None, &message_in(account));
            assert_eq!(status(&decision), expected, "{account}");
        }
    }

    #[test]
    fn a_wrong_signature_is_refused_even_where_none_is_needed() {
        assert_eq!(status(&decide_signed(7, "current", 0, &message_in(7))), 202);
        assert_eq!(status(&decide_signed(7, "wrong", 0, &message_in(7))), 401);
        assert_eq!(status(&decide_signed(8, "wrong", 0, &message_in(8))), 401);
    }

    #[test]
    fn an_account_that_is_not_ours_is_404() {
        assert_eq!(decide_signed(3, "current", 0, MESSAGE), Decision::Refuse(Refusal::UnknownAccount));
        assert_eq!(status(&decide_signed(3, "current", 0, MESSAGE)), 404);
    }

    #[test]
    fn a_message_of_another_account_is_400_even_when_well_signed() {
        let decision = decide_signed(2, "of-account-2", 0, MESSAGE);
        assert_eq!(status(&decision), 400);
        let Decision::Refuse(refusal) = decision else { panic!("not refused") };
        assert_eq!(refusal.problem().to_json()["field"], "account.id");
    }

    #[test]
    fn a_body_over_six_mebibytes_is_413_and_one_of_exactly_that_is_read() {
        let mut body = MESSAGE.trim_end().to_owned();
        body.push_str(&" ".repeat(LONGEST_BODY - body.len()));
        assert_eq!(status(&decide_signed(1, "current", 0, &body)), 202);
        body.push(' ');
        assert_eq!(status(&decide_signed(1, "current", 0, &body)), 413);
    }

    #[test]
    fn a_signed_body_that_can_not_be_read_is_400_and_names_the_field() {
        let mut message: Value = serde_json::from_str(MESSAGE).unwrap();
        message["conversation"]["inbox_id"] = json!("a canary");
        for (body, field) in [
            ("not json".to_owned(), Value::Null),
            ("{}".to_owned(), json!("event")),
            (message.to_string(), json!("conversation.inbox_id")),
        ] {
            let decision = decide_signed(1, "current", 0, &body);
            assert_eq!(status(&decision), 400);
            let Decision::Refuse(refusal) = decision else { panic!("not refused") };
            let problem = refusal.problem().to_json();
            assert_eq!(problem["field"], field);
            assert!(!problem.to_string().contains("canary"));
        }
    }

    #[test]
    fn events_we_do_not_use_are_thanked_for() {
        let typing = r#"{"event": "conversation_typing_on"}"#;
        assert_eq!(decide_signed(1, "current", 0, typing), Decision::Ignore(Ignored::Typing));
    }

    /// The sample invocation, read as Lambda hands it over, is published in its five minutes and is stale ever after.
    #[test]
    fn the_sample_invocation_is_published_in_its_time_and_stale_ever_after() {
        let request = lambda_http::request::from_str(INVOCATION).unwrap();
        assert_eq!(request.raw_http_path(), "/1");
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let delivery = Delivery {
            account: AccountId(1),
            timestamp: header(signature::TIMESTAMP_HEADER),
            signature: header(signature::SIGNATURE_HEADER),
            body: request.body(),
        };
        let secrets: SecretDocument =
            serde_json::from_value(json!({"chatwoot": {"1": {"webhook": ["test-secret"]}}})).unwrap();
        let account = secrets.chatwoot.get(&AccountId(1));
        assert_eq!(status(&decide(account, delivery, now())), 202);
        assert_eq!(status(&decide(account, delivery, now().plus(301))), 401);
    }
}
