//! What is told of waits that nobody ends: each stage once, whoever looks and however often.

use std::sync::Arc;

use end_to_end::capacity::{BUSY, Ledger};
use lambda::{Bus, Clients, Environment};
use serde_json::Value;
use trust::{policy::Policy, time::Moment};

const HOUR: i64 = 3600;

struct Watched {
    ledger: Ledger,
    bus: Bus,
}

impl Watched {
    async fn start() -> Self {
        let ledger = Ledger::start(BUSY).await.unwrap();
        let environment = Environment::from_pairs(ledger.services().environment("chat-sweep").unwrap());
        let clients = Clients::new(&environment).unwrap();
        Self { bus: Bus::connect(&environment, &clients).unwrap(), ledger }
    }

    /// Sweeps as of so many hours after the first conversation opened.
    async fn sweep(&self, hours: i64) {
        let rules = &Policy::current().flags;
        let sweep = chat_sweep::sweep(self.ledger.table(), &self.bus, rules, self.after(hours));
        let swept = sweep.await.unwrap();
        assert_eq!(swept.failed, 0);
    }

    fn after(&self, hours: i64) -> Moment {
        self.ledger.asked_at(1).plus(hours * HOUR)
    }

    fn told(&self) -> Vec<Value> {
        self.ledger.services().published()
    }

    fn kinds(&self) -> Vec<String> {
        self.told().iter().map(|entry| entry["DetailType"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_goes_silent_once_and_responds_once() {
    let watched = Watched::start().await;
    watched.ledger.ask(1).await.unwrap();
    for hours in [0, 1, 3, 3, 5, 20, 25, 25, 30, 73, 73, 99] {
        watched.sweep(hours).await;
    }
    watched.ledger.answer_after(1, 100 * HOUR).await.unwrap();
    for hours in [101, 101, 200] {
        watched.sweep(hours).await;
    }
    assert_eq!(
        watched.kinds(),
        [
            "provider.reply-due",
            "provider.reply-overdue",
            "provider.went-silent",
            "provider.silence-critical",
            "provider.responded"
        ]
    );
    let told = watched.told();
    let schema: Value = serde_json::from_str(include_str!("../../events/schemas/silence.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for entry in &told {
        assert_eq!(entry["Source"], "trust");
        schema.validate(&entry["Detail"]).unwrap();
        assert_eq!(
            (&entry["Detail"]["provider"], &entry["Detail"]["contract"]),
            (&"acme".into(), &"c-1".into())
        );
    }
    assert_eq!(told[2]["Detail"]["at"], watched.after(24).to_string());
    assert_eq!(told[4]["Detail"]["at"], watched.after(100).to_string());
    assert_eq!(watched.ledger.table().watches().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn sweeps_at_the_same_time_tell_nothing_twice() {
    let watched = Arc::new(Watched::start().await);
    for number in 1..=20 {
        watched.ledger.ask(number).await.unwrap();
    }
    let mut sweeps = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let watched = Arc::clone(&watched);
        sweeps.spawn(async move { watched.sweep(30).await });
    }
    sweeps.join_all().await;
    let mut ids: Vec<String> = watched.told().iter().map(|entry| entry["Detail"]["id"].to_string()).collect();
    assert_eq!(ids.len(), 60, "three stages of twenty waits");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_that_turns_out_to_be_another_one_is_withdrawn() {
    let watched = Watched::start().await;
    watched.ledger.ask(1).await.unwrap();
    watched.sweep(25).await;
    watched.ledger.asked_before(1, HOUR).await.unwrap();
    watched.sweep(26).await;
    watched.sweep(27).await;
    let opened_at = |entry: &Value| entry["Detail"]["opened_at"].clone();
    let told = watched.told();
    let of = |kind: &str| -> Vec<Value> {
        told.iter().filter(|entry| entry["DetailType"] == kind).map(opened_at).collect()
    };
    let (first, earlier) = (watched.after(0).to_string(), watched.after(-1).to_string());
    assert_eq!(of("provider.went-silent"), [&*first, &*earlier]);
    assert_eq!(of("provider.silence-withdrawn"), [&*first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_in_good_time_is_nobodys_news_and_leaves_no_watch() {
    let watched = Watched::start().await;
    watched.ledger.ask(1).await.unwrap();
    watched.sweep(1).await;
    watched.ledger.answer_after(1, HOUR + 60).await.unwrap();
    watched.sweep(40).await;
    assert_eq!(watched.kinds(), ["provider.reply-due"]);
    assert_eq!(watched.ledger.table().watches().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sweep_noted_and_did_not_come_to_tell_a_later_one_tells() {
    let watched = Watched::start().await;
    watched.ledger.ask(1).await.unwrap();
    // As a sweep leaves it that dies between noting and telling.
    let table = watched.ledger.table();
    let (provider, wait) = table.waits_to_watch(watched.after(25)).await.unwrap().remove(0);
    let rules = &Policy::current().flags;
    let noted = trust::silence::Watch::begin(provider, wait.clone(), watched.after(25));
    let noted = noted.grown(&wait, rules, watched.after(25)).unwrap();
    table.write_watch(&noted, 0).await.unwrap();
    watched.sweep(25).await;
    assert_eq!(watched.kinds().len(), 0, "another sweep may still be at it");
    watched.sweep(26).await;
    watched.sweep(27).await;
    assert_eq!(watched.kinds(), ["provider.reply-due", "provider.reply-overdue", "provider.went-silent"]);
}
