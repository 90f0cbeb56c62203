//! What the API serves of all that: figures, outages, the log, and proofs that strangers believe.

use lambda::Environment;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};
use transparency::{
    Bundle, PublicKey, Published,
    claim::{Claim, Expected},
};
use trust::{
    policy::Policy,
    provider::Provider,
    time::{Day, Moment},
    uptime::{
        check::Check,
        configuration::Salt,
        facts::Watch,
        names::MonitorId,
        schedule::{Grid, Interval, Schedule},
        span::Span,
    },
};

use super::world::{DOWN, MINUTES_A_DAY, SEEDS, UP, World, panel, secrets};

/// Whole days before today.
const DAYS: i64 = 32;

/// Most that a page may read of one service beside the summary: a unit, in the measure of [`table::Consumed`].
const MOST_READ: u64 = 1000;

struct Served {
    world: World,
    api: scores_api::App,
}

impl Served {
    /// A monitor that is asked this often since so many days, and an API at which its provider is registered.
    async fn start(interval: u32) -> Self {
        let endpoint = json!({
            "name": "web", "check": { "kind": "tcp", "host": "127.0.0.1", "port": 9 }, "interval_seconds": interval,
        });
        let begun = lambda::clock::now().day().start().plus(-DAYS * 86_400);
        let world = World::start_with(secrets(&SEEDS[..1]), &endpoint, begun).await;
        let environment = Environment::from_pairs(world.services().environment("scores-api").unwrap());
        let api = scores_api::App::start(&environment).await.unwrap();
        let event = json!({
            "specversion": "1.0", "id": "0", "source": "/test", "type": "provider.registered", "time": begun,
            "data": { "provider_id": "p1", "name": "Provider one" },
        });
        let event: trust::marketplace::MarketplaceEvent = serde_json::from_value(event).unwrap();
        let mut known = Provider::default();
        known.join(begun, &event.happened);
        let provider = "p1".parse().unwrap();
        world.table().write_provider(&provider, &known, 0).await.unwrap();
        score::summarise_now(world.table(), Policy::current(), &provider, &score::Changed::default(), begun)
            .await
            .unwrap();
        Self { world, api }
    }

    /// Hours from one to another, of a monitor that is asked hourly.
    async fn see_hours(&self, hours: std::ops::Range<i64>, outcomes: &[trust::uptime::slot::Outcome]) {
        let interval = Interval::from_seconds(3600).unwrap();
        let minute = i64::from(Grid::of(&self.world.monitor, interval).phase() / 60);
        for hour in hours {
            self.world.see(hour * 60 + minute..hour * 60 + minute + 1, outcomes).await;
        }
    }

    /// Seals all days that are over, and appends them to the log.
    async fn seal(&self) {
        self.world.seal(DAYS * MINUTES_A_DAY + 120).await;
        self.world.append(DAYS * MINUTES_A_DAY + 121).await;
    }

    /// Another service of the provider, from so many days after the first on, that ended after so many more. Nobody asks it.
    async fn beside(&self, name: &str, shift: u32, from: i64, ended: Option<i64>) {
        let table = self.world.table();
        let known = table.monitor(&self.world.monitor).await.unwrap().unwrap().value;
        let checks: Vec<(Moment, Check)> =
            known.configurations.iter().map(|version| (version.since, version.check.clone())).collect();
        let begun = known.watch.schedule.running.iter().next().unwrap().from.plus(from * 86_400);
        let monitor: MonitorId = beside(name).parse().unwrap();
        let grid = known.watch.schedule.grid;
        let grid = Grid::new(grid.interval(), (grid.phase() + shift) % 60).unwrap();
        let schedule =
            |until| Schedule { grid, running: [Span { from: begun, until }].into_iter().collect() };
        let mut watch =
            Watch { name: name.parse().unwrap(), schedule: schedule(Moment::LATEST), ..known.watch };
        watch.service.monitor = monitor.clone();
        let added = table.add_monitor(watch.clone(), &checks, &panel(), || Salt([9; 16])).await.unwrap();
        if let Some(days) = ended {
            let ended = begun.plus(days * 86_400);
            let stored = table.monitor(&monitor).await.unwrap().unwrap();
            let mut monitor = added;
            let watch = Watch { ended: Some(ended), schedule: schedule(ended), ..watch };
            monitor.reconfigure(watch, &checks, &panel(), || Salt([8; 16]));
            table.write_monitor(&stored, &monitor).await.unwrap();
        }
    }

    /// Seals the days of a service beside, up to so many since the first.
    async fn seal_beside(&self, name: &str, days: i64) {
        let monitor: MonitorId = beside(name).parse().unwrap();
        let place = self.world.table().monitor(&monitor).await.unwrap().unwrap().value.place;
        let now = self.world.after(days * MINUTES_A_DAY + 120);
        uptime_seal::seal(self.world.app(), place.shard, now).await.unwrap();
    }

    async fn get(&self, path: &str) -> Response<Body> {
        let request = lambda_http::http::Request::get(format!("http://api.example{path}"));
        let request: Request = request.body(Body::Empty).unwrap();
        scores_api::handle(&self.api, request).await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        let answer = serde_json::from_slice(response.body()).unwrap();
        crate::document::check(path, &answer);
        answer
    }

    async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        String::from_utf8(response.body().to_vec()).unwrap()
    }

    async fn problem(&self, path: &str) -> (u16, String) {
        let response = self.get(path).await;
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        let kind = problem["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        (response.status().as_u16(), kind)
    }
}

/// The id of a service beside.
fn beside(name: &str) -> String {
    format!("beside-{name}")
}

fn yesterday() -> Day {
    lambda::clock::now().day().minus(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_outages_and_the_proof_say_the_same() {
    let served = Served::start(3600).await;
    served.see_hours(0..(DAYS - 3) * 24, UP).await;
    served.see_hours((DAYS - 3) * 24..(DAYS - 3) * 24 + 4, DOWN).await;
    served.see_hours((DAYS - 3) * 24 + 4..DAYS * 24, UP).await;
    served.seal().await;

    let uptime = served.json("/v1/providers/p1/uptime?days=30").await;
    let figure = &uptime["contractual"];
    assert_eq!(
        (&figure["up"], &figure["down"], &figure["n"], &figure["uptime_text"]),
        (&json!(716), &json!(4), &json!(720), &json!("99.44 %"))
    );
    assert_eq!(figure["down_by_reason"], json!({ "refused": 4 }));
    assert_eq!(uptime["interval"]["n_days"], 30);
    assert_eq!(uptime["monitors"][0]["slots_by_day"].as_array().unwrap().len(), 30);
    assert_eq!(uptime["slas"][0]["state"], "within");
    assert_eq!(uptime["slas"][0]["past"][0]["state"], "breached");
    assert!(!uptime.to_string().contains("127.0.0.1"), "the target is nobody's business");
    assert!(!uptime.to_string().contains("c1"), "nor is the contract");

    let outages = served.json("/v1/providers/p1/outages").await;
    let [incident] = outages["items"].as_array().unwrap().as_slice() else { panic!("{outages}") };
    assert_eq!((&incident["seconds"], &incident["is_open"]), (&json!(4 * 3600), &json!(false)));
    let service = &incident["services"][0];
    assert_eq!(service["monitor"]["name"], "web");
    assert_eq!(service["ended_by"], "recovered");
    assert_eq!(service["evidence"]["vantages"][0]["down"], 4);

    let response = served.get("/v1/providers/p1/proof?days=30").await;
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename="));
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert_eq!(
        service["evidence"]["proof"],
        format!("/v1/providers/p1/proof?days=7&monitor={}", served.world.monitor)
    );
    let keys: Vec<PublicKey> =
        served.text("/v1/log/keys").await.lines().map(|key| key.parse().unwrap()).collect();
    let bundle = Bundle::parse(&text).unwrap();
    let verified = bundle.verify(&keys).unwrap();
    let expected = Expected {
        days: std::num::NonZeroU32::new(30),
        until: Some(yesterday()),
        monitors: vec![served.world.monitor.clone()],
    };
    let claim = Claim::of(&verified, &expected).unwrap().to_string();
    assert!(claim.contains("99.44"), "{claim}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_ninety_days_and_stays_small() {
    let served = Served::start(3600).await;
    served.see_hours(0..DAYS * 24, UP).await;
    served.seal().await;
    let before = served.world.table().consumed();
    served.world.facts().await;
    let read = served.world.table().consumed().read - before.read;
    assert!((1..=MOST_READ).contains(&read), "what a page needs of a service cost {read}");
    let page = served.text("/providers/p1").await;
    assert_eq!(page.matches("not watched</title>").count(), 90 - DAYS as usize);
    assert!(page.contains("100.00 %"));
    assert!(page.len() < 60_000, "{} bytes", page.len());
    let proof = served.get("/providers/p1/proof").await;
    let policy = proof.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self'") && policy.contains("connect-src 'self'"), "{policy}");
    assert!(String::from_utf8_lossy(proof.body()).contains("verify-uptime"));
    for script in ["/assets/proof.js", "/assets/verify.js"] {
        let response = served.get(script).await;
        assert_eq!(response.headers()["content-type"], "text/javascript; charset=utf-8");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_that_ended_within_the_days_is_proven_to_have_ended() {
    let served = Served::start(3600).await;
    served.see_hours(0..20 * 24 + 5, UP).await;
    // The slot of the world is a minute, and the end lies within day 20.
    served.world.end(20 * MINUTES_A_DAY + 300).await;
    served.seal().await;
    let text = served.text("/v1/providers/p1/proof?days=30").await;
    let keys: Vec<PublicKey> =
        served.text("/v1/log/keys").await.lines().map(|key| key.parse().unwrap()).collect();
    let bundle = Bundle::parse(&text).unwrap();
    Claim::of(&bundle.verify(&keys).unwrap(), &Expected::default()).unwrap();
    assert_eq!(bundle.count() as i64, 30 - (DAYS - 21) + 1, "its days, and the record of its end");
    let uptime = served.json("/v1/providers/p1/uptime").await;
    assert!(uptime["monitors"][0]["ended"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn days_that_were_corrected_are_proven_as_they_are_right() {
    let served = Served::start(3600).await;
    served.see_hours(0..20 * 24 + 5, UP).await;
    served.seal().await;
    // The days after the end were sealed as unknown.
    let told = DAYS * MINUTES_A_DAY + 200;
    served.world.end_told(20 * MINUTES_A_DAY + 300, told).await;
    served.world.review(told + 1).await;
    served.world.append(told + 2).await;
    let text = served.text("/v1/providers/p1/proof?days=30").await;
    let keys: Vec<PublicKey> =
        served.text("/v1/log/keys").await.lines().map(|key| key.parse().unwrap()).collect();
    let bundle = Bundle::parse(&text).unwrap();
    let expected =
        Expected { days: std::num::NonZeroU32::new(30), until: Some(yesterday()), monitors: Vec::new() };
    let claim = Claim::of(&bundle.verify(&keys).unwrap(), &expected).unwrap();
    let tally = claim.tally();
    let uptime = served.json("/v1/providers/p1/uptime?days=30").await;
    let figure = &uptime["contractual"];
    assert_eq!((&figure["up"], &figure["unknown"]), (&json!(tally.up()), &json!(0)));
    assert_eq!((tally.expected(), tally.unknown()), (18 * 24 + 5, 0));
    assert!(claim.to_string().contains("12 corrected"), "{claim}");
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_came_went_and_lag_behind_are_proven_together() {
    let served = Served::start(3600).await;
    served.see_hours(0..DAYS * 24, UP).await;
    served.beside("gone", 0, 0, Some(20)).await;
    served.beside("new", 0, 25, None).await;
    served.beside("late", 30, 0, None).await;
    // Half a minute later is another shard, which is sealed for itself.
    served.seal_beside("late", DAYS - 1).await;
    served.seal().await;
    let text = served.text("/v1/providers/p1/proof?days=30").await;
    let keys: Vec<PublicKey> =
        served.text("/v1/log/keys").await.lines().map(|key| key.parse().unwrap()).collect();
    let bundle = Bundle::parse(&text).unwrap();
    let expected = Expected {
        days: std::num::NonZeroU32::new(30),
        until: Some(yesterday().minus(1)),
        monitors: ["gone", "new", "late"].map(|name| beside(name).parse().unwrap()).to_vec(),
    };
    Claim::of(&bundle.verify(&keys).unwrap(), &expected).unwrap();
    let alone = served.text(&format!("/v1/providers/p1/proof?days=7&monitor={}", beside("new"))).await;
    assert_eq!(Bundle::parse(&alone).unwrap().count(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_a_service_that_is_asked_each_minute_is_proven_in_less_than_64_kilobytes() {
    let served = Served::start(60).await;
    for day in 0..DAYS {
        let minute = |after: i64| day * MINUTES_A_DAY + after;
        for (from, to, outcomes) in [(0, 4, UP), (4, 6, DOWN), (6, 12, UP), (20, 24, DOWN), (24, 30, UP)] {
            served.world.see(minute(from)..minute(to), outcomes).await;
        }
    }
    served.seal().await;
    let text = served.text("/v1/providers/p1/proof?days=30").await;
    assert_eq!(Bundle::parse(&text).unwrap().count(), 30);
    assert!(text.len() < 64 * 1024, "{} bytes", text.len());
    let uptime = served.json("/v1/providers/p1/uptime").await;
    let figure = &uptime["contractual"];
    assert_eq!((&figure["uptime"], &figure["uptime_text"]), (&Value::Null, &Value::Null));
    assert!(figure["reason"].as_str().unwrap().starts_with("not enough data"), "{figure}");
    assert!(figure["bounds"]["most"]["share"].as_f64() < Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_served_as_its_specification_says() {
    let served = Served::start(3600).await;
    for path in ["/v1/log/checkpoint", "/v1/log/keys", "/v1/providers/p1/proof"] {
        assert_eq!(served.problem(path).await, (404, "no-log".to_owned()), "{path}");
    }
    served.world.append(1).await;
    assert_eq!(served.problem("/v1/providers/p1/proof").await, (404, "no-proof".to_owned()));
    served.seal().await;
    let checkpoint = served.get("/v1/log/checkpoint").await;
    assert_eq!(checkpoint.headers()["content-type"], "text/plain; charset=utf-8");
    let keys: Vec<PublicKey> =
        served.text("/v1/log/keys").await.lines().map(|key| key.parse().unwrap()).collect();
    let note = String::from_utf8(checkpoint.body().to_vec()).unwrap();
    let size = Published::open(&note, &keys).unwrap().head().size;
    let tile = served.get(&format!("/v1/log/tile/0/000.p/{size}")).await;
    assert_eq!(tile.status(), 200);
    assert_eq!(tile.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(tile.headers()["content-type"], "application/octet-stream");
    assert!(matches!(tile.body(), Body::Binary(bytes) if bytes.len() as u64 == 32 * size));
    let entries = served.get(&format!("/v1/log/tile/entries/000.p/{size}")).await;
    assert!(matches!(entries.body(), Body::Binary(_)), "text, too, is bytes here");
    for path in ["tile/0/000", "tile/0/0", "tile/9/x", "tile/0/000.p/256", "tile/0/../head"] {
        assert_eq!(
            served.problem(&format!("/v1/log/{path}")).await,
            (404, "no-such-tile".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_told_what_is_wrong() {
    let served = Served::start(3600).await;
    for (path, answer) in [
        ("/v1/providers/p1/uptime?days=31", (400, "bad-parameter")),
        ("/v1/providers/p1/uptime?days=", (400, "bad-parameter")),
        ("/v1/providers/p1/outages?cursor=zz", (400, "bad-parameter")),
        ("/v1/providers/p1/outages?cursor=aa", (400, "bad-parameter")),
        ("/v1/providers/p1/proof?monitor=none", (404, "unknown-monitor")),
        ("/v1/providers/nobody/uptime", (404, "unknown-provider")),
        ("/v1/providers/nobody/proof", (404, "unknown-provider")),
    ] {
        let (status, kind) = served.problem(path).await;
        assert_eq!((status, kind.as_str()), answer, "{path}");
    }
    assert_eq!(served.get("/providers/nobody/proof").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn outages_come_in_pages_newest_first() {
    let served = Served::start(3600).await;
    for day in 10..15 {
        served.see_hours(day * 24..day * 24 + 2, DOWN).await;
        served.see_hours(day * 24 + 2..day * 24 + 3, UP).await;
    }
    served.seal().await;
    let (mut starts, mut path) = (Vec::new(), "/v1/providers/p1/outages?limit=2".to_owned());
    loop {
        let page = served.json(&path).await;
        starts.extend(page["items"].as_array().unwrap().iter().map(|item| item["start"].to_string()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/providers/p1/outages?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(starts.len(), 5);
    assert!(starts.is_sorted_by(|one, other| one > other), "{starts:?}");
}
