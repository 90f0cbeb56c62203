//! Claims: a machine is handed over, its renter measures it by his link, and what was claimed of it is judged for everybody to see.

mod gate;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use end_to_end::{
    samples::FEEDBACK_SECRET,
    services::{BusHealth, Services},
};
use lambda::Environment;
use lambda_http::{Body, RequestExt, http};
use serde_json::{Value, json};
use table::Table;
use trust::{
    claims::measured::{ClaimCount, Machine},
    feedback::Standing,
    time::Moment,
};

use self::gate::Gate;
use crate::{
    stack::{ago, event, in_memory, queued, registered},
    unreadable::Unreadable,
};

const DAY: i64 = 86_400;

/// What an offering claims that the machine of [`run`] keeps.
fn kept() -> Value {
    json!({
        "vcpus": 2, "memory_mib": 4096, "disk_gb": 40, "disk_kind": "ssd", "network_mbit_per_second": 1000,
        "virtualisation": "kvm", "country": "DE", "asn": 64500,
    })
}

/// What `yabs.sh` sends from a machine with so much memory, in an autonomous system, begun at a moment.
fn run(kib: u64, asn: u32, begun: Moment) -> String {
    json!({
        "version": "v2026-07-03", "time": "20260801-101112", "os": { "arch": "x64", "vm": "KVM" },
        "net": { "ipv4": true, "ipv6": false },
        "cpu": { "model": "AMD EPYC-Rome Processor", "cores": 2, "freq": "2445.404 MHz", "aes": true, "virt": false },
        "mem": { "ram": kib, "ram_units": "KiB", "swap": 0, "disk": 39_250_496, "disk_units": "KB" },
        "ip_info": { "protocol": "IPv4", "isp": "Example ISP", "asn": format!("AS{asn} Example"), "org": "Secret Org",
            "city": "Frankfurt am Main", "region": "Hesse", "region_code": "HE", "country": "Germany" },
        "partition": "/dev/vda1",
        "fio": [{ "bs": "4k", "speed_r": 115_012, "iops_r": 28_753, "speed_w": 115_320, "iops_w": 28_830,
            "speed_rw": 230_332, "iops_rw": 57_583, "speed_units": "KBps" }],
        "iperf": [{ "mode": "IPv4", "provider": "Clouvider", "loc": "London, UK (10G)", "send": "940 Mbits/sec",
            "recv": "busy ", "latency": "17.8 ms" }],
        "runtime": { "start": begun.unix(), "end": begun.plus(128).unix(), "elapsed": 128 },
    })
    .to_string()
}

const WHOLE: u64 = 4_015_920;
const HALF: u64 = 2_007_960;

struct World {
    services: Services,
    table: Table,
    lifecycle: lifecycle::App,
    yabs: yabs::App,
    /// Between `yabs` and the table.
    gate: Arc<Gate>,
    told: AtomicU64,
}

impl World {
    async fn start() -> Self {
        let secrets = json!({ "feedback": [FEEDBACK_SECRET, "what-links-were-made-with"] });
        let services = Services::start(secrets, BusHealth::Up).await.unwrap();
        let environment = |name| Environment::from_pairs(services.environment(name).unwrap());
        let (behind_gate, gate) = Gate::before(&environment("yabs")).await;
        Self {
            table: services.table().unwrap(),
            lifecycle: lifecycle::App::start(&environment("lifecycle")).await.unwrap(),
            yabs: yabs::App::start(&behind_gate).await.unwrap(),
            gate,
            services,
            told: AtomicU64::default(),
        }
    }

    async fn tell(&self, events: &[Value]) {
        let events: Vec<(&str, &Value)> =
            events.iter().map(|event| (event["type"].as_str().unwrap(), event)).collect();
        let answer = lifecycle::handle(&self.lifecycle, queued("marketplace", &events)).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }

    /// A contract about `o1` that was handed over at this moment, told shuffled and twice.
    async fn handed_over(&self, contract: &str, renter: &str, price: u64, at: Moment) {
        let mut events = [
            requested(contract, renter, price, at.plus(-60)),
            event("contract.provisioned", at, json!({ "contract_id": contract })),
        ];
        events.rotate_left(self.told.fetch_add(1, Ordering::Relaxed) as usize % 2);
        self.tell(&events).await;
        self.tell(&events).await;
    }

    /// What the marketplace is asked to pass on about a contract. Told twice, it is the same.
    fn invited(&self, contract: &str) -> Value {
        let schema: Value =
            serde_json::from_str(include_str!("../../events/schemas/benchmark.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let entries = self.services.published().into_iter();
        let mut invitations: Vec<Value> = entries
            .filter(|entry| entry["DetailType"] == "benchmark.invited")
            .map(|mut entry| entry["Detail"].take())
            .filter(|invitation| invitation["contract"] == contract)
            .inspect(|invitation| schema.validate(invitation).unwrap())
            .collect();
        invitations.dedup();
        assert_eq!(invitations.len(), 1, "{invitations:?}");
        invitations.remove(0)
    }

    /// Until when he who was invited last may measure.
    fn invited_until(&self, contract: &str) -> Value {
        let mut entries = self.services.published().clone().into_iter().filter(|entry| {
            entry["DetailType"] == "benchmark.invited" && entry["Detail"]["contract"] == contract
        });
        entries.next_back().unwrap()["Detail"]["expires_at"].clone()
    }

    fn link(&self, contract: &str) -> String {
        let link = self.invited(contract)["link"].as_str().unwrap().to_owned();
        link.strip_prefix("http://127.0.0.1:9").unwrap().to_owned()
    }

    async fn send(&self, link: &str, body: &str, now: Moment) -> (u16, Value) {
        let (path, query) = link.split_once('?').unwrap_or((link, ""));
        let parameters: std::collections::HashMap<String, String> = query
            .split_once('=')
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let request =
            http::Request::builder().method("POST").uri(link).header("content-type", "application/json");
        let request = request
            .body(Body::Text(body.to_owned()))
            .unwrap()
            .with_raw_http_path(path)
            .with_query_string_parameters(parameters);
        let response = yabs::answer_at(&self.yabs, &request, now).await;
        assert_eq!(response.headers()["cache-control"], "no-store");
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    /// The machines that are counted, by what they turned out to be.
    async fn machines(&self) -> Vec<(Machine, u64)> {
        let today = lambda::clock::now().day();
        let days =
            self.table.signal_days(&"p1".parse().unwrap(), today.minus(400), today.next()).await.unwrap();
        let mut all = std::collections::BTreeMap::new();
        for (class, n) in days.claims.into_values().flatten() {
            if let ClaimCount::Machine(machine) = class {
                *all.entry(machine).or_default() += n;
            }
        }
        all.into_iter().collect()
    }
}

/// A link to measure by, as it is in an invitation.
fn link_of(contract: &str, renter: &str) -> String {
    let expires = lambda::clock::now().plus(DAY);
    let (purpose, renter) = (trust::link::Purpose::Benchmark, renter.parse().unwrap());
    let link = trust::link::Link::new(purpose, contract.parse().unwrap(), &renter, expires);
    format!("/v1/contracts/{contract}/yabs?token={}", link.seal(FEEDBACK_SECRET).unwrap().expose())
}

fn requested(contract: &str, renter: &str, price: u64, at: Moment) -> Value {
    let data = json!({
        "contract_id": contract, "provider_id": "p1", "renter_id": renter, "offering_id": "o1",
        "term_seconds": 864_000, "price": { "minor_units": price, "currency": "EUR" },
    });
    event("contract.requested", at, data)
}

fn offered(claim: &Value, at: Moment) -> Value {
    let data = json!({ "provider_id": "p1", "offering_id": "o1", "name": "VPS 2", "specification": claim });
    event("offering.published", at, data)
}

fn machine(held: u8, contradicted: u8, standing: Standing) -> Machine {
    Machine { held, contradicted, standing }
}

fn kind(problem: &Value) -> &str {
    problem["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renter_measures_his_machine_and_it_counts_once_however_often_it_is_sent() {
    let (world, now) = (World::start().await, lambda::clock::now());
    world.tell(&[offered(&kept(), now.plus(-9 * DAY))]).await;
    world.handed_over("c1", "r1", 500, now.plus(-DAY)).await;
    let link = world.link("c1");
    let command = format!("curl -sL yabs.sh | bash -s -- -s \"http://127.0.0.1:9{link}\"");
    assert_eq!(world.invited("c1")["command"], command);

    let body = run(WHOLE, 64_500, now.plus(-600));
    let (status, answer) = world.send(&link, &body, now).await;
    assert_eq!((status, &answer["counts"]), (200, &json!("in full")), "{answer}");
    assert_eq!(answer["claims"]["memory"], "as claimed");
    assert_eq!(world.send(&link, &body, now.plus(9)).await.0, 200);
    // All that is claimed, each from its part of the run.
    assert_eq!(world.machines().await, [(machine(8, 0, Standing::Counted), 1)]);
    // A worse moment does not make a worse machine.
    world.send(&link, &run(HALF, 64_500, now.plus(-300)), now).await;
    assert_eq!(world.machines().await, [(machine(8, 0, Standing::Counted), 1)]);
    // Nothing is kept that tells where it is or whose.
    let seen = world.table.independent_of(&"p1".parse().unwrap()).await.unwrap().evidence;
    let kept = serde_json::to_string(&seen.values().collect::<Vec<_>>()).unwrap();
    assert!(kept.contains("memory") && !kept.contains("Frankfurt") && !kept.contains("Secret Org"), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_claimed_when_it_was_rented_counts_whatever_is_claimed_since_and_whenever_it_is_heard_of() {
    let (world, now) = (World::start().await, lambda::clock::now());
    // The provider lowers his claim after it was rented, which is heard of first.
    let lower =
        json!({ "vcpus": 2, "memory_mib": 2048, "virtualisation": "kvm", "disk_gb": 40, "country": "DE" });
    world.tell(&[offered(&lower, now.plus(-3600))]).await;
    world.handed_over("c1", "r1", 500, now.plus(-DAY)).await;
    let link = world.link("c1");
    world.send(&link, &run(HALF, 64_500, now.plus(-600)), now).await;
    assert_eq!(
        world.machines().await,
        [(machine(0, 0, Standing::Counted), 1)],
        "nothing is known to be claimed"
    );
    // What he claimed before is heard of late.
    world.tell(&[offered(&kept(), now.plus(-9 * DAY))]).await;
    let broken = [(machine(7, 1, Standing::Counted), 1)];
    assert_eq!(world.machines().await, broken);
    world.tell(&[offered(&lower, now.plus(-60))]).await;
    assert_eq!(world.machines().await, broken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_heard_of_late_judges_all_who_have_measured_since_it_was_made() {
    let (world, now) = (World::start().await, lambda::clock::now());
    let at = now.plus(-DAY);
    // More than are kept with the offering, and one who does not count.
    let renters: Vec<(String, u64)> = (0..32).map(|number| (format!("r{number}"), number.min(1))).collect();
    for (renter, price) in &renters {
        let contract = format!("c-{renter}");
        let there = event("contract.provisioned", at, json!({ "contract_id": contract }));
        world.tell(&[requested(&contract, renter, *price, at.plus(-60)), there]).await;
        let body = run(WHOLE, 64_500, now.plus(-600));
        assert_eq!(world.send(&link_of(&contract, renter), &body, now).await.0, 200);
    }
    let all = |held| [(machine(held, 0, Standing::Counted), 31), (machine(held, 0, Standing::Free), 1)];
    assert_eq!(world.machines().await, all(0));
    // What can not be read of one of them keeps nobody else's from being decided.
    Unreadable::at(&world.services, "claims#p1", "renter#r0-unreadable").write().await;
    world.tell(&[offered(&kept(), at.plus(-59))]).await;
    assert_eq!(world.machines().await, all(0), "it was made after they had rented");
    world.tell(&[offered(&kept(), at.plus(-60))]).await;
    assert_eq!(world.machines().await, all(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_written_while_its_contract_ends_counts_by_how_it_ended() {
    let (world, now) = (World::start().await, lambda::clock::now());
    world.tell(&[offered(&kept(), now.plus(-9 * DAY))]).await;
    world.handed_over("c1", "r1", 500, now.plus(-1800)).await;
    let (link, body) = (world.link("c1"), run(WHOLE, 64_500, now.plus(-600)));
    let cancelled = [event("contract.cancelled", now, json!({ "contract_id": "c1", "by": "renter" }))];
    let ((status, answer), ()) =
        tokio::join!(world.send(&link, &body, now), world.gate.meanwhile(world.tell(&cancelled)));
    assert_eq!((status, &answer["counts"]), (200, &json!("not: the service was there for under an hour")));
    let counted = [(machine(8, 0, Standing::TooShort), 1)];
    assert_eq!(world.machines().await, counted);
    // Sent again it is decided once more, whenever that is; another is too late.
    let late = now.plus(3601);
    assert_eq!(world.send(&link, &body, late).await.0, 200);
    assert_eq!(world.send(&link, &run(WHOLE, 64_500, now.plus(-300)), late).await.0, 409);
    assert_eq!(world.machines().await, counted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_extended_counts_and_can_be_measured_for_as_long_as_it_then_goes_on() {
    let (world, now) = (World::start().await, lambda::clock::now());
    world.tell(&[offered(&kept(), now.plus(-9 * DAY))]).await;
    let (at, ends_at) = (now.plus(-1200), now.plus(14 * DAY));
    let longer = |contract: &str| {
        event("contract.extended", now, json!({ "contract_id": contract, "ends_at": ends_at }))
    };
    for (contract, early) in [("c1", Vec::new()), ("c2", vec![longer("c2")])] {
        let mut asked = requested(contract, contract, 500, at.plus(-60));
        asked["data"]["term_seconds"] = json!(1800);
        world.tell(&early).await;
        world.tell(&[asked, event("contract.provisioned", at, json!({ "contract_id": contract }))]).await;
        let body = run(WHOLE, 64_500, now.plus(-600));
        let (_, answer) = world.send(&link_of(contract, contract), &body, now).await;
        let short = "not: the service was there for under an hour";
        assert_eq!(answer["counts"], if early.is_empty() { short } else { "in full" });
        world.tell(&[longer(contract)]).await;
        assert_eq!(world.invited_until(contract), json!(at.plus(28 * DAY)), "a week later, by whole weeks");
    }
    assert_eq!(world.machines().await, [(machine(8, 0, Standing::Counted), 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_in_another_network_is_that_and_nothing_else_is_said_of_it() {
    let (world, now) = (World::start().await, lambda::clock::now());
    world.tell(&[offered(&kept(), now.plus(-9 * DAY))]).await;
    world.handed_over("c1", "r1", 500, now.plus(-DAY)).await;
    let (_, answer) = world.send(&world.link("c1"), &run(HALF, 64_501, now.plus(-600)), now).await;
    assert_eq!(answer["claims"], json!({ "asn": "not as claimed" }));
    assert_eq!(world.machines().await, [(machine(0, 1, Standing::Counted), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_free_or_over_at_once_or_comes_again_too_soon_is_shown_and_does_not_count() {
    let (world, now) = (World::start().await, lambda::clock::now());
    world.tell(&[offered(&kept(), now.plus(-9 * DAY))]).await;
    for (contract, renter, price) in
        [("c1", "r1", 500), ("c2", "r1", 500), ("c3", "r2", 0), ("c4", "r3", 500)]
    {
        world.handed_over(contract, renter, price, now.plus(-1800)).await;
        let body = run(WHOLE, 64_500, now.plus(-600));
        assert_eq!(world.send(&world.link(contract), &body, now).await.0, 200);
    }
    let held = |standing| machine(8, 0, standing);
    let both = [(held(Standing::Counted), 2), (held(Standing::Free), 1), (held(Standing::Repeated), 1)];
    assert_eq!(world.machines().await, both);
    // It was over within the hour, which is known later.
    world.tell(&[event("contract.cancelled", now, json!({ "contract_id": "c4", "by": "renter" }))]).await;
    let expected = [
        (held(Standing::Counted), 1),
        (held(Standing::Free), 1),
        (held(Standing::TooShort), 1),
        (held(Standing::Repeated), 1),
    ];
    assert_eq!(world.machines().await, expected);
    // The provider's own contract is not even invited.
    world.handed_over("c5", "p1", 500, now.plus(-1800)).await;
    let told = world.services.published().clone();
    assert!(
        !told
            .iter()
            .any(|entry| entry["DetailType"] == "benchmark.invited" && entry["Detail"]["contract"] == "c5")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_run_or_comes_by_no_link_of_ours_or_at_no_time_for_it_is_refused_and_changes_nothing() {
    let (world, now) = (World::start().await, lambda::clock::now());
    world.tell(&[offered(&kept(), now.plus(-9 * DAY))]).await;
    world.handed_over("c1", "r1", 500, now.plus(-DAY)).await;
    world.handed_over("c2", "r1", 500, now.plus(-DAY)).await;
    let (link, body) = (world.link("c1"), run(WHOLE, 64_500, now.plus(-600)));
    let elsewhere = link.replacen("c1", "c2", 1);
    let bare = link.split_once('?').unwrap().0.to_owned();
    let large = format!("{}{body}", " ".repeat(64 * 1024));
    let feedback = trust::link::Link::new(
        trust::link::Purpose::Feedback,
        "c1".parse().unwrap(),
        &"r1".parse().unwrap(),
        now.plus(DAY),
    );
    let feedback = format!("{bare}?token={}", feedback.seal(FEEDBACK_SECRET).unwrap().expose());
    let other = trust::link::Link::new(
        trust::link::Purpose::Benchmark,
        "c1".parse().unwrap(),
        &"r2".parse().unwrap(),
        now.plus(DAY),
    );
    let other = format!("{bare}?token={}", other.seal(FEEDBACK_SECRET).unwrap().expose());
    for (link, body, at, status, expected) in [
        (&elsewhere, body.as_str(), now, 404, "unknown-link"),
        (&bare, body.as_str(), now, 404, "unknown-link"),
        (&feedback, body.as_str(), now, 404, "unknown-link"),
        (&other, body.as_str(), now, 404, "unknown-link"),
        (&link, "<html>", now, 400, "invalid-body"),
        (&link, "{}", now, 422, "not-a-benchmark"),
        (&link, large.as_str(), now, 413, "body-too-large"),
        (&link, body.as_str(), now.plus(60 * DAY), 410, "link-expired"),
    ] {
        let (found, problem) = world.send(link, body, at).await;
        assert_eq!((found, kind(&problem)), (status, expected), "{problem}");
    }
    world.tell(&[event("contract.cancelled", now, json!({ "contract_id": "c1", "by": "renter" }))]).await;
    let (status, problem) = world.send(&link, &body, now.plus(3601)).await;
    assert_eq!((status, kind(&problem)), (409, "contract-ended"));
    assert_eq!(world.machines().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_a_run_becomes_verdicts_a_score_and_a_table_on_the_page() {
    let (stack, door) = in_memory().await;
    let at = ago(60 * 24);
    let claim = json!({
        "vcpus": 2, "memory_mib": 8192, "disk_gb": 40, "virtualisation": "kvm", "cpu_model": "AMD EPYC 9354P",
        "country": "DE", "asn": 64500,
    });
    door.told(&[
        registered("p1", 1),
        offered(&claim, at.plus(-DAY)),
        requested("c0", "r0", 500, at.plus(-20 * DAY)),
    ])
    .await;
    door.told(&crate::stack::completed("c9", "p1", "r9", ago(60 * 24 * 3))).await;
    door.told(&[
        requested("c1", "r1", 500, at),
        event("contract.provisioned", at, json!({ "contract_id": "c1" })),
    ])
    .await;
    door.settled().await;
    let expires = lambda::clock::now().plus(DAY);
    let link = trust::link::Link::new(
        trust::link::Purpose::Benchmark,
        "c1".parse().unwrap(),
        &"r1".parse().unwrap(),
        expires,
    );
    let link =
        format!("{}/v1/contracts/c1/yabs?token={}", door.base, link.seal(FEEDBACK_SECRET).unwrap().expose());
    let body = run(WHOLE, 64_500, lambda::clock::now().plus(-600));
    let sent =
        door.client.post(&link).header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(sent.status(), 200, "{}", sent.text().await.unwrap());
    door.settled().await;

    let claims = door.json("/v1/providers/p1/claims").await;
    assert_eq!(claims["machines"]["contradicted"]["count"], 1, "{claims}");
    let judged = claims["offerings"][0]["claims"].as_array().unwrap();
    let verdict = |property: &str| {
        judged
            .iter()
            .find(|judged| judged["property"] == property)
            .map(|judged| judged["verdict"].as_str().unwrap())
    };
    assert_eq!(verdict("vcpus"), Some("verified"));
    assert_eq!(verdict("memory"), Some("contradicted"));
    // The hypervisor masks the name.
    assert_eq!(verdict("cpu_model"), Some("plausible"));
    assert_eq!(verdict("disk_speed"), None, "it is not claimed");
    assert!(!claims.to_string().contains("\"r1\""));
    let networks = json!({ "named_after_provider": 0, "otherwise_named": 1, "unnamed": 0 });
    assert_eq!(claims["offerings"][0]["networks"], networks);
    let score = door.json("/v1/providers/p1/score?explain=true").await;
    let families = score["explain"]["families"].as_array().unwrap();
    let family = families.iter().find(|family| family["family"] == "claims").unwrap();
    assert_eq!(
        (&family["observations"], &family["costliest"][0]["kind"]),
        (&json!(1), &json!("not-as-claimed"))
    );

    let page = door.get("/providers/p1").await.text().await.unwrap();
    assert!(page.contains("Claims against evidence") && page.contains("VPS 2"), "{page}");
    assert!(
        page.contains("<strong class=\"bad\">contradicted</strong>") && page.contains("3.82 GiB"),
        "{page}"
    );
    assert!(page.contains("0 of 1 measured machines in a network that bears the provider's name"), "{page}");
    let first = door.get("/v1/providers/p1/claims").await;
    let tag = first.headers()["etag"].clone();
    let again = door.client.get(format!("{}/v1/providers/p1/claims", door.base)).header("if-none-match", tag);
    assert_eq!(again.send().await.unwrap().status(), 304);

    // It turns out that the network bears his name.
    let renamed = json!({ "provider_id": "p1", "name": "Example ISP", "chat": { "account": 1 } });
    door.told(&[event("provider.updated", ago(1), renamed)]).await;
    door.settled().await;
    let claims = door.json("/v1/providers/p1/claims").await;
    let networks = json!({ "named_after_provider": 1, "otherwise_named": 0, "unnamed": 0 });
    assert_eq!(claims["offerings"][0]["networks"], networks);
    drop(stack);
}
