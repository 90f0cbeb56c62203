//! Chat, set up in Chatwoot: what is there in the end, whatever goes wrong on the way and however often.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use end_to_end::{
    chatwoot::{Clock, Counts, Fault},
    operator::Operator,
    services::{BusHealth, Services},
};
use futures_util::{StreamExt, stream};
use lambda::Environment;
use serde_json::{Value, json};
use table::Table;
use trust::{
    id::ConversationId,
    setup::{ContractChat, ProviderChat, State, Wanted},
    time::Moment,
};

use crate::stack::{ago, event, queued};

/// How long something may be tried again, in minutes of the test's time.
const TRIES: usize = 40;

struct World {
    operator: Operator,
    services: Services,
    table: Table,
    lifecycle: lifecycle::App,
    clock: Clock,
    /// The worker ends, wherever it is, once so many requests have come to Chatwoot. Once.
    dies_after: AtomicUsize,
}

impl World {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(parameters: &[(&str, &str)]) -> Self {
        // Marketplace events come by the wall's clock.
        let clock = Clock::at(lambda::clock::now());
        let operator = Operator::start(clock.clone()).await.unwrap();
        let mut all = operator.parameters();
        all.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let services = Services::start_with(operator.secrets(), BusHealth::Up, &all).await.unwrap();
        let environment = Environment::from_pairs(services.environment("lifecycle").unwrap());
        let lifecycle = lifecycle::App::start(&environment).await.unwrap();
        let dies_after = AtomicUsize::new(usize::MAX);
        Self { table: services.table().unwrap(), operator, services, lifecycle, clock, dies_after }
    }

    /// The marketplace says so.
    async fn told(&self, events: &[Value]) {
        let events: Vec<(&str, &Value)> =
            events.iter().map(|event| (event["type"].as_str().unwrap(), event)).collect();
        let answer = lifecycle::handle(&self.lifecycle, queued("marketplace", &events)).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }

    async fn resume(&self) {
        lifecycle::resume(&self.lifecycle, || self.clock.now()).await.unwrap();
    }

    /// The function as it is once it has read the secret document anew, which it does every five minutes.
    async fn with_token(&self, token: &str) -> lifecycle::App {
        let mut secrets = self.operator.secrets();
        secrets["operator"]["token"] = json!(token);
        self.services.fill(&secrets).unwrap();
        let environment = Environment::from_pairs(self.services.environment("lifecycle").unwrap());
        lifecycle::App::start(&environment).await.unwrap()
    }

    /// Lets a minute pass, and what is due be worked on.
    async fn a_minute_later(&self) {
        self.clock.advance(60);
        let death = async {
            while self.operator.chatwoot.requests().len() < self.dies_after.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            outcome = lifecycle::resume(&self.lifecycle, || self.clock.now()) => drop(outcome.unwrap()),
            () = death => self.dies_after.store(usize::MAX, Ordering::Relaxed),
        }
    }

    async fn until_nothing_is_due(&self) {
        for _ in 0..TRIES {
            self.a_minute_later().await;
            let later = self.clock.now().plus(10_000);
            if self.table.setups_due(later, 10).await.unwrap().is_empty() {
                return;
            }
        }
        let mut stuck = Vec::new();
        for wanted in self.table.setups_due(self.clock.now().plus(10_000), 10).await.unwrap() {
            stuck.push(match &wanted {
                Wanted::Provider(id) => format!("{id}: {:?}", self.provider(id.as_str()).await),
                Wanted::Contract(id) => format!("{id}: {:?}", self.contract(id.as_str()).await),
            });
        }
        panic!("still not set up: {stuck:#?}");
    }

    async fn provider(&self, id: &str) -> ProviderChat {
        self.table.provider_chat(&id.parse().unwrap()).await.unwrap().unwrap().value
    }

    async fn contract(&self, id: &str) -> ContractChat {
        self.table.contract_chat(&id.parse().unwrap()).await.unwrap().unwrap().value
    }

    fn notes(&self, conversation: ConversationId) -> Vec<String> {
        let messages = self.operator.chatwoot.messages(conversation);
        let notes = messages.iter().filter(|message| message["private"] == true);
        notes.map(|note| note["content"].as_str().unwrap().to_owned()).collect()
    }
}

fn registered(provider: &str, agents: &[&str], at: Moment) -> Value {
    let agents: Vec<Value> = agents
        .iter()
        .map(|name| json!({ "name": name, "email": format!("{name}@{provider}.example") }))
        .collect();
    let data = json!({ "provider_id": provider, "name": format!("Provider {provider}"), "agents": agents });
    event("provider.registered", at, data)
}

fn published(provider: &str) -> Value {
    let data = json!({ "provider_id": provider, "offering_id": "vps", "name": "A server" });
    event("offering.published", ago(90), data)
}

fn requested(contract: &str, provider: &str) -> Value {
    let data = json!({
        "contract_id": contract, "provider_id": provider, "renter_id": "Rita-7", "offering_id": "vps", "term_seconds": 86400,
        "price": { "minor_units": 500, "currency": "EUR" },
    });
    event("contract.requested", ago(60), data)
}

fn completed(contract: &str) -> Value {
    event("contract.completed", ago(5), json!({ "contract_id": contract }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_first_offering_gives_him_an_account_of_his_own() {
    let world = World::start().await;
    world.told(&[registered("p1", &["al"], ago(100))]).await;
    world.a_minute_later().await;
    assert_eq!(world.operator.chatwoot.requests(), [], "registering alone asks for nothing");
    world.told(&[published("p1")]).await;
    world.until_nothing_is_due().await;

    let counts = world.operator.chatwoot.counts();
    let expected = Counts {
        accounts: 1,
        users: 2,
        agents: 2,
        inboxes: 1,
        inbox_members: 1,
        webhooks: 1,
        attribute_definitions: 3,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    let chat = world.provider("p1").await;
    assert_eq!(chat.attempts.state(), State::Ready);
    let (account, inbox) = (chat.account.unwrap(), chat.inbox.unwrap());

    let requests = world.operator.chatwoot.requests();
    let body = |method: &str, path: &str| {
        let found = requests.iter().find(|request| request.matches(method, path)).unwrap();
        found.body.clone()
    };
    assert_eq!(body("POST", "/api/v1/accounts/*/inboxes")["channel"]["hmac_mandatory"], true);
    let mut subscriptions: Vec<String> =
        serde_json::from_value(body("POST", "/api/v1/accounts/*/webhooks")["subscriptions"].clone()).unwrap();
    subscriptions.sort();
    assert_eq!(
        subscriptions,
        [
            "conversation_created",
            "conversation_status_changed",
            "conversation_updated",
            "message_created",
            "message_updated"
        ]
    );
    assert_eq!(body("POST", "/api/v1/accounts/*/agents")["role"], "agent");
    assert!(
        requests.iter().all(|request| request.body.get("password").is_none()),
        "no password passes through us"
    );

    let kept = world.services.secret(&format!("provider-trust-dev/chatwoot/{account}")).unwrap();
    assert_eq!(kept["webhook"].as_array().unwrap().len(), 1);
    let key = world.services.secret(&format!("provider-trust-dev/chatwoot/{account}/{}", inbox.id)).unwrap();
    assert!(key["identity"][inbox.id.to_string()].is_string());
    let place = world.table.links(account).await.unwrap();
    assert_eq!(place.owner(None).unwrap().as_str(), "p1");

    // The same events again, and nothing new is asked for.
    world.told(&[registered("p1", &["al"], ago(100)), published("p1")]).await;
    world.until_nothing_is_due().await;
    assert_eq!(world.operator.chatwoot.counts(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_of_an_inbox_are_the_providers_agents_and_nobody_else() {
    let world = World::start().await;
    world.told(&[registered("p1", &["al", "bo"], ago(100)), published("p1")]).await;
    world.until_nothing_is_due().await;
    world.told(&[registered("p1", &["bo", "cy"], ago(50))]).await;
    world.until_nothing_is_due().await;
    let chat = world.provider("p1").await;
    let agents: Vec<&str> = chat.agents.keys().map(trust::marketplace::Email::as_str).collect();
    assert_eq!(agents, ["bo@p1.example", "cy@p1.example"]);
    assert_eq!(world.operator.chatwoot.counts().inbox_members, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_agents_has_a_chat_that_says_what_it_lacks() {
    let world = World::start().await;
    world.told(&[registered("p1", &[], ago(100)), published("p1")]).await;
    world.a_minute_later().await;
    let chat = world.provider("p1").await;
    assert!(matches!(chat.attempts.state(), State::Failed(reason) if reason.contains("named nobody")));
    assert!(chat.inbox.is_some(), "renters can write all the same");
    world.told(&[registered("p1", &["al"], ago(50))]).await;
    world.until_nothing_is_due().await;
    assert_eq!(world.provider("p1").await.attempts.state(), State::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_shared_account_each_provider_has_an_inbox_with_his_own_agents() {
    let operator_account = {
        let world = World::start().await;
        // Its number is the first a Chatwoot gives.
        world.operator.chatwoot.furnish("Marketplace").unwrap().account
    };
    let world = World::start_with(&[("ChatwootSharedAccount", &operator_account.to_string())]).await;
    let shared = world.operator.chatwoot.furnish("Marketplace").unwrap();
    assert_eq!(shared.account, operator_account);
    world.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    world
        .told(&[
            registered("p1", &["al"], ago(100)),
            registered("p2", &["bo"], ago(100)),
            published("p1"),
            published("p2"),
        ])
        .await;
    world.until_nothing_is_due().await;
    let (first, second) = (world.provider("p1").await, world.provider("p2").await);
    assert_eq!((first.account, second.account), (Some(shared.account), Some(shared.account)));
    let (first, second) = (first.inbox.unwrap().id, second.inbox.unwrap().id);
    assert_ne!(first, second);
    let links = world.table.links(shared.account).await.unwrap();
    assert_eq!(links.owner(Some(first)).unwrap().as_str(), "p1");
    assert_eq!(links.owner(Some(second)).unwrap().as_str(), "p2");
    assert_eq!(links.owner(None), None, "nobody owns the whole account");
    assert_eq!(world.operator.chatwoot.counts().webhooks, 1, "one webhook serves them both");
    assert_eq!(world.operator.chatwoot.requests_to("POST", "/platform/**"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_gets_a_conversation_that_is_introduced_tied_and_in_the_end_resolved() {
    let world = World::start().await;
    // The contract first: its conversation waits for the provider's chat.
    world.told(&[requested("c1", "p1")]).await;
    world.a_minute_later().await;
    let waiting = world.contract("c1").await;
    assert!(
        matches!(waiting.attempts.state(), State::Pending(Some(reason)) if reason.contains("not set up yet"))
    );
    world.told(&[registered("p1", &["al"], ago(100)), published("p1")]).await;
    world.until_nothing_is_due().await;

    let conversation = world.contract("c1").await.conversation.unwrap();
    let shown = world.operator.chatwoot.conversation(conversation).unwrap();
    assert_eq!(shown["custom_attributes"]["contract_id"], "c1");
    assert_eq!(shown["custom_attributes"]["offering_id"], "vps");
    assert_eq!(shown["custom_attributes"]["contract_url"], "https://marketplace.example/contracts/c1");
    assert_eq!(
        (&shown["meta"]["sender"]["identifier"], &shown["meta"]["hmac_verified"]),
        (&json!("Rita-7"), &json!(true))
    );
    let recorded = world.table.recorded_contracts(conversation).await.unwrap();
    assert_eq!(recorded.first().unwrap().as_str(), "c1");
    assert!(world.notes(conversation)[0].starts_with("Contract c1, offering vps, requested "));
    let asked_to_look = world.services.published().into_iter().any(|entry| {
        entry["DetailType"] == "conversation.standing-changed"
            && entry["Detail"]["conversation"]["number"] == json!(conversation.number)
    });
    assert!(asked_to_look);

    world.told(&[completed("c1")]).await;
    world.until_nothing_is_due().await;
    assert_eq!(world.notes(conversation).len(), 2);
    assert!(world.notes(conversation)[1].starts_with("Contract c1 was completed "));
    assert_eq!(world.operator.chatwoot.conversation(conversation).unwrap()["status"], "resolved");
    assert_eq!(world.operator.chatwoot.counts().conversations, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_over_before_its_conversation_began_gets_none() {
    let world = World::start().await;
    world.told(&[requested("c1", "p1"), completed("c1")]).await;
    world.told(&[registered("p1", &["al"], ago(100)), published("p1")]).await;
    world.until_nothing_is_due().await;
    assert_eq!(world.operator.chatwoot.counts().conversations, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chatwoot_that_is_down_keeps_no_event_of_the_marketplace_waiting() {
    let world = World::start().await;
    world.operator.chatwoot.fault("*", "/**", Fault::Failure, 1_000);
    world
        .told(&[registered("p1", &["al"], ago(100)), published("p1"), requested("c1", "p1"), completed("c1")])
        .await;
    assert_eq!(world.operator.chatwoot.requests(), [], "the marketplace's events are handled without it");
    world.a_minute_later().await;
    let state = world.provider("p1").await.attempts;
    assert_eq!(state.state(), State::Pending(Some("Chatwoot answered 500")));
    world.operator.chatwoot.no_more_faults();
    world.until_nothing_is_due().await;
    assert_eq!(world.provider("p1").await.attempts.state(), State::Ready);
}

/// Everything that is asked of Chatwoot for a provider, a contract and its end.
async fn whole_story(world: &World) {
    world.told(&[registered("p1", &["al"], ago(100)), published("p1"), requested("c1", "p1")]).await;
    world.until_nothing_is_due().await;
    world.told(&[completed("c1")]).await;
    world.until_nothing_is_due().await;
}

/// What is there after the whole story, in which one call goes wrong.
async fn with(fault: Fault, call: usize) -> Outcome {
    let world = World::start().await;
    let chatwoot = &world.operator.chatwoot;
    // Plans are used up one after the other: so many calls go well, and the next one does not.
    chatwoot.fault("*", "/**", Fault::Delay(Duration::ZERO), call);
    chatwoot.fault("*", "/**", fault, 1);
    if matches!(fault, Fault::Silence | Fault::SilenceOnceDone) {
        // Nobody waits for the answer: the worker dies while it is out.
        world.dies_after.store(call + 1, Ordering::Relaxed);
    }
    whole_story(&world).await;
    let conversation = world.contract("c1").await.conversation.unwrap();
    let went_wrong = chatwoot.requests()[call].answer != Some(200);
    Outcome {
        counts: chatwoot.counts(),
        notes: world.notes(conversation).len(),
        status: chatwoot.conversation(conversation).unwrap()["status"].as_str().unwrap().to_owned(),
        went_wrong,
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    counts: Counts,
    notes: usize,
    status: String,
    went_wrong: bool,
}

/// Everything that is asked of Chatwoot is there once, whichever call goes wrong in this way.
async fn all_is_there_once_in_spite_of(fault: Fault) {
    let world = World::start().await;
    whole_story(&world).await;
    let calls = world.operator.chatwoot.requests().len();
    assert!(calls > 20, "{calls}");
    let expected = Outcome {
        counts: world.operator.chatwoot.counts(),
        notes: 2,
        status: "resolved".to_owned(),
        went_wrong: true,
    };
    let outcomes =
        stream::iter(0..calls).map(|call| async move { (call, Box::pin(with(fault, call)).await) });
    // A few at a time: each has a database of its own.
    let mut outcomes = outcomes.buffer_unordered(6);
    while let Some((call, outcome)) = outcomes.next().await {
        assert_eq!(outcome, expected, "{fault:?} at call {call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_the_thing_was_made_makes_it_once() {
    all_is_there_once_in_spite_of(Fault::FailureOnceDone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_before_anything_was_made_makes_it_once() {
    all_is_there_once_in_spite_of(Fault::Failure).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn being_asked_to_slow_down_makes_everything_once() {
    all_is_there_once_in_spite_of(Fault::TooManyRequests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_for_a_moment_makes_everything_once() {
    all_is_there_once_in_spite_of(Fault::Unauthorized).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_before_a_call_is_heard_leaves_nothing_undone() {
    all_is_there_once_in_spite_of(Fault::Silence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_before_the_answer_comes_leaves_nothing_twice() {
    all_is_there_once_in_spite_of(Fault::SilenceOnceDone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_at_once_make_nothing_twice() {
    let world = World::start().await;
    world.told(&[registered("p1", &["al"], ago(100)), published("p1"), requested("c1", "p1")]).await;
    world.clock.advance(60);
    for _ in 0..TRIES {
        let work = || lifecycle::resume(&world.lifecycle, || world.clock.now());
        let (first, second, third) = tokio::join!(work(), work(), work());
        for outcome in [first, second, third] {
            outcome.unwrap();
        }
        world.clock.advance(60);
    }
    let counts = world.operator.chatwoot.counts();
    assert_eq!(
        (counts.accounts, counts.inboxes, counts.webhooks, counts.conversations, counts.contacts),
        (1, 1, 1, 1, 1)
    );
}

/// A call is on its way, and meanwhile the marketplace says something more about the same.
async fn told_during(call: (&str, &str), during: &[Value]) -> World {
    let world = World::start().await;
    let late = Fault::Delay(Duration::from_millis(400));
    world.operator.chatwoot.fault(call.0, call.1, late, 1);
    world.told(&[registered("p1", &["al"], ago(100)), published("p1"), requested("c1", "p1")]).await;
    for _ in 0..TRIES {
        world.clock.advance(60);
        let meanwhile = async {
            while world.operator.chatwoot.requests_to(call.0, call.1) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            world.told(during).await;
            // Whoever is told at once must not begin beside the one who is at it.
            world.resume().await;
        };
        let both = Box::pin(async { tokio::join!(Box::pin(world.resume()), Box::pin(meanwhile)) });
        // A run that has not come to the call is over long before.
        if tokio::time::timeout(Duration::from_secs(2), both).await.is_ok() {
            break;
        }
    }
    world.until_nothing_is_due().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_a_call_is_on_its_way_makes_nothing_twice_and_is_not_forgotten() {
    let again = [registered("p1", &["al", "bo"], ago(50))];
    for call in [
        ("POST", "/platform/api/v1/accounts"),
        ("POST", "/api/v1/accounts/*/inboxes"),
        ("POST", "/api/v1/accounts/*/webhooks"),
    ] {
        let world = Box::pin(told_during(call, &again)).await;
        let counts = world.operator.chatwoot.counts();
        assert_eq!(
            (counts.accounts, counts.inboxes, counts.webhooks, counts.conversations),
            (1, 1, 1, 1),
            "{call:?}"
        );
        assert_eq!(counts.inbox_members, 2, "{call:?}: the agent who was named meanwhile");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_ends_while_its_conversation_is_being_opened_leaves_none_open() {
    let rejected = [event("contract.rejected", ago(30), json!({ "contract_id": "c1" }))];
    for call in ["/api/v1/accounts/*/contacts", "/api/v1/accounts/*/conversations"] {
        let world = Box::pin(told_during(("POST", call), &rejected)).await;
        assert!(world.operator.chatwoot.counts().conversations <= 1, "{call}");
        if let Some(conversation) = world.contract("c1").await.conversation {
            assert_eq!(
                world.operator.chatwoot.conversation(conversation).unwrap()["status"],
                "resolved",
                "{call}"
            );
            assert_eq!(world.table.recorded_contracts(conversation).await.unwrap().len(), 1, "{call}");
        } else {
            assert_eq!(world.operator.chatwoot.counts().conversations, 0, "{call}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_while_it_opens_a_conversation_leaves_none_open_where_the_contract_ends() {
    let world = World::start().await;
    world.operator.chatwoot.fault("POST", "/api/v1/accounts/*/conversations", Fault::FailureOnceDone, 1);
    world.told(&[registered("p1", &["al"], ago(100)), published("p1"), requested("c1", "p1")]).await;
    while world.operator.chatwoot.requests_to("POST", "/api/v1/accounts/*/conversations") == 0 {
        world.a_minute_later().await;
    }
    assert_eq!(world.contract("c1").await.conversation, None, "nobody knows of it yet");
    world.told(&[completed("c1")]).await;
    world.until_nothing_is_due().await;
    let conversation = world.contract("c1").await.conversation.unwrap();
    assert_eq!(world.operator.chatwoot.conversation(conversation).unwrap()["status"], "resolved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_an_agent_opened_in_the_contracts_name_is_not_taken_for_ours() {
    let world = World::start().await;
    world.told(&[registered("p1", &["al"], ago(100)), published("p1")]).await;
    world.until_nothing_is_due().await;
    // What any agent can do who has seen the contract on the marketplace.
    let chat = world.provider("p1").await;
    let (account, inbox) = (chat.account.unwrap(), chat.inbox.unwrap().id);
    let operator = &world.operator;
    let contact = operator
        .post(account, "/contacts", &json!({ "inbox_id": inbox, "identifier": "Rita-7", "name": "Rita" }))
        .await
        .unwrap();
    let contact = &contact["payload"]["contact"]["id"];
    let planted = json!({
        "inbox_id": inbox, "contact_id": contact, "source_id": "planted", "additional_attributes": { "contract_id": "c1" },
        "custom_attributes": { "contract_id": "c1" },
    });
    let planted = operator.post(account, "/conversations", &planted).await.unwrap();
    world.told(&[requested("c1", "p1")]).await;
    world.until_nothing_is_due().await;
    let ours = world.contract("c1").await.conversation.unwrap();
    assert_ne!(json!(ours.number), planted["id"]);
    assert_eq!(operator.chatwoot.conversation(ours).unwrap()["meta"]["hmac_verified"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_who_come_into_a_shared_account_at_once_keep_their_keys() {
    let world = World::start_with(&[("ChatwootSharedAccount", "1")]).await;
    let shared = world.operator.chatwoot.furnish("Marketplace").unwrap();
    assert_eq!(shared.account.0, 1);
    world.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    let names: Vec<String> = (1..=6).map(|number| format!("p{number}")).collect();
    let events: Vec<Value> =
        names.iter().flat_map(|name| [registered(name, &["al"], ago(100)), published(name)]).collect();
    world.told(&events).await;
    // Four are worked on at a time.
    world.until_nothing_is_due().await;
    for name in &names {
        let chat = world.provider(name).await;
        let (account, inbox) = (chat.account.unwrap(), chat.inbox.unwrap().id);
        let kept = world.services.secret(&format!("provider-trust-dev/chatwoot/{account}/{inbox}")).unwrap();
        assert!(kept["identity"][inbox.to_string()].is_string(), "{name}");
    }
    assert_eq!(world.operator.chatwoot.counts().webhooks, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_no_longer_answers_for_a_provider_is_taken_out_of_his_account() {
    let world = World::start().await;
    world.told(&[registered("p1", &["al", "bo"], ago(100)), published("p1")]).await;
    world.until_nothing_is_due().await;
    assert_eq!(world.operator.chatwoot.counts().agents, 3, "the operator and two");
    world.told(&[registered("p1", &["bo"], ago(50))]).await;
    world.until_nothing_is_due().await;
    let counts = world.operator.chatwoot.counts();
    assert_eq!((counts.agents, counts.inbox_members), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_the_marketplace_names_later_takes_the_place_of_ours() {
    let world = World::start().await;
    world.told(&[registered("p1", &["al"], ago(100)), published("p1")]).await;
    world.until_nothing_is_due().await;
    let own = world.operator.chatwoot.furnish("Elsewhere").unwrap();
    world.operator.join(own.account, &own.administrator_token).await.unwrap();
    let mut moved = registered("p1", &["al"], ago(50));
    moved["data"]["chat"] = json!({ "account": own.account, "inbox": own.inbox });
    world.told(&[moved.clone()]).await;
    world.until_nothing_is_due().await;
    let chat = world.provider("p1").await;
    assert_eq!((chat.account, chat.inbox.unwrap().id), (Some(own.account), own.inbox));
    assert_eq!(chat.attempts.state(), State::Ready);

    // One that is not there is nobody's to make.
    let inboxes = world.operator.chatwoot.counts().inboxes;
    moved["data"]["chat"]["inbox"] = json!(999);
    moved["time"] = json!(ago(40));
    world.told(&[moved]).await;
    for _ in 0..5 {
        world.a_minute_later().await;
    }
    let state = world.provider("p1").await.attempts;
    assert!(matches!(state.state(), State::Failed(reason) if reason.contains("not there")), "{state:?}");
    assert_eq!(world.operator.chatwoot.counts().inboxes, inboxes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_given_up_shows_as_failed_until_the_new_one_is_known() {
    let world = World::start().await;
    let token = world.operator.chatwoot.rotate_token(world.operator.user).unwrap();
    world.told(&[registered("p1", &["al"], ago(100)), published("p1")]).await;
    world.a_minute_later().await;
    let attempts = world.provider("p1").await.attempts;
    assert_eq!(attempts.state(), State::Failed("Chatwoot does not accept our token"));
    // Somebody puts the new one into the secret document, and restarts nothing.
    let renewed = World { lifecycle: world.with_token(&token).await, ..world };
    renewed.until_nothing_is_due().await;
    assert_eq!(renewed.provider("p1").await.attempts.state(), State::Ready);
}
