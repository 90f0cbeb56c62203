//! The law of order: any permutation, doubling and late arrival of the same events ends in the same signals and, byte for byte, the same
//! summary and score; and the replies among them are what the definition says, worked out here from the messages alone.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use score::Changed;
use table::{Exchange, Table, TableError};
use trust::{
    chat::{
        Channel, ChatEvent, ConversationSighting, ConversationStatus, Direction, Identity, Mark, Message,
        Sender,
    },
    contract::{Contract, ContractDelta, Worth},
    duration::Bucket,
    id::{AccountId, ContractId, ConversationId, ConversationNumber, InboxId, MessageId},
    marketplace::{AcceptedBy, CancelledBy, ChatPlace, Happened, Money, Terms},
    policy::Policy,
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
    /// Something becomes known of the contract.
    Contract(Moment, Happened),
    /// The account's owner becomes known.
    Owner,
}

/// The contract is asked for.
fn requested() -> Arrival {
    Arrival::Contract(start(), Happened::ContractRequested(terms()))
}

/// What becomes of the contract: it is accepted and handed over, and ends in one of these ways or goes on.
fn course(ending: u8) -> Vec<Arrival> {
    let contract_id = || terms().contract_id;
    let mut course = vec![
        (
            1,
            Happened::ContractAccepted {
                contract_id: contract_id(),
                by: AcceptedBy::Provider,
                conversation: None,
            },
        ),
        (
            2,
            Happened::ContractProvisioned {
                contract_id: contract_id(),
                conversation: None,
                endpoints: Vec::new(),
                sla: None,
            },
        ),
    ];
    match ending {
        0 => course.push((25, Happened::ContractCompleted { contract_id: contract_id() })),
        1 => course.push((
            3,
            Happened::ContractCancelled {
                contract_id: contract_id(),
                by: CancelledBy::Provider,
                reason: None,
            },
        )),
        2 => course.push((
            9,
            Happened::ContractCancelled { contract_id: contract_id(), by: CancelledBy::Renter, reason: None },
        )),
        3 => course.push((2, Happened::ContractProvisioningFailed { contract_id: contract_id() })),
        4 => course.push((
            4,
            Happened::ContractExtended { contract_id: contract_id(), ends_at: start().plus(400_000) },
        )),
        _ => {}
    }
    course
        .into_iter()
        .map(|(hours, happened)| Arrival::Contract(start().plus(hours * 3600), happened))
        .collect()
}

const STATUSES: [ConversationStatus; 4] = [
    ConversationStatus::Open,
    ConversationStatus::Resolved,
    ConversationStatus::Pending,
    ConversationStatus::Snoozed,
];

/// A conversation is resolved, reopened, snoozed: nobody has written.
fn shown_as(conversation: u64, status: ConversationStatus) -> ChatEvent {
    let mut event = sighting(conversation, true, None);
    event.conversation.status = status;
    event
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
            status: ConversationStatus::Open,
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
    (prop::collection::vec(one, 1..14), 0..6u8).prop_flat_map(|(messages, ending)| {
        let mut story = course(ending);
        for (index, (conversation, minutes, kind, deleted)) in messages.into_iter().enumerate() {
            let id = index as u64 + 1;
            let plain = message(id, minutes, kind, false);
            let mut seen = sighting(conversation, index % 3 != 2, Some(plain));
            seen.conversation.status = STATUSES[index % 4];
            story.push(Arrival::Sighting(seen));
            if index % 5 == 4 {
                story.push(Arrival::Sighting(shown_as(conversation, ConversationStatus::Resolved)));
                story.push(Arrival::Sighting(shown_as(conversation, ConversationStatus::Open)));
            }
            if deleted {
                // Deleting erases the attributes that told an automatic message.
                let mut later = message(id, minutes, kind, true);
                later.marks.retain(|mark| matches!(mark, Mark::Deleted | Mark::Private));
                story.push(Arrival::Sighting(sighting(conversation, true, Some(later))));
            }
        }
        // At least one verified sighting of the contract's conversation, so that its standing does not hang on chance.
        story.push(Arrival::Sighting(sighting(0, true, None)));
        story.push(requested());
        story.push(Arrival::Owner);
        let doubled: Vec<_> = story.iter().chain(story.iter().step_by(3)).cloned().collect();
        (Just(story), Just(doubled).prop_shuffle())
    })
}

async fn arrive(table: &Table, arrival: &Arrival) {
    match arrival {
        Arrival::Sighting(event) => keep_trying(table, event.conversation_id(), Some(event)).await,
        Arrival::Contract(at, happened) => {
            let id = terms().contract_id;
            while let Err(error) = join(table, &id, *at, happened).await {
                assert!(matches!(error, TableError::Conflict), "{error}");
            }
            for conversation in table.claimants(&id).await.unwrap() {
                keep_trying(table, conversation, None).await;
            }
        }
        Arrival::Owner => {
            let place = ChatPlace { account: AccountId(1), inbox: None };
            while let Err(error) = table.link(place, &"p1".parse().unwrap(), start()).await {
                assert!(matches!(error, TableError::Conflict), "{error}");
            }
            for conversation in table.conversations_in(place, None).await.unwrap().conversations {
                keep_trying(table, conversation, None).await;
            }
        }
    }
}

async fn join(table: &Table, id: &ContractId, at: Moment, happened: &Happened) -> Result<(), TableError> {
    let stored = table.contract(id).await?;
    let (known, version) = stored.map_or((Contract::default(), 0), |stored| (stored.value, stored.version));
    let mut contract = known.clone();
    contract.join(at, happened);
    if contract == known {
        return Ok(());
    }
    let mut delta = ContractDelta::default();
    known.difference(&contract, &mut delta);
    table.write_contract(id, &contract, version, &delta).await
}

async fn keep_trying(table: &Table, id: ConversationId, event: Option<&ChatEvent>) {
    for _ in 0..100 {
        match chat_ledger::record(table, id, event).await {
            Err(TableError::Conflict) => {}
            outcome => return outcome.unwrap(),
        }
    }
    panic!("the ledger never settled");
}

/// Whether the renter waits at the end of each conversation, as it is kept and as the messages have it.
async fn exchanges(table: &Table) -> Vec<(Option<Exchange>, Option<Exchange>)> {
    let mut found = Vec::new();
    for number in 0..CONVERSATIONS {
        let id = ConversationId { account: AccountId(1), number: ConversationNumber(number) };
        let kept = table.conversation(id).await.unwrap().value;
        let turns: Vec<_> = table.messages(id).await.unwrap().iter().filter_map(Message::turn).collect();
        found.push((kept.exchange, kept.latest.map(|_| Exchange::after(&turns))));
    }
    found
}

async fn signals(table: &Table) -> Signals {
    let since = Day::parse("2026-01-01").unwrap();
    table.signals(&"p1".parse().unwrap(), since).await.unwrap().signals
}

/// The summary as it is stored, score and all, made at a moment that is the same for every telling.
async fn summary(table: &Table) -> Vec<u8> {
    let provider = "p1".parse().unwrap();
    let as_of = start().plus(6 * 86_400);
    score::summarise_now(table, Policy::current(), &provider, &Changed::default(), as_of).await.unwrap();
    serde_json::to_vec(&table.summary(&provider).await.unwrap().unwrap()).unwrap()
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
    let mut contract = Contract::default();
    for arrival in story {
        if let Arrival::Contract(at, happened) = arrival {
            contract.join(*at, happened);
        }
    }
    let rented = if contract.worth() == Worth::Minimal { Scope::Minimal } else { Scope::Contract };
    let (mut closed, mut open): (BTreeMap<Day, ReplyDay>, _) = (BTreeMap::new(), BTreeSet::new());
    for (number, messages) in conversations {
        let scope = if number == 0 { rented } else { Scope::PreSales };
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
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_doubling_gives_the_replies_of_the_definition_and_the_same_score_byte_for_byte((story, retold) in stories()) {
        let (closed, open) = expected(&story);
        let mut summaries = Vec::new();
        for telling in [&story, &retold] {
            let (signals, exchanges, summary) = run(async {
                let table = fresh_table().await;
                for arrival in telling {
                    arrive(&table, arrival).await;
                }
                (signals(&table).await, exchanges(&table).await, summary(&table).await)
            });
            summaries.push(summary);
            for (kept, told) in exchanges {
                prop_assert_eq!(kept, told);
            }
            prop_assert_eq!(&signals.days.replies, &closed);
            prop_assert_eq!(signals.waiting.iter().cloned().collect::<BTreeSet<_>>(), open.clone());
        }
        prop_assert!(summaries[0] == summaries[1], "{}", String::from_utf8_lossy(&summaries[1]));
    }

    #[test]
    fn copies_that_race_each_other_while_owner_and_contract_become_known_end_in_the_same_score((story, _) in stories()) {
        let (closed, open) = expected(&story);
        let told = run(async {
            let table = fresh_table().await;
            for arrival in &story {
                arrive(&table, arrival).await;
            }
            summary(&table).await
        });
        let (signals, summary) = run(async {
            let table = fresh_table().await;
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
            (signals(&table).await, summary(&table).await)
        });
        prop_assert!(summary == told, "{}", String::from_utf8_lossy(&summary));
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
    story.extend([Arrival::Owner, requested()]);
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
