//! A contract's communication log: who wrote when, and how, for the two whom the contract is between. Never what.
//!
//! It comes out of our own ledger, so that neither side can take anything back: a deleted message stands there as deleted. What can
//! not be told for sure is not told: a visitor whom nobody has verified to be the renter is on neither side.

use std::collections::BTreeSet;

use http::StatusCode;
use lambda::Problem;
use lambda_http::aws_lambda_events::query_map::QueryMap;
use serde_json::{Value, json};
use table::{ConversationState, Cursor, Table, TableError};
use trust::{
    chat::{ContentHash, Mark, Message},
    contract::Contract,
    id::{CallerId, ContractId, ConversationId},
    marketplace::Terms,
    wait::Side,
};

use crate::{Answer, not_your_contract, unavailable};

/// Messages a page where the caller does not say.
const LIMIT: u16 = 50;

/// Most messages a page.
const MOST: u16 = 100;

/// Most conversations of a contract that are looked into, our own record's first. One is the rule; without a limit a browser that
/// claims a contract in one conversation after the other would make its log ever dearer to read.
const CONVERSATIONS: usize = 100;

/// Shows a page of a contract's log to one of its parties.
pub(crate) async fn show(
    table: &Table,
    caller: &CallerId,
    contract: &str,
    query: &QueryMap,
) -> Result<Answer, Problem> {
    let (limit, cursor) = (limit(query)?, cursor(query)?);
    let id: ContractId = contract.parse().map_err(|_| not_your_contract())?;
    let contract = table.contract(&id).await.map_err(|error| unavailable(&error))?;
    let contract = contract.ok_or_else(not_your_contract)?.value;
    let terms = contract.terms().ok_or_else(not_your_contract)?;
    let party = party(terms, caller).ok_or_else(not_your_contract)?;
    let conversations = conversations(table, &contract, terms).await.map_err(|error| unavailable(&error))?;
    let ids: Vec<ConversationId> = conversations.iter().map(|(id, _)| *id).collect();
    let page =
        table.communication(&ids, cursor.as_ref(), limit).await.map_err(|error| unavailable(&error))?;
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|(of, message)| {
            let known = conversations.iter().find(|(id, _)| id == of).map(|(_, visitor)| *visitor);
            item(*of, message, known.unwrap_or(Visitor::Unknown), party)
        })
        .collect();
    let body = json!({ "items": items, "next_cursor": page.next.map(|cursor| cursor.to_opaque()) });
    Ok(Answer { body, provider: terms.provider_id.clone() })
}

/// Which of a contract's parties somebody is, if one.
pub(crate) fn party(terms: &Terms, caller: &CallerId) -> Option<Side> {
    if terms.provider_id.as_str() == caller.as_str() {
        Some(Side::Provider)
    } else if terms.renter_id.as_str() == caller.as_str() {
        Some(Side::Renter)
    } else {
        None
    }
}

/// Whether the visitor of a conversation is known to be the contract's renter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visitor {
    TheRenter,
    Unknown,
}

/// The contract's conversations: those that our own record ties to it, and those whose claim of it holds.
async fn conversations(
    table: &Table,
    contract: &Contract,
    terms: &Terms,
) -> Result<Vec<(ConversationId, Visitor)>, TableError> {
    let mut recorded: BTreeSet<ConversationId> = contract.conversations.clone();
    let opened = table.contract_chat(&terms.contract_id).await?;
    recorded.extend(opened.and_then(|stored| stored.value.conversation));
    let claimants = table.claimants(&terms.contract_id).await?;
    let claimants = claimants.into_iter().filter(|id| !recorded.contains(id));
    let mut found = Vec::new();
    for id in recorded.iter().copied().chain(claimants).take(CONVERSATIONS) {
        let state = table.conversation(id).await?.value;
        let record = if recorded.contains(&id) { Record::Ours } else { Record::Claim };
        if belongs(&state, record, terms) {
            let known = match record {
                Record::Ours => state.conversation.is_with(&terms.renter_id),
                Record::Claim => state.conversation.verified.contains(&terms.renter_id),
            };
            found.push((id, if known { Visitor::TheRenter } else { Visitor::Unknown }));
        }
    }
    Ok(found)
}

/// What ties a conversation to a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Record {
    /// Our own record, or the marketplace's word.
    Ours,
    /// What its attributes say.
    Claim,
}

/// Whether a conversation is shown to a contract's parties.
///
/// A claim counts as far as the ledger lets it count. Our record ties a conversation to every contract it names, though it counts
/// for one; but one that runs in another provider's account is not between these parties, whoever said so.
fn belongs(state: &ConversationState, record: Record, terms: &Terms) -> bool {
    match (&state.standing, record) {
        (Some(standing), Record::Ours) => standing.provider == terms.provider_id,
        (Some(standing), Record::Claim) => standing.contract.as_ref() == Some(&terms.contract_id),
        (None, Record::Ours) => true,
        (None, Record::Claim) => false,
    }
}

fn item(conversation: ConversationId, message: &Message, visitor: Visitor, reader: Side) -> Value {
    let class = message.class();
    let side = class.side().filter(|side| *side == Side::Provider || visitor == Visitor::TheRenter);
    // A note is among the provider's own, and a short text can be guessed from its hash.
    let hidden = message.marks.contains(&Mark::Private) && reader != Side::Provider;
    let (hash, seen) = match message.content.as_ref().filter(|_| !hidden) {
        Some(ContentHash::Original(hash)) => (Some(hash), Some("original")),
        Some(ContentHash::Later(hash)) => (Some(hash), Some("later")),
        None => (None, None),
    };
    json!({
        "message_id": message.id.to_string(),
        "conversation": conversation,
        "at": message.created_at,
        "side": side.map_or(json!("neither"), |side| json!(side)),
        "class": class,
        "deleted": message.marks.contains(&Mark::Deleted),
        "content_sha256": hash,
        "content_seen": seen,
    })
}

fn limit(query: &QueryMap) -> Result<u16, Problem> {
    let Some(text) = query.first("limit") else { return Ok(LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or_else(|| bad_parameter("limit", &format!("a whole number from 1 to {MOST}")))
}

fn cursor(query: &QueryMap) -> Result<Option<Cursor>, Problem> {
    let parse =
        |opaque: &str| Cursor::parse(opaque).map_err(|error| bad_parameter("cursor", &error.to_string()));
    query.first("cursor").map(parse).transpose()
}

fn bad_parameter(name: &str, cause: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad-parameter", "A parameter is wrong")
        .detail(format!("{name}: {cause}"))
}

#[cfg(test)]
mod tests {
    use trust::{
        chat::{Direction, Sender},
        id::{AccountId, ConversationNumber, MessageId},
        marketplace::Money,
        replies::{Promise, Scope, Standing},
        time::Moment,
    };

    use super::*;

    fn terms() -> Terms {
        Terms {
            contract_id: "c1".parse().unwrap(),
            provider_id: "p1".parse().unwrap(),
            renter_id: "r1".parse().unwrap(),
            offering_id: "o1".parse().unwrap(),
            term_seconds: 3600.try_into().unwrap(),
            price: Money { minor_units: 1, currency: "EUR".to_owned().try_into().unwrap() },
            reply_within_seconds: None,
            silent_after_seconds: None,
            conversation: None,
        }
    }

    #[test]
    fn the_parties_are_the_contracts_renter_and_provider_and_nobody_else() {
        for (caller, expected) in
            [("r1", Some(Side::Renter)), ("p1", Some(Side::Provider)), ("R1", None), ("c1", None)]
        {
            assert_eq!(party(&terms(), &caller.parse().unwrap()), expected, "{caller}");
        }
    }

    #[test]
    fn a_conversation_is_shown_where_it_counts_for_the_contract_or_our_record_says_so() {
        let counts = |provider: &str, contract: Option<&str>| ConversationState {
            standing: Some(Standing {
                provider: provider.parse().unwrap(),
                scope: Scope::Contract,
                renter: None,
                contract: contract.map(|contract| contract.parse().unwrap()),
                promise: Promise::default(),
                silent_after: None,
            }),
            ..ConversationState::default()
        };
        for (state, ours, claim) in [
            (counts("p1", Some("c1")), true, true),
            (counts("p1", Some("c2")), true, false),
            (counts("p1", None), true, false),
            (counts("p2", Some("c9")), false, false),
            (counts("p2", None), false, false),
            (ConversationState::default(), true, false),
        ] {
            let found = (belongs(&state, Record::Ours, &terms()), belongs(&state, Record::Claim, &terms()));
            assert_eq!(found, (ours, claim), "{state:?}");
        }
    }

    #[test]
    fn an_item_tells_of_a_message_what_is_known_and_what_its_reader_may_know() {
        let conversation = ConversationId { account: AccountId(1), number: ConversationNumber(7) };
        let message = |direction, sender, marks: &[Mark], content| Message {
            id: MessageId(9),
            created_at: Moment::from_unix(1_790_000_000).unwrap(),
            direction,
            sender: Some(sender),
            marks: marks.iter().copied().collect(),
            content,
        };
        let original = Some(ContentHash::Original("00ff".to_owned()));
        let asked = message(Direction::Incoming, Sender::Contact(5), &[], original.clone());
        assert_eq!(
            item(conversation, &asked, Visitor::TheRenter, Side::Renter),
            json!({
                "message_id": "9", "conversation": { "account": 1, "number": 7 }, "at": "2026-09-21T14:13:20Z", "side": "renter",
                "class": "message", "deleted": false, "content_sha256": "00ff", "content_seen": "original",
            })
        );
        assert_eq!(item(conversation, &asked, Visitor::Unknown, Side::Renter)["side"], "neither");

        let deleted = message(Direction::Outgoing, Sender::Agent(3), &[Mark::Deleted], None);
        let shown = item(conversation, &deleted, Visitor::Unknown, Side::Renter);
        let expected = (&json!("provider"), &json!("reply"), &json!(true), &Value::Null, &Value::Null);
        assert_eq!(
            (
                &shown["side"],
                &shown["class"],
                &shown["deleted"],
                &shown["content_sha256"],
                &shown["content_seen"]
            ),
            expected
        );

        let later = Some(ContentHash::Later("11ee".to_owned()));
        let note = message(Direction::Outgoing, Sender::Agent(3), &[Mark::Private], later);
        let to_the_provider = item(conversation, &note, Visitor::TheRenter, Side::Provider);
        assert_eq!(
            (&to_the_provider["class"], &to_the_provider["content_sha256"]),
            (&json!("note"), &json!("11ee"))
        );
        assert_eq!(
            item(conversation, &note, Visitor::TheRenter, Side::Renter)["content_sha256"],
            Value::Null
        );
    }

    #[test]
    fn a_page_has_one_to_a_hundred_messages_and_begins_behind_a_cursor_of_ours() {
        let query = |text: &str| text.parse::<QueryMap>().unwrap();
        assert_eq!(limit(&query("")), Ok(LIMIT));
        assert_eq!((limit(&query("limit=1")), limit(&query("limit=100"))), (Ok(1), Ok(100)));
        for text in ["limit=0", "limit=101", "limit=-1", "limit=", "limit=many"] {
            assert_eq!(limit(&query(text)).unwrap_err().kind(), "bad-parameter", "{text}");
        }
        assert_eq!(cursor(&query("")), Ok(None));
        for text in ["cursor=", "cursor=zz", "cursor=2f"] {
            assert_eq!(cursor(&query(text)).unwrap_err().kind(), "bad-parameter", "{text}");
        }
    }
}
