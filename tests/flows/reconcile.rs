//! Lost webhooks: whatever Chatwoot's webhooks go through, the facts are those of what was written.

use std::{collections::BTreeMap, time::Duration};

use end_to_end::{
    chatwoot::{Author, Clock, Delivery, Fault, Identity, Status, Thread, Visit, Written},
    operator::Operator,
};
use lambda::{Environment, Secrets, operator::OperatorChat};
use local_stack::{Options, Stack, Storage};
use proptest::prelude::*;
use serde_json::json;
use table::Table;
use trust::{
    id::{ConversationId, MessageId},
    summary::Signals,
    time::Moment,
};

use crate::stack::{Door, event};

/// What people do, one after the other, some minutes apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Renter,
    RenterElsewhere,
    Agent,
    Note,
    Bot,
    Automation,
    Template,
    Echo,
    AgentTakesBack,
    Resolve,
    Reopen,
}

const DEEDS: [Deed; 13] = [
    Deed::Renter,
    Deed::Renter,
    Deed::RenterElsewhere,
    Deed::Agent,
    Deed::Agent,
    Deed::Note,
    Deed::Bot,
    Deed::Automation,
    Deed::Template,
    Deed::Echo,
    Deed::AgentTakesBack,
    Deed::Resolve,
    Deed::Reopen,
];

pub(crate) struct World {
    pub(crate) operator: Operator,
    _stack: Stack,
    pub(crate) door: Door,
    pub(crate) table: Table,
    sweep: chat_sweep::App,
    chat: OperatorChat,
    secrets: Secrets,
    clock: Clock,
    pub(crate) conversation: ConversationId,
    visit: Visit,
    agent: u64,
}

impl World {
    /// A provider with a contract, whose chat the stack itself has set up.
    pub(crate) async fn start() -> Self {
        let clock = Clock::at(lambda::clock::now());
        let operator = Operator::start(clock.clone()).await.unwrap();
        operator.chatwoot.sign_by(Clock::wall());
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            storage: Storage::Memory,
            secrets: operator.secrets().to_string(),
            parameters: operator.parameters(),
            keys: local_stack::tokens::Keys::default(),
        };
        let stack = Stack::start(options).await.unwrap();
        let door = Door::at(stack.address());
        let at = clock.now().plus(-3600);
        let agents = json!([{ "name": "Al", "email": "al@p1.example" }]);
        door.told(&[
            event(
                "provider.registered",
                at,
                json!({ "provider_id": "p1", "name": "Provider 1", "agents": agents }),
            ),
            event(
                "offering.published",
                at,
                json!({ "provider_id": "p1", "offering_id": "vps", "name": "A server" }),
            ),
            crate::stack::requested("c1", "p1", "r1", at),
        ])
        .await;
        let settings = BTreeMap::from([
            ("TABLE_NAME", "provider-trust-dev".to_owned()),
            ("BUS_NAME", "provider-trust-dev".to_owned()),
            ("SECRET_ID", "provider-trust-dev".to_owned()),
            ("CHATWOOT_URL", operator.chatwoot.base_url()),
            ("CHATWOOT_REQUESTS_A_MINUTE", "600000".to_owned()),
            ("SCORE_POLICY", trust::policy::Policy::current().version.clone()),
        ]);
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let environment: Environment = stack.environment().with(&settings);
        let clients = lambda::Clients::new(&environment).unwrap();
        let table = Table::new(clients.dynamodb(), "provider-trust-dev");
        let (contract, provider) = ("c1".parse().unwrap(), "p1".parse().unwrap());
        let set_up = async {
            for minutes in 0.. {
                let chat = table.contract_chat(&contract).await.unwrap();
                if let Some(conversation) = chat.and_then(|stored| stored.value.conversation) {
                    return conversation;
                }
                // What was not ready at the first try is worked on a minute later; here at once.
                let lifecycle = lifecycle_of(&environment, &operator, stack.address()).await;
                lifecycle::resume(&lifecycle, || lambda::clock::now().plus(minutes * 60)).await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            unreachable!("it goes on for ever");
        };
        let conversation = tokio::time::timeout(Duration::from_mins(1), set_up).await.unwrap();
        let place = table.provider_chat(&provider).await.unwrap().unwrap().value;
        let visit = Visit {
            account: conversation.account,
            inbox: place.inbox.unwrap().id,
            renter: "r1".to_owned(),
            identity: Identity::Verified,
        };
        operator.chatwoot.delivered().await;
        door.settled().await;
        Self {
            sweep: chat_sweep::App::start(&environment).await.unwrap(),
            chat: OperatorChat::connect(&environment).unwrap().unwrap(),
            secrets: Secrets::connect(&environment, &clients).unwrap(),
            agent: *place.agents.values().next().unwrap(),
            _stack: stack,
            operator,
            door,
            table,
            clock,
            conversation,
            visit,
        }
    }

    /// Somebody does something, some minutes after what was done before.
    pub(crate) fn does(&self, deed: Deed, minutes: i64, taken: &mut Vec<MessageId>) {
        self.clock.advance(minutes * 60);
        let chatwoot = &self.operator.chatwoot;
        let writes = |author| chatwoot.writes(self.conversation, author, "as it is").unwrap();
        match deed {
            Deed::Renter => {
                let thread = Thread::Number(self.conversation.number);
                let _: Written = chatwoot.renter_writes(&self.visit, thread, "hello?").unwrap();
            }
            Deed::RenterElsewhere => {
                let _: Written = chatwoot.renter_writes(&self.visit, Thread::New, "hello there?").unwrap();
            }
            Deed::Agent => taken.push(writes(Author::Agent(self.agent))),
            Deed::Note => drop(writes(Author::Note(self.agent))),
            Deed::Bot => drop(writes(Author::Bot)),
            Deed::Automation => drop(writes(Author::Automation)),
            Deed::Template => drop(writes(Author::Template)),
            Deed::Echo => drop(writes(Author::Echo)),
            Deed::AgentTakesBack => {
                if let Some(message) = taken.pop() {
                    chatwoot.deletes_message(self.conversation, message).unwrap();
                }
            }
            Deed::Resolve => chatwoot.moves(self.conversation, Status::Resolved, self.agent).unwrap(),
            Deed::Reopen => chatwoot.moves(self.conversation, Status::Open, self.agent).unwrap(),
        }
    }

    /// Checks the ledger as of now, by the clock of this world.
    async fn reconcile(&self) -> chat_sweep::Reconciled {
        let (chatwoot, own_user) = self.chat.speak(&self.secrets).await.unwrap();
        let now = || self.clock.now();
        chat_sweep::reconcile(&self.sweep, &chatwoot, own_user, now, 60).await.unwrap()
    }

    /// What the ledger has made of it all, a quarter of an hour later, when nothing is under way any more.
    pub(crate) async fn facts(&self) -> (Signals, usize) {
        self.clock.advance(900);
        self.operator.chatwoot.delivered().await;
        self.door.settled().await;
        let brought = self.reconcile().await.repaired;
        self.door.settled().await;
        let since = Moment::EPOCH.day();
        let stored = self.table.signals(&"p1".parse().unwrap(), since).await.unwrap();
        (stored.signals, brought)
    }
}

async fn lifecycle_of(
    environment: &Environment,
    operator: &Operator,
    at: std::net::SocketAddr,
) -> lifecycle::App {
    let more = [
        ("ACCOUNT_SECRETS", "provider-trust-dev/chatwoot".to_owned()),
        ("CHATWOOT_URL", operator.chatwoot.base_url()),
        ("CHATWOOT_WEBHOOK_URL", format!("http://{at}/lambda-url/chatwoot-webhook/")),
        ("API_URL", format!("http://{at}")),
        ("VANTAGES", "home".to_owned()),
    ];
    let more = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    lifecycle::App::start(&environment.with(&more)).await.unwrap()
}

/// Closed waits by class, and open ones by when they opened.
type Counted = (BTreeMap<String, u64>, Vec<(i64, String)>);

/// What is counted of a story, in a world whose webhooks go through this at each deed, and how many messages a check had to bring. Times
/// are told from the story's beginning.
async fn told(story: &[(Deed, i64, Delivery)]) -> (Counted, usize) {
    let world = World::start().await;
    let began = world.clock.now();
    let (mut taken, mut repaired) = (Vec::new(), 0);
    for (index, (deed, minutes, delivery)) in story.iter().enumerate() {
        world.operator.chatwoot.set_delivery(*delivery);
        world.does(*deed, *minutes, &mut taken);
        if index % 5 == 4 {
            world.operator.chatwoot.delivered().await;
            world.door.settled().await;
            repaired += world.reconcile().await.repaired;
        }
    }
    // Those that were held come now, the latest first.
    let held: Vec<u64> = world.operator.chatwoot.held().iter().rev().map(|held| held.id).collect();
    world.operator.chatwoot.release(&held).await.unwrap();
    world.door.settled().await;
    let (signals, brought) = world.facts().await;
    repaired += brought;
    let closed = signals.days.replies.values().flatten();
    let mut counts = BTreeMap::new();
    for (class, count) in closed {
        *counts.entry(format!("{class:?}")).or_default() += count;
    }
    let waiting = signals.waiting.iter();
    let open = waiting
        .map(|wait| (wait.opened_at.unix() - began.unix(), format!("{:?} {:?}", wait.scope, wait.rank)));
    ((counts, open.collect()), repaired)
}

fn deliveries() -> impl Strategy<Value = Delivery> {
    prop_oneof![
        2 => Just(Delivery::Normal),
        1 => Just(Delivery::Doubled),
        1 => Just(Delivery::Held),
        3 => Just(Delivery::Lost),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn reply_times_after_an_outage_of_any_length_equal_those_without_it(
        story in prop::collection::vec((prop::sample::select(&DEEDS[..]), 1..600i64, deliveries()), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (with, without) = runtime.block_on(async {
            let undisturbed: Vec<_> =
                story.iter().map(|(deed, minutes, _)| (*deed, *minutes, Delivery::Normal)).collect();
            tokio::join!(told(&story), told(&undisturbed))
        });
        let (with, _) = with;
        let (without, repaired) = without;
        prop_assert_eq!(with, without);
        prop_assert_eq!(repaired, 0, "no webhook was lost there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_found_once_and_counted() {
    let world = World::start().await;
    world.operator.chatwoot.set_delivery(Delivery::Lost);
    let mut taken = Vec::new();
    world.does(Deed::Renter, 10, &mut taken);
    world.does(Deed::Agent, 60, &mut taken);
    assert_eq!(world.reconcile().await.repaired, 1, "the reply is too young: its webhook may still come");
    world.clock.advance(600);
    assert_eq!(world.reconcile().await.repaired, 1);
    world.door.settled().await;
    world.clock.advance(600);
    let again = world.reconcile().await;
    assert_eq!((again.accounts, again.repaired, again.failed), (1, 0, 0));
    // What has not changed since costs nothing but the account's list.
    world.operator.chatwoot.forget_requests();
    world.clock.advance(300);
    world.reconcile().await;
    assert_eq!(world.operator.chatwoot.requests().len(), 1);
    let messages = world.table.messages(world.conversation).await.unwrap();
    assert_eq!(messages.iter().filter_map(trust::chat::Message::turn).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_at_the_same_time_find_nothing_twice_in_the_facts() {
    let world = World::start().await;
    world.operator.chatwoot.set_delivery(Delivery::Lost);
    let mut taken = Vec::new();
    for minutes in [10, 20, 30, 40] {
        world.does(Deed::Renter, minutes, &mut taken);
        world.does(Deed::Agent, minutes, &mut taken);
    }
    world.clock.advance(600);
    let (first, second, third) = tokio::join!(world.reconcile(), world.reconcile(), world.reconcile());
    assert_eq!((first.failed, second.failed, third.failed), (0, 0, 0));
    let (signals, _) = world.facts().await;
    let waits: u64 = signals.days.replies.values().flatten().map(|(_, count)| count).sum();
    assert_eq!(waits, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chatwoot_that_fails_leaves_the_watermark_where_it_was() {
    let world = World::start().await;
    world.operator.chatwoot.set_delivery(Delivery::Lost);
    world.does(Deed::Renter, 10, &mut Vec::new());
    for fault in [Fault::Failure, Fault::TooManyRequests, Fault::Unauthorized, Fault::BadGateway] {
        // A day of it: everything it was asked for fails.
        world.clock.advance(86_400);
        world.operator.chatwoot.fault("*", "/**", fault, 1_000);
        let found = world.reconcile().await;
        let expected = if fault == Fault::Unauthorized { (0, 1) } else { (1, 0) };
        assert_eq!((found.failed, found.closed), expected, "{fault:?}");
        world.operator.chatwoot.no_more_faults();
    }
    world.clock.advance(600);
    let found = world.reconcile().await;
    assert_eq!(
        (found.failed, found.repaired),
        (0, 1),
        "found four days later, and over six hours: page by page"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_takes_the_contract_away_and_an_agent_who_renames_the_renter_change_nothing() {
    let world = World::start().await;
    world.does(Deed::Renter, 10, &mut Vec::new());
    world.operator.chatwoot.browser_replaces_attributes(world.conversation, &json!({})).unwrap();
    world.operator.chatwoot.changes_identifier(world.conversation, "somebody-else").unwrap();
    world.does(Deed::Agent, 30, &mut Vec::new());
    let (signals, _) = world.facts().await;
    let scopes: Vec<_> = signals.days.replies.values().flatten().map(|(class, _)| class.scope).collect();
    assert_eq!(scopes, [trust::replies::Scope::Contract]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_taken_back_during_an_outage_closes_no_wait_however_long_it_lasts() {
    let world = World::start().await;
    let mut taken = Vec::new();
    world.does(Deed::Renter, 10, &mut taken);
    world.does(Deed::Agent, 30, &mut taken);
    let (signals, _) = world.facts().await;
    assert!(signals.waiting.is_empty());
    world.operator.chatwoot.set_delivery(Delivery::Lost);
    world.does(Deed::AgentTakesBack, 60, &mut taken);
    world.clock.advance(3 * 86_400);
    let (signals, brought) = world.facts().await;
    assert_eq!((signals.waiting.len(), brought), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_can_not_be_read_keeps_no_other_from_it() {
    let world = World::start().await;
    world.operator.chatwoot.set_delivery(Delivery::Lost);
    for _ in 0..30 {
        world.does(Deed::RenterElsewhere, 10, &mut Vec::new());
    }
    world.clock.advance(600);
    let broken = format!("/api/v1/accounts/*/conversations/{}/messages", world.conversation.number.0 + 7);
    world.operator.chatwoot.fault("GET", &broken, Fault::Failure, 3);
    let found = world.reconcile().await;
    assert_eq!((found.failed, found.repaired), (1, 29));
    world.clock.advance(300);
    let found = world.reconcile().await;
    assert_eq!((found.failed, found.repaired), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_is_found_whole_page_by_page() {
    let world = World::start().await;
    world.operator.chatwoot.set_delivery(Delivery::Lost);
    let mut taken = Vec::new();
    for _ in 0..130 {
        world.does(Deed::Renter, 1, &mut taken);
        world.does(Deed::Agent, 1, &mut taken);
    }
    world.clock.advance(600);
    assert_eq!(world.reconcile().await.repaired, 260);
    let (signals, _) = world.facts().await;
    let waits: u64 = signals.days.replies.values().flatten().map(|(_, count)| count).sum();
    assert_eq!((waits, signals.waiting.len()), (130, 0));
}
