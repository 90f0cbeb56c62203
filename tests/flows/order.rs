//! The ledger's law: any permutation, doubling and late arrival of the same sightings ends in the same signals, and those are what
//! the definition says, worked out here from the messages alone.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::capacity::Ledger;
use lambda::Environment;
use proptest::prelude::*;
use serde_json::json;
use table::{Table, TableError};
use trust::{
    chat::{
        Channel, ChatEvent, ConversationSighting, ConversationStatus, Direction, Identity, Mark, Message,
        Sender,
    },
    contract::{Contract, ContractDelta},
    duration::Bucket,
    id::{AccountId, ConversationId, ConversationNumber, InboxId, MessageId},
    marketplace::{ChatPlace, Happened, Money, Terms},
    renter_week::{SCORED_A_WEEK, week_of},
    replies::{Counts, Kept, OpenWait, Promise, Rank, ReplyDay, Scope, WaitCount},
    summary::Signals,
    time::{Day, Moment},
};

use crate::fresh_table::fresh_table;

const CONVERSATIONS: u64 = 2;
const PROMISE: u32 = 3600;

fn start() -> Moment {
    Moment::parse("2026-11-01T20:00:00Z").unwrap()
}

fn terms() -> Terms {
    Terms {
        contract_id: "c1".parse().unwrap(),
        provider_id: "p1".parse().unwrap(),
        renter_id: "r1".parse().unwrap(),
        offering_id: "o1".parse().unwrap(),
        term_seconds: 86_400.try_into().unwrap(),
        price: Money { minor_units: 100, currency: "EUR".to_owned().try_into().unwrap() },
        reply_within_seconds: Some(Promise(PROMISE)),
        silent_after_seconds: None,
        conversation: None,
    }
}

/// What can reach the ledger: sightings, and the looks that the lifecycle asks for.
#[derive(Debug, Clone)]
enum Arrival {
    Sighting(ChatEvent),
    /// The contract becomes known.
    Contract,
    /// The account's owner becomes known.
    Owner,
}

fn sighting(conversation: u64, verified: bool, message: Option<Message>) -> ChatEvent {
    ChatEvent {
        version: trust::chat::VERSION,
        account: AccountId(1),
        conversation: ConversationSighting {
            number: ConversationNumber(conversation),
            inbox: InboxId(1),
            channel: Channel::WebWidget,
            identity: if verified { Identity::Verified } else { Identity::Unverified },
            identifier: Some("r1".parse().unwrap()),
            // Conversation 0 belongs to the contract, the others are pre-sales.
            claimed_contract: (conversation == 0).then(|| "c1".parse().unwrap()),
            status: ConversationStatus::Resolved,
        },
        message,
    }
}

/// A message by kind: renter, agent, agent's private note, automation, bot, template, campaign, echo.
fn message(id: u64, minutes: i64, kind: u8, deleted: bool) -> Message {
    let (direction, sender, mark) = match kind {
        0 | 1 => (Direction::Incoming, Some(Sender::Contact(5)), None),
        2 | 3 => (Direction::Outgoing, Some(Sender::Agent(9)), None),
        4 => (Direction::Outgoing, Some(Sender::Agent(9)), Some(Mark::Private)),
        5 => (Direction::Outgoing, Some(Sender::Agent(9)), Some(Mark::Automation)),
        6 => (Direction::Outgoing, Some(Sender::Bot(9)), None),
        7 => (Direction::Template, None, None),
        8 => (Direction::Outgoing, Some(Sender::Agent(9)), Some(Mark::Campaign)),
        _ => (Direction::Outgoing, None, Some(Mark::ExternalEcho)),
    };
    Message {
        id: MessageId(id),
        created_at: start().plus(minutes * 60),
        direction,
        sender,
        marks: mark.into_iter().chain(deleted.then_some(Mark::Deleted)).collect(),
        content: None,
    }
}

/// A story and, of the same story, another telling: shuffled, with parts doubled.
fn stories() -> impl Strategy<Value = (Vec<Arrival>, Vec<Arrival>)> {
    let one = (0..CONVERSATIONS, 0..400i64, 0..10u8, prop::bool::weighted(0.15));
    prop::collection::vec(one, 1..14).prop_flat_map(|messages| {
        let mut story = Vec::new();
        for (index, (conversation, minutes, kind, deleted)) in messages.into_iter().enumerate() {
            let id = index as u64 + 1;
            let plain = message(id, minutes, kind, false);
            story.push(Arrival::Sighting(sighting(conversation, index % 3 != 2, Some(plain))));
            if deleted {
                // Deleting erases the attributes that told an automatic message.
                let mut later = message(id, minutes, kind, true);
                later.marks.retain(|mark| matches!(mark, Mark::Deleted | Mark::Private));
                story.push(Arrival::Sighting(sighting(conversation, true, Some(later))));
            }
        }
        // At least one verified sighting of the contract's conversation, so that its standing does not hang on chance.
        story.push(Arrival::Sighting(sighting(0, true, None)));
        story.push(Arrival::Contract);
        story.push(Arrival::Owner);
        let doubled: Vec<_> = story.iter().chain(story.iter().step_by(3)).cloned().collect();
        (Just(story), Just(doubled).prop_shuffle())
    })
}

async fn arrive(table: &Table, arrival: &Arrival) {
    match arrival {
        Arrival::Sighting(event) => keep_trying(table, event.conversation_id(), Some(event)).await,
        Arrival::Contract => {
            let id = "c1".parse().unwrap();
            let stored = table.contract(&id).await.unwrap();
            let (known, version) =
                stored.map_or((Contract::default(), 0), |stored| (stored.value, stored.version));
            let mut contract = known.clone();
            contract.join(start(), &Happened::ContractRequested(terms()));
            if contract != known {
                let mut delta = ContractDelta::default();
                known.difference(&contract, &mut delta);
                table.write_contract(&id, &contract, version, &delta).await.unwrap();
            }
            for conversation in table.claimants(&id).await.unwrap() {
                keep_trying(table, conversation, None).await;
            }
        }
        Arrival::Owner => {
            let place = ChatPlace { account: AccountId(1), inbox: None };
            table.link(place, &"p1".parse().unwrap(), start()).await.unwrap();
            for conversation in table.conversations_in(place, None).await.unwrap().conversations {
                keep_trying(table, conversation, None).await;
            }
        }
    }
}

async fn keep_trying(table: &Table, id: ConversationId, event: Option<&ChatEvent>) {
    for _ in 0..20 {
        match chat_ledger::record(table, id, event).await {
            Err(TableError::Conflict) => {}
            outcome => return outcome.unwrap(),
        }
    }
    panic!("the ledger never settled");
}

async fn signals(table: &Table) -> Signals {
    let since = Day::parse("2026-01-01").unwrap();
    table.signals(&"p1".parse().unwrap(), since).await.unwrap().signals
}

/// The signals by the definition, from what was ever sighted of each message.
fn expected(story: &[Arrival]) -> (BTreeMap<Day, ReplyDay>, BTreeSet<OpenWait>) {
    let mut conversations: BTreeMap<u64, BTreeMap<MessageId, Message>> = BTreeMap::new();
    for arrival in story {
        let Arrival::Sighting(ChatEvent { conversation, message: Some(message), .. }) = arrival else {
            continue;
        };
        let messages = conversations.entry(conversation.number.0).or_default();
        let joined = match messages.remove(&message.id) {
            Some(known) => known.join(message.clone()),
            None => message.clone(),
        };
        messages.insert(message.id, joined);
    }
    let (mut closed, mut open): (BTreeMap<Day, ReplyDay>, _) = (BTreeMap::new(), BTreeSet::new());
    for (number, messages) in conversations {
        let scope = if number == 0 { Scope::Contract } else { Scope::PreSales };
        let promise = if number == 0 { Promise(PROMISE) } else { Promise::default() };
        let mut turns: Vec<_> = messages.values().filter_map(Message::turn).collect();
        turns.sort();
        let mut of_week: BTreeMap<Day, usize> = BTreeMap::new();
        for (index, wait) in trust::wait::waits(&turns).into_iter().enumerate() {
            let rank = if index == 0 { Rank::First } else { Rank::Later };
            let before = of_week.entry(week_of(wait.opened.at.day())).or_default();
            *before += 1;
            let counts = match scope {
                Scope::Contract if *before > SCORED_A_WEEK => Counts::Beyond,
                _ => Counts::Scored,
            };
            if let Some(at) = wait.closed {
                let seconds = at.since(wait.opened.at);
                let promise = if seconds <= promise.0 { Kept::Kept } else { Kept::Broken };
                let scope = if counts == Counts::Beyond { Scope::Excess } else { scope };
                let class = WaitCount { scope, rank, after: Bucket::of(seconds), promise };
                *closed.entry(wait.opened.at.day()).or_default().entry(class).or_default() += 1;
            } else {
                let conversation =
                    ConversationId { account: AccountId(1), number: ConversationNumber(number) };
                open.insert(OpenWait {
                    scope,
                    opened_at: wait.opened.at,
                    conversation,
                    rank,
                    promise,
                    silent_after: None,
                    counts,
                });
            }
        }
    }
    (closed, open)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_doubling_of_sightings_gives_the_signals_of_the_definition((story, retold) in stories()) {
        let (closed, open) = expected(&story);
        for telling in [&story, &retold] {
            let signals = run(async {
                let table = fresh_table().await;
                for arrival in telling {
                    arrive(&table, arrival).await;
                }
                signals(&table).await
            });
            prop_assert_eq!(&signals.days.replies, &closed);
            prop_assert_eq!(signals.waiting.iter().cloned().collect::<BTreeSet<_>>(), open.clone());
        }
    }

    #[test]
    fn copies_of_the_ledger_that_race_each_other_end_in_the_same_signals((story, _) in stories()) {
        let (closed, open) = expected(&story);
        let signals = run(async {
            let table = fresh_table().await;
            arrive(&table, &Arrival::Contract).await;
            arrive(&table, &Arrival::Owner).await;
            let all: Vec<_> = story
                .iter()
                .map(|arrival| {
                    let (table, arrival) = (table.clone(), arrival.clone());
                    tokio::spawn(async move { arrive(&table, &arrival).await })
                })
                .collect();
            for one in all {
                one.await.unwrap();
            }
            signals(&table).await
        });
        prop_assert_eq!(&signals.days.replies, &closed);
        prop_assert_eq!(signals.waiting.into_iter().collect::<BTreeSet<_>>(), open);
    }
}

/// Each wait stands on a day of its own, so no transaction can recount them all at once.
#[tokio::test]
async fn a_long_conversation_that_turns_out_to_be_a_contracts_is_recounted_whole() {
    const DAY: i64 = 24 * 60;
    let mut story = Vec::new();
    for day in 0..120 {
        let id = day as u64 * 2 + 1;
        story.push(Arrival::Sighting(sighting(0, true, Some(message(id, day * DAY, 0, false)))));
        story.push(Arrival::Sighting(sighting(
            0,
            true,
            Some(message(id + 1, day * DAY + 30 + day, 2, false)),
        )));
    }
    story.push(Arrival::Sighting(sighting(0, true, Some(message(999, 121 * DAY, 0, false)))));
    story.extend([Arrival::Owner, Arrival::Contract]);
    let table = fresh_table().await;
    for arrival in &story {
        arrive(&table, arrival).await;
    }
    let (closed, open) = expected(&story);
    let found = signals(&table).await;
    assert_eq!(found.days.replies, closed);
    assert_eq!(found.waiting.into_iter().collect::<BTreeSet<_>>(), open);
    assert_eq!(closed.len(), 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_comes_to_light_weeks_later_counts_on_its_day_though_that_was_folded() {
    const A_DAY: i64 = 86_400;
    let ledger = Ledger::start_at(lambda::clock::now().plus(-40 * A_DAY), A_DAY).await.unwrap();
    let environment = Environment::from_pairs(ledger.services().environment("score").unwrap());
    let app = score::App::start(&environment).await.unwrap();
    let provider = "acme".parse().unwrap();
    let after_the_reply_in = async |number| {
        ledger.answer_after(number, 600).await.unwrap();
        let sort_key = format!("signal#{}#raf03", ledger.asked_at(number).day());
        let keys = json!({ "pk": { "S": "provider#acme" }, "sk": { "S": sort_key } });
        let records = json!({ "Records": [{ "dynamodb": { "Keys": keys, "SequenceNumber": "1" } }] });
        let answer = score::handle(&app, records).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
        let summary = ledger.table().summary(&provider).await.unwrap().unwrap();
        let window = &summary.replies.windows[1];
        (window.waits, window.open, window.in_time.count)
    };
    ledger.ask(1).await.unwrap();
    ledger.ask(2).await.unwrap();
    assert_eq!(after_the_reply_in(1).await, (2, 1, 1));
    assert_eq!(after_the_reply_in(2).await, (2, 0, 2));
}
