//! A change of the score policy: candidates beside what is served, how ranks would move, and the switch.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use end_to_end::{
    function,
    services::{BusHealth, Services},
};
use lambda::{Clients, Environment, clock};
use local_stack::{Options, Stack, Storage, TEMPLATE, template, tokens::Keys};
use score::{
    Changed,
    rescore::{self, Limits, News, RescoreError},
};
use serde_json::json;
use table::{Candidate, RunKind, Table, TableError};
use tokio::time::{Instant, sleep};
use trust::{
    contract::{Contract, ContractDelta},
    id::ProviderId,
    marketplace::{Happened, MarketplaceEvent},
    policy::Policy,
    provider::Provider,
    time::Moment,
};

use crate::{
    stack::{self, Door, ago, completed, registered, requested},
    unreadable::Unreadable,
};

const OTHER: &str = "trust-score/other";

/// How long anything may take.
const DEADLINE: Duration = Duration::from_mins(1);

/// A policy by which contracts count for more and uptime for less, in a file.
fn other(directory: &Path, contracts: u32) -> (PathBuf, Policy) {
    let mut policy = serde_json::to_value(Policy::current()).unwrap();
    policy["version"] = json!(OTHER);
    policy["families"]["contracts"]["weight"] = json!(contracts);
    policy["families"]["uptime"]["weight"] = json!(450 - contracts);
    let file = directory.join("other.json");
    std::fs::write(&file, policy.to_string()).unwrap();
    (file, Policy::parse(&policy.to_string()).unwrap())
}

fn noon() -> Moment {
    Moment::parse("2026-11-20T12:00:00Z").unwrap()
}

fn limits(per_second: u32, now: fn() -> Moment) -> Limits {
    Limits { per_second: NonZeroU32::new(per_second).unwrap(), now }
}

const FAST: u32 = 1_000_000;

/// Providers who each have completed some contracts, by their own number.
async fn providers(table: &Table, count: u64) {
    for number in 0..count {
        let provider: ProviderId = id(number);
        let profile = json!({ "provider_id": provider, "name": format!("Provider {number}") });
        let mut known = Provider::default();
        known.join(noon().plus(-86_400 * 90 - number as i64), &happened("provider.registered", profile));
        table.write_provider(&provider, &known, 0).await.unwrap();
        for contract in 0..number % 4 {
            complete(table, &format!("c-{number}-{contract}"), &provider, number).await;
        }
        let now = noon().plus(-60);
        score::summarise_now(table, Policy::current(), &provider, &Changed::default(), now).await.unwrap();
    }
}

fn id(number: u64) -> ProviderId {
    format!("p{number:03}").parse().unwrap()
}

fn happened(kind: &str, data: impl Into<serde_json::Value>) -> Happened {
    let event: MarketplaceEvent = serde_json::from_value(stack::event(kind, noon(), data)).unwrap();
    event.happened
}

async fn complete(table: &Table, contract: &str, provider: &ProviderId, renter: u64) {
    let at = noon().plus(-86_400 * 10);
    let mut known = Contract::default();
    for event in completed(contract, provider.as_str(), &format!("r{renter}"), at) {
        let event: MarketplaceEvent = serde_json::from_value(event).unwrap();
        known.join(event.time, &event.happened);
    }
    let mut delta = ContractDelta::default();
    Contract::default().difference(&known, &mut delta);
    table.write_contract(&contract.parse().unwrap(), &known, 0, &delta).await.unwrap();
}

async fn candidates(table: &Table) -> Vec<Candidate> {
    table.candidates(OTHER, None, 1000).await.unwrap()
}

/// The command, as an operator starts it.
struct Operator {
    environment: BTreeMap<String, String>,
    policy: String,
}

impl Operator {
    fn of(environment: BTreeMap<String, String>, policy: &Path) -> Self {
        Self { environment, policy: format!("@{}", policy.display()) }
    }

    fn start(&self, command: &str, more: &[&str]) -> Child {
        Command::new(function::binary("rescore").unwrap())
            .env_clear()
            .envs(&self.environment)
            .args([command, "--policy", &self.policy])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Whether it has done all, and what it printed and said.
    async fn run(&self, command: &str, more: &[&str]) -> (bool, String, String) {
        let child = self.start(command, more);
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
        let Output { status, stdout, stderr } = ended.await.unwrap();
        (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_goes_on_and_comes_to_the_same_candidates() {
    let directory = tempfile::tempdir().unwrap();
    let (file, policy) = other(directory.path(), 400);
    let services = Services::start(json!({}), BusHealth::Up).await.unwrap();
    let table = services.table().unwrap();
    providers(&table, 180).await;
    let operator = Operator::of(services.environment("score").unwrap(), &file);

    let mut killed = operator.start("compute", &["--per-second", "50"]);
    let started = Instant::now();
    let done = async || table.run(RunKind::Compute, OTHER).await.unwrap().map_or(0, |run| run.value.done);
    while done().await == 0 {
        assert!(started.elapsed() < DEADLINE && killed.try_wait().unwrap().is_none(), "nothing is done");
        sleep(Duration::from_millis(10)).await;
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let (run, before) =
        (table.run(RunKind::Compute, OTHER).await.unwrap().unwrap().value, candidates(&table).await);
    assert!(!run.is_finished() && (100..180).contains(&before.len()), "{} of 180", before.len());
    assert!(!operator.run("compare", &[]).await.0, "not before all are done");

    let (all, _, said) = operator.run("compute", &[]).await;
    assert!(all && said.contains("going on: 100 are done") && said.contains("all 180 are done"), "{said}");
    let after = candidates(&table).await;
    assert_eq!(after.len(), 180);
    for candidate in &after {
        let anew = score::preview(&table, &policy, &candidate.provider, run.as_of).await.unwrap();
        assert_eq!(*candidate, Candidate::of(&anew));
    }
    assert!(before.iter().all(|candidate| after.contains(candidate)));
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_are_the_same_however_often_they_are_computed_and_serve_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (_, policy) = other(directory.path(), 400);
    let services = Services::start(json!({}), BusHealth::Up).await.unwrap();
    let table = services.table().unwrap();
    providers(&table, 30).await;
    let served = async || {
        let mut served = Vec::new();
        for number in 0..30 {
            served.push((
                table.summary(&id(number)).await.unwrap(),
                table.history(&id(number), None, 10).await.unwrap(),
                table.signals(&id(number), noon().day()).await.unwrap(),
            ));
        }
        served
    };
    let (before, mut made) = (served().await, Vec::new());
    for _ in 0..3 {
        let outcome = rescore::compute(&table, &policy, limits(FAST, noon), |_| {}).await.unwrap();
        assert_eq!((outcome.done, outcome.failed), (30, vec![]));
        made.push(candidates(&table).await);
    }
    assert!(made[0] == made[1] && made[1] == made[2]);
    assert_eq!(made[0].iter().filter(|candidate| candidate.score.is_some()).count(), 22);
    assert!(made[0].iter().flat_map(|candidate| &candidate.score).all(|score| score.policy == OTHER));
    assert_eq!(served().await, before);

    let report = rescore::compare(&table, &policy).await.unwrap().report(3).to_string();
    assert!(
        report.contains("providers   30 compared\n") && report.contains("22 have one by both"),
        "{report}"
    );
    assert!(report.contains("p003  score"), "{report}");
    assert_eq!(rescore::drop_candidates(&table, OTHER, limits(FAST, noon).per_second).await.unwrap(), 30);
    assert_eq!(candidates(&table).await, []);
    let dropped = rescore::switch(&table, &policy, limits(FAST, noon), |_| {}).await;
    assert!(matches!(dropped, Err(RescoreError::NotComputed(_))), "{dropped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fails_is_named_and_tried_again_and_the_others_are_done() {
    let directory = tempfile::tempdir().unwrap();
    let (_, policy) = other(directory.path(), 400);
    let services = Services::start(json!({}), BusHealth::Up).await.unwrap();
    let table = services.table().unwrap();
    providers(&table, 12).await;
    let damage = Unreadable::at(&services, "provider#p007", "signal#2026-11-19#x");
    damage.write().await;
    let mut named = Vec::new();
    let compute = async |named: &mut Vec<String>| {
        let tell = |news: News<'_>| {
            if let News::Failed(provider, error) = news {
                named.push(format!("{provider}: {error}"));
            }
        };
        rescore::compute(&table, &policy, limits(FAST, noon), tell).await.unwrap()
    };
    let outcome = compute(&mut named).await;
    assert_eq!((outcome.done, outcome.failed), (11, vec![id(7)]));
    assert!(
        named.len() == 1 && named[0].starts_with("p007: the item signal#2026-11-19#x can not be read"),
        "{named:?}"
    );
    assert!(matches!(rescore::compare(&table, &policy).await, Err(RescoreError::NotComputed(_))));

    damage.mend().await;
    let outcome = compute(&mut named).await;
    assert_eq!((outcome.done, outcome.failed.len(), named.len()), (12, 0, 1));
    assert_eq!(candidates(&table).await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_and_two_policies_of_one_version_are_found_out() {
    let directory = tempfile::tempdir().unwrap();
    let (_, policy) = other(directory.path(), 400);
    let services = Services::start(json!({}), BusHealth::Up).await.unwrap();
    let table = services.table().unwrap();
    providers(&table, 30).await;
    let (started, second) = tokio::sync::oneshot::channel();
    let mut started = Some(started);
    let slow = rescore::compute(&table, &policy, limits(30, noon), |news| {
        if matches!(news, News::Started { .. }) {
            started.take().unwrap().send(()).unwrap();
        }
    });
    let fast = async {
        second.await.unwrap();
        rescore::compute(&table, &policy, limits(FAST, noon), |_| {}).await
    };
    let (slow, fast) = tokio::join!(slow, fast);
    assert!(matches!(slow, Err(RescoreError::AnotherRun)), "{slow:?}");
    assert_eq!(fast.unwrap().done, 30);

    let (_, namesake) = other(directory.path(), 300);
    let confused = rescore::compute(&table, &namesake, limits(FAST, noon), |_| {}).await;
    assert!(matches!(confused, Err(RescoreError::OtherPolicy(_))), "{confused:?}");
    let confused = rescore::compare(&table, &namesake).await;
    assert!(matches!(confused, Err(RescoreError::OtherPolicy(_))), "{confused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_nobody_knows_keeps_the_functions_from_starting() {
    let services = Services::start(json!({}), BusHealth::Up).await.unwrap();
    let mut environment = services.environment("score").unwrap();
    assert_eq!(
        environment["SCORE_POLICY"],
        Policy::current().version,
        "the template's default is the newest"
    );
    environment.insert("SCORE_POLICY".to_owned(), "trust-score/99".to_owned());
    let refused = score::App::start(&Environment::from_pairs(environment)).await.unwrap_err().to_string();
    assert!(refused.starts_with("there is no policy trust-score/99; there is "), "{refused}");
}

#[test]
fn the_functions_that_score_or_warn_are_told_the_policy() {
    let parameters = BTreeMap::from([(template::ADDRESS.to_owned(), "http://127.0.0.1:9".to_owned())]);
    let wiring = template::read(TEMPLATE, &parameters).unwrap();
    let told = wiring.functions.iter().filter(|function| function.environment.contains_key("SCORE_POLICY"));
    let told: Vec<&str> = told.map(|function| function.binary.as_str()).collect();
    assert_eq!(told, ["chat-sweep", "score"]);
}

/// The stack on this directory, with a policy in force.
async fn deployed(directory: &Path, policy: &str) -> (Stack, Door, Table) {
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        storage: Storage::Directory(directory.to_owned()),
        secrets: stack::secrets().to_string(),
        parameters: BTreeMap::new(),
        keys: Keys::default(),
    };
    let stack = Stack::start(options.with_parameter("ScorePolicy", policy)).await.unwrap();
    let door = Door::at(stack.address());
    let table = Table::new(Clients::new(stack.environment()).unwrap().dynamodb(), "provider-trust-dev");
    (stack, door, table)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_computed_compared_deployed_and_switched_to_and_the_history_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (file, _) = other(directory.path(), 400);
    let (stack, door, table) = deployed(directory.path(), &Policy::current().version).await;
    let mut events = vec![registered("good", 1), registered("poor", 2), registered("fresh", 9)];
    for index in 0..12 {
        events.extend(completed(&format!("g{index}"), "good", &format!("r{index}"), ago(60 * 24 * 20)));
        let (contract, at) = (format!("p{index}"), ago(60 * 24 * 20));
        events.push(requested(&contract, "poor", &format!("r{index}"), at));
        let accepted = json!({ "contract_id": contract, "by": "provider" });
        events.push(stack::event("contract.accepted", at.plus(600), accepted));
        let failed = json!({ "contract_id": contract });
        events.push(stack::event("contract.provisioning-failed", at.plus(1200), failed));
    }
    events.extend(completed("p-good", "poor", "r1", ago(60 * 24 * 19)));
    door.told(&events).await;
    door.settled().await;
    // Yesterday's last summary, and one of today.
    let now = clock::now();
    for provider in ["good", "poor", "fresh"] {
        let (provider, nothing) = (provider.parse().unwrap(), Changed::default());
        for at in [now.day().start().plus(-1), now] {
            // The stack makes summaries, too.
            while let Err(TableError::Conflict) =
                score::summarise_now(&table, Policy::current(), &provider, &nothing, at).await
            {}
        }
    }
    let before = door.json("/v1/providers/good/score").await;

    let environment = |stack: &Stack| {
        let names = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_DYNAMODB"];
        let value = |name: &str| stack.environment().optional(name).unwrap().to_owned();
        let pairs = names.map(|name| (name.to_owned(), value(name)));
        pairs.into_iter().chain([("TABLE_NAME".to_owned(), "provider-trust-dev".to_owned())]).collect()
    };
    let operator = Operator::of(environment(&stack), &file);
    let (all, _, said) = operator.run("compute", &[]).await;
    assert!(all && said.contains("all 3 are done"), "{said}");
    let (all, printed, said) = operator.run("compare", &["--most", "1"]).await;
    assert!(all, "{said}");
    assert!(printed.contains("who would gain most points\n  good  score"), "{printed}");
    assert!(printed.contains("who would lose most points\n  poor  score"), "{printed}");
    // Both stand side by side, and the one in force is served.
    let candidate = table.candidate(OTHER, &"good".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(door.json("/v1/providers/good/score").await, before);
    assert_eq!(before["score"]["policy"], "trust-score/1");
    stack.shutdown().await;

    let (stack, door, table) = deployed(directory.path(), &format!("@{}", file.display())).await;
    let operator = Operator::of(environment(&stack), &file);
    let (all, _, said) = operator.run("switch", &["--per-second", "1000"]).await;
    assert!(all && said.contains("all 3 are done"), "{said}");
    door.settled().await;
    let after = door.json("/v1/providers/good/score").await;
    assert_eq!(after["score"]["policy"], OTHER);
    let promised = candidate.score.unwrap().points.value();
    assert!((after["score"]["value"].as_f64().unwrap() - promised).abs() < 0.1, "{promised} {after}");
    let history = door.json("/v1/providers/good/score/history").await;
    let [today, yesterday] = &history["items"].as_array().unwrap()[..2] else { panic!("{history}") };
    assert_eq!((&today["policy"], &yesterday["policy"]), (&json!(OTHER), &json!("trust-score/1")));
    assert_eq!(today["jump"]["cause"], "policy-changed", "{today}");

    // What comes later is scored by it, too.
    door.told(&completed("g99", "good", "r99", ago(60 * 24 * 5))).await;
    door.settled().await;
    assert_eq!(door.json("/v1/providers/good/score").await["score"]["policy"], OTHER);
    let (all, _, said) = operator.run("drop", &[]).await;
    assert!(all && said.contains("3 candidates deleted"), "{said}");
    assert_eq!(candidates(&table).await, []);
}
