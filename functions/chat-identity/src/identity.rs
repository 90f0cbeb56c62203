//! A renter's identity for a provider's widget: what his page hands to Chatwoot's `setUser`, so that Chatwoot knows who is writing.
//!
//! The renter of a contract gets it for his provider's chat; before there is a contract, anybody gets his own for any provider's.
//! The hash is a long-lived credential ([`chatwoot::identity`]): it is worked out for each request, for the caller himself and
//! nobody else.

use chatwoot::identity::identifier_hash;
use http::StatusCode;
use lambda::{Problem, secrets::Secret};
use serde_json::{Value, json};
use trust::{
    id::{AccountId, CallerId, ContractId, InboxId, InvalidId, ProviderId, RenterId},
    setup::{ProviderChat, State, WebsiteInbox},
    time::Moment,
};

use crate::{Answer, App, SOON, not_available, not_your_contract, unavailable};

/// Seconds for which a page may keep an identity. The hash itself holds far longer, but pages that ask again follow a new key of
/// the inbox, or a new inbox, within that time.
const KEEP: i64 = 15 * 60;

/// Seconds after which to ask again where somebody has to do something first.
const LATER: u32 = 600;

/// Issues the caller's identity for the chat he asks for.
pub(crate) async fn issue(app: &App, caller: &CallerId, body: &[u8], now: Moment) -> Result<Answer, Problem> {
    let provider = provider(app, caller, read(body)?).await?;
    let Some(base_url) = &app.chatwoot else {
        return Err(no_chat("no chat is set up here"));
    };
    let chat = app.table.provider_chat(&provider).await.map_err(|error| unavailable(&error))?;
    let chat = chat.ok_or_else(|| no_chat("no chat is set up for this provider"))?.value;
    let (account, inbox) = place(&chat, now)?;
    let key = key(app, account, inbox.id).await?;
    // Ids of callers and of renters are the same marketplace's.
    let renter: RenterId = caller.as_str().parse().map_err(|_| not_available())?;
    let body = json!({
        "base_url": base_url,
        "website_token": inbox.website_token,
        "identifier": renter,
        "identifier_hash": identifier_hash(key.expose(), &renter),
        "expires_hint": now.plus(KEEP),
    });
    Ok(Answer { body, provider })
}

/// What a chat is to be about.
#[derive(Debug, PartialEq, Eq)]
enum About {
    Contract(ContractId),
    Provider(ProviderId),
}

fn read(body: &[u8]) -> Result<About, Problem> {
    let invalid = |detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "The body can not be read").detail(detail)
    };
    let wrong = |field: &str, detail: String| invalid(format!("{field}: {detail}")).with("field", field);
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| invalid(format!("not JSON at line {}, column {}", error.line(), error.column())))?;
    let Value::Object(members) = value else { return Err(invalid("not an object".to_owned())) };
    let id = |name: &str, value: &Value| {
        value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "not a string".to_owned()))
    };
    let mut about = None;
    for (name, value) in &members {
        let malformed = |error: InvalidId| wrong(name, error.to_string());
        let named = match name.as_str() {
            "contract_id" => About::Contract(id(name, value)?.parse().map_err(malformed)?),
            "provider_id" => About::Provider(id(name, value)?.parse().map_err(malformed)?),
            other => {
                let shown: String = other.chars().take(64).collect();
                return Err(wrong(&shown, "not known here".to_owned()));
            }
        };
        if about.replace(named).is_some() {
            return Err(wrong(name, "either a contract or a provider, not both".to_owned()));
        }
    }
    about.ok_or_else(|| wrong("contract_id", "missing, and provider_id is, too".to_owned()))
}

/// The provider whose chat the caller may have.
async fn provider(app: &App, caller: &CallerId, about: About) -> Result<ProviderId, Problem> {
    match about {
        About::Contract(contract) => {
            let contract = app.table.contract(&contract).await.map_err(|error| unavailable(&error))?;
            let terms = contract.as_ref().and_then(|stored| stored.value.terms());
            let his = terms.filter(|terms| terms.renter_id.as_str() == caller.as_str());
            his.map(|terms| terms.provider_id.clone()).ok_or_else(not_your_contract)
        }
        About::Provider(provider) => {
            let known = app.table.provider(&provider).await.map_err(|error| unavailable(&error))?;
            if known.value.profile.is_none() {
                return Err(Problem::new(StatusCode::NOT_FOUND, "unknown-provider", "No such provider")
                    .detail(format!("no provider {:?} has been registered", provider.as_str())));
            }
            Ok(provider)
        }
    }
}

/// Where a provider's chat is, once renters can write there: that nobody answers yet is not for them to mend.
fn place(chat: &ProviderChat, now: Moment) -> Result<(AccountId, &WebsiteInbox), Problem> {
    let in_seconds = chat.attempts.due.map_or(SOON, |due| due.since(now).max(SOON));
    chat.place().ok_or_else(|| match chat.attempts.state() {
        State::Pending(Some(reason)) => {
            not_ready(format!("the provider's chat is being set up: {reason}"), in_seconds)
        }
        State::Ready | State::Pending(None) => {
            not_ready("the provider's chat is being set up".to_owned(), in_seconds)
        }
        State::Failed(reason) => {
            not_ready(format!("the provider's chat could not be set up: {reason}"), in_seconds.max(LATER))
        }
    })
}

/// The key of an inbox's identity hashes.
async fn key(app: &App, account: AccountId, inbox: InboxId) -> Result<Secret, Problem> {
    let key = app.secrets.identity_key(account, inbox).await.map_err(|error| {
        tracing::error!(%error, "no secrets");
        not_available()
    })?;
    key.ok_or_else(|| {
        tracing::error!(%account, %inbox, "the inbox is set up, but its key is not among the secrets");
        not_ready("the provider's chat has no key here".to_owned(), LATER)
    })
}

/// There is none, and nobody is at work on one.
fn no_chat(reason: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "chat-not-ready", "There is no chat").detail(reason)
}

/// There will be one.
fn not_ready(reason: String, in_seconds: u32) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "chat-not-ready", "The chat is not ready")
        .detail(reason)
        .retry_after(in_seconds)
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;
    use trust::setup::{Attempts, Nature, ProviderStep, Trouble};

    use super::*;

    #[test]
    fn a_body_names_either_a_contract_or_a_provider() {
        assert_eq!(read(br#"{"contract_id":"c1"}"#), Ok(About::Contract("c1".parse().unwrap())));
        assert_eq!(read(br#"{"provider_id":"p1"}"#), Ok(About::Provider("p1".parse().unwrap())));
        for (body, field, detail) in [
            ("{}", "contract_id", "contract_id: missing"),
            (r#"{"contract_id":"c1","provider_id":"p1"}"#, "provider_id", "provider_id: either"),
            (r#"{"contract_id":"c 1"}"#, "contract_id", "contract_id: an id consists of"),
            (r#"{"contract_id":""}"#, "contract_id", "contract_id: an id has 1 to 128"),
            (r#"{"contract_id":7}"#, "contract_id", "contract_id: not a string"),
            (r#"{"provider_id":null}"#, "provider_id", "provider_id: not a string"),
            (r#"{"contract_id":"c1","renter_id":"r1"}"#, "renter_id", "renter_id: not known here"),
        ] {
            let problem = read(body.as_bytes()).unwrap_err();
            assert_eq!((problem.status(), problem.kind()), (StatusCode::BAD_REQUEST, "invalid-body"));
            let problem = problem.to_json();
            assert_eq!(problem["field"], field, "{body}");
            assert!(problem["detail"].as_str().unwrap().starts_with(detail), "{problem}");
        }
        for body in ["", "{", "[]", "\"c1\"", "{\"contract_id\":\"c1\"} x", "\u{feff}{}"] {
            assert_eq!(read(body.as_bytes()).unwrap_err().kind(), "invalid-body", "{body}");
        }
    }

    #[test]
    fn a_chat_that_is_not_ready_says_why_and_when_to_ask_again() {
        let now = Moment::from_unix(1_790_000_000).unwrap();
        let inbox = WebsiteInbox { id: InboxId(3), website_token: "w".to_owned() };
        let chat = |attempts| ProviderChat {
            attempts,
            account: Some(AccountId(1)),
            inbox: Some(inbox.clone()),
            ..ProviderChat::default()
        };
        let open = |attempts| ProviderChat {
            done: [ProviderStep::Identity, ProviderStep::Link].into(),
            ..chat(attempts)
        };
        let trouble = |nature| Trouble { nature, reason: "Chatwoot answered 500".to_owned() };
        let failed = |nature| Attempts::wanted(now).failed(trouble(nature), now);
        for attempts in [Attempts::default(), failed(Nature::Lasting)] {
            assert_eq!(place(&open(attempts), now), Ok((AccountId(1), &inbox)), "renters can write");
        }
        for (chat, reason, seconds) in [
            (chat(Attempts::wanted(now)), "the provider's chat is being set up", "5"),
            (
                chat(failed(Nature::Passing)),
                "the provider's chat is being set up: Chatwoot answered 500",
                "60",
            ),
            (
                chat(failed(Nature::Lasting)),
                "the provider's chat could not be set up: Chatwoot answered 500",
                "600",
            ),
            (
                ProviderChat { inbox: None, ..chat(Attempts::default()) },
                "the provider's chat is being set up",
                "5",
            ),
        ] {
            let problem = place(&chat, now).unwrap_err();
            assert_eq!(
                (problem.status(), problem.kind()),
                (StatusCode::SERVICE_UNAVAILABLE, "chat-not-ready")
            );
            assert_eq!(problem.to_json()["detail"], reason);
            assert_eq!(problem.into_response().headers()[RETRY_AFTER], seconds);
        }
    }
}
