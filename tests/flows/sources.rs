//! Independent sources: from the plan to what everybody sees of them, with sources that behave and sources that do not.

mod site;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use end_to_end::{
    samples,
    services::{BusHealth, Services},
};
use lambda::Environment;
use local_stack::{TEMPLATE, template};
use scrape::{
    Done, ScrapeError, Why,
    operator::{self, Decision},
};
use serde_json::{Value, json};
use sources::configuration::Configuration;
use table::Table;
use tokio::time::{Instant, sleep};
use trust::{
    claims::{self, Figure},
    marketplace::{Happened, Profile},
    provider::Provider,
    source::{
        PageId, SourceName, Subject,
        failure::Failure,
        mapping::{Mapping, Standing},
        state::Stop,
    },
    time::Moment,
};

use crate::{stack::in_memory_with, unreadable::Unreadable};
use site::{Says, Site, rates};

const DAY: i64 = 86_400;

/// The only source, at this site, with a page without a subject and, about each of its names that is a provider's, one more.
fn changes(site: &Site, more: &Value) -> String {
    let mut source = json!({
        "title": "A test", "home": "https://a.example/", "attribution": "From a test",
        "base": format!("http://{}", site.address),
        "pages": { "rates": { "path": "/rates", "reader": "frankfurter-rates" } },
    });
    for (key, value) in more.as_object().unwrap() {
        source[key] = value.clone();
    }
    let defaults = json!({ "delay_seconds": 1, "jitter_seconds": 0 });
    let built_in = Configuration::named("sources/1", None).unwrap().sources;
    let mut sources: Value = built_in.keys().map(|name| (name.to_string(), Value::Null)).collect();
    sources["a"] = source;
    json!({ "defaults": defaults, "sources": sources }).to_string()
}

fn id(page: &str, subject: Option<&str>) -> PageId {
    PageId {
        source: "a".parse().unwrap(),
        page: page.parse().unwrap(),
        subject: subject.map(|subject| subject.parse().unwrap()),
    }
}

/// Both functions around a table, with a clock that the test moves.
struct Reading {
    services: Services,
    table: Table,
    plan: scrape_plan::App,
    scrape: scrape::App,
    api: scores_api::App,
    now: AtomicI64,
}

impl Reading {
    async fn of(site: &Site) -> Self {
        Self::with(site, &json!({})).await
    }

    async fn with(site: &Site, more: &Value) -> Self {
        let parameters = BTreeMap::from([
            ("SourcesChanges".to_owned(), changes(site, more)),
            ("ProbeContact".to_owned(), "https://trust.example/bot".to_owned()),
        ]);
        let services = Services::start_with(samples::secrets(), BusHealth::Up, &parameters).await.unwrap();
        let reach = BTreeMap::from([("EGRESS_REACH".to_owned(), "loopback-too".to_owned())]);
        let of = |name: &str| Environment::from_pairs(services.environment(name).unwrap()).with(&reach);
        Self {
            table: services.table().unwrap(),
            plan: scrape_plan::App::start(&of("scrape-plan")).await.unwrap(),
            scrape: scrape::App::start(&of("scrape")).await.unwrap(),
            api: scores_api::App::start(&of("scores-api")).await.unwrap(),
            services,
            now: AtomicI64::new(lambda::clock::now().unix()),
        }
    }

    /// The same, with another configuration.
    async fn told(mut self, site: &Site, more: &Value) -> Self {
        let mut environment = self.services.environment("scrape").unwrap();
        environment.insert("SOURCES_CHANGES".to_owned(), changes(site, more));
        environment.insert("EGRESS_REACH".to_owned(), "loopback-too".to_owned());
        self.scrape = scrape::App::start(&Environment::from_pairs(environment)).await.unwrap();
        self
    }

    fn now(&self) -> Moment {
        Moment::from_unix(self.now.load(Ordering::Relaxed)).unwrap()
    }

    fn later(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// What is planned now, and how long each page is held back.
    async fn planned(&self) -> Vec<(String, u64)> {
        let before = self.services.sent().len();
        scrape_plan::plan(&self.plan, self.now()).await.unwrap();
        let page = |sent: &end_to_end::services::Sent| {
            let id: PageId = serde_json::from_str(&sent.body).unwrap();
            (id.to_string(), sent.delay.unwrap_or_default())
        };
        self.services.sent()[before..].iter().map(page).collect()
    }

    async fn once(&self, id: &PageId) -> Done {
        scrape::scrape(&self.scrape, id, &|| self.now()).await.unwrap()
    }

    /// Deals with a page until that is done, however often its message goes back into the queue.
    async fn read(&self, id: &PageId) -> Done {
        for _ in 0..5 {
            match self.once(id).await {
                Done::Later(wait) => self.later(i64::from(wait)),
                done => return done,
            }
        }
        panic!("{id} never comes to an end");
    }

    /// The source as everybody sees it.
    async fn seen(&self) -> Value {
        let request = lambda_http::http::Request::get("http://api.example/v1/sources");
        let request = request.body(lambda_http::Body::Empty).unwrap();
        let answer = scores_api::handle(&self.api, request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        crate::document::check("/v1/sources", &answer);
        answer["items"][0].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_plan_through_the_queue_to_what_everybody_sees() {
    let site = Site::open().await;
    site.rules(Says::Page("user-agent: *\ndisallow: /private\n".to_owned(), "\"r\""));
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let parameters = [
        ("SourcesChanges", changes(&site, &json!({}))),
        ("ProbeContact", "mailto:a@trust.example".to_owned()),
    ];
    let given: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (stack, door) = in_memory_with(&given).await;
    let known = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let known = known.chain([(template::ADDRESS.to_owned(), door.base.clone())]).collect();
    let wiring = template::read(TEMPLATE, &known).unwrap();
    let function = wiring.functions.iter().find(|function| function.binary == "scrape-plan").unwrap();
    let app = scrape_plan::App::start(&stack.environment().with(&function.environment)).await.unwrap();
    let planned = scrape_plan::handle(&app, json!({ "plan": "pages" })).await.unwrap();
    assert_eq!(planned, json!({ "planned": 1 }));

    let until = Instant::now() + Duration::from_mins(1);
    let source = loop {
        let source = door.json("/v1/sources").await["items"][0].clone();
        if !source["last_read"].is_null() {
            break source;
        }
        assert!(Instant::now() < until, "{source}");
        sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        (&source["id"], &source["status"], &source["because"]),
        (&json!("a"), &json!("reading"), &Value::Null)
    );
    assert_eq!(source["last_read"]["url"], format!("http://{}/rates", site.address));
    assert_eq!((&source["requests_today"], &source["last_failure"]), (&json!(2), &Value::Null));
    let asked = site.asked();
    let paths: Vec<&str> = asked.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/robots.txt", "/rates"]);
    for (_, headers) in &asked {
        let agent = headers["user-agent"].to_str().unwrap();
        assert!(
            agent.starts_with("ProviderTrustBot/") && agent.ends_with("(+mailto:a@trust.example)"),
            "{agent}"
        );
    }
    // What was read today is not read again.
    let planned = scrape_plan::handle(&app, json!({ "plan": "pages" })).await.unwrap();
    assert_eq!(planned, json!({ "planned": 0 }));
    let source = door.json("/v1/sources").await["items"][0].clone();
    assert_eq!((&source["pages"]["read"], &source["pages"]["understood"]), (&json!(1), &json!(1.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_contact_nobody_is_asked_and_everybody_sees_why() {
    let (_stack, door) = in_memory_with(&[]).await;
    let answer = door.json("/v1/sources").await;
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), Configuration::named("sources/1", None).unwrap().sources.len());
    assert!(items.iter().all(|source| source["status"] == "stopped"), "{items:?}");
    assert_eq!(items[0]["id"], "ecb");
    assert!(items[0]["because"].as_str().unwrap().contains("no contact"));
    let refused = door.get("/v1/sources?days=3").await;
    assert_eq!(
        (refused.status().as_u16(), refused.headers()["content-type"].to_str().unwrap()),
        (400, "application/problem+json")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_read_once_a_day_and_then_only_if_it_has_changed() {
    let site = Site::open().await;
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let reading = Reading::of(&site).await;
    let page = id("rates", None);
    assert_eq!(reading.planned().await, [("a/rates".to_owned(), 0)]);
    // One message, one request: first for the rules, then, after the source's pause, for the page.
    assert_eq!(reading.once(&page).await, Done::Later(1));
    assert_eq!(site.paths(), ["/robots.txt"]);
    assert_eq!(reading.once(&page).await, Done::Later(1));
    assert!(site.paths().is_empty());
    assert_eq!(reading.read(&page).await, Done::Read);
    assert_eq!(site.paths(), ["/rates"]);
    // The same message once more, and the same plan.
    assert_eq!((reading.read(&page).await, reading.planned().await), (Done::Dropped(Why::NotDue), vec![]));
    let facts = reading.table.page_facts(&page).await.unwrap().unwrap();
    assert!(facts.facts.contains("\"2026-09-28\""));

    reading.later(DAY);
    assert_eq!(reading.planned().await.len(), 1);
    // The rules are a day old, too.
    assert_eq!(reading.read(&page).await, Done::Unchanged);
    let asked = site.asked();
    assert_eq!((asked.len(), asked[1].1["if-none-match"].to_str().unwrap()), (2, "\"1\""));
    assert_eq!(reading.table.page_facts(&page).await.unwrap().unwrap(), facts);
    let known = reading.table.page_of(&page).await.unwrap().value.read.unwrap();
    assert!(known.at > known.changed_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_robots_txt_forbids_is_not_asked_for_and_without_an_answer_nothing_is() {
    for (rules, failure) in [
        (
            Says::Page("user-agent: providertrustbot\ndisallow: /rates".to_owned(), "\"r\""),
            Failure::Disallowed,
        ),
        (Says::Status(503, None), Failure::RobotsUnreachable),
        (Says::Status(429, Some("60")), Failure::RobotsUnreachable),
        (Says::Redirect("http://169.254.169.254/robots.txt"), Failure::RobotsUnreachable),
    ] {
        let site = Site::open().await;
        site.rules(rules);
        site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
        let reading = Reading::of(&site).await;
        assert_eq!(reading.read(&id("rates", None)).await, Done::Failed(failure.clone()));
        assert_eq!(site.paths(), ["/robots.txt"], "{failure}");
        assert_eq!(reading.seen().await["last_failure"]["reason"], failure.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_a_site_is_evidence_about_the_offering_that_an_operator_says_it_is_of() {
    let site = Site::open().await;
    let page = include_str!("../../shared/sources/tests/fixtures/vpsbenchmarks/yabs-table.html");
    site.says(Says::Page(page.to_owned(), "\"1\""));
    let slug = "hetzner-16c-31gb-20251125-8f0aa2";
    let reading = Reading::with(
        &site,
        &json!({
            "pages": { "run": { "path": "/yabs/{subject}", "reader": "vpsbenchmarks-yabs", "about": "offerings" } },
            "offerings": { slug: { "provider_id": "p1", "offering_id": "ax42" } },
        }),
    )
    .await;
    assert_eq!(reading.planned().await, [(format!("a/run/{slug}"), 0)]);
    assert_eq!(reading.read(&id("run", Some(slug))).await, Done::Read);
    let published = reading.table.independent_of(&"p1".parse().unwrap()).await.unwrap().published;
    let [table::Published { page, offering, said: evidence }] = &published[..] else {
        panic!("{published:?}")
    };
    assert_eq!((page, offering.as_str()), (&id("run", Some(slug)), "ax42"));
    assert!(evidence.iter().any(|seen| seen.figure == Figure::Vcpus(16)), "{evidence:?}");
    for seen in evidence {
        assert_eq!(seen.seen_on.to_string(), "2025-11-25");
        let url = format!("http://{}/yabs/{slug}", site.address);
        assert_eq!(seen.source, claims::Source::Upload { site: "a".to_owned(), url });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_has_not_changed_is_read_whole_once_more_when_its_name_becomes_another_providers() {
    let site = Site::open().await;
    let page = include_str!("../../shared/sources/tests/fixtures/vpsbenchmarks/yabs-table.html");
    site.says(Says::Page(page.to_owned(), "\"1\""));
    let more = json!({ "pages": { "run": { "path": "/yabs/{subject}", "reader": "vpsbenchmarks-yabs", "about": "providers" } } });
    let reading = Reading::with(&site, &more).await;
    let page = id("run", Some("hetzner-16c-31gb-20251125-8f0aa2"));
    let shown = async |provider: &str| {
        let rated = reading.table.independent_of(&provider.parse().unwrap()).await.unwrap().rated;
        rated.into_iter().map(|(_, said)| said.read_at).collect::<Vec<_>>()
    };
    let decided = async |provider: &str| {
        let name = page.subject.as_ref().unwrap();
        let before = reading.table.name_in(&page.source, name).await.unwrap();
        let mapping =
            Mapping { provider: provider.parse().unwrap(), standing: Standing::Confirmed, at: reading.now() };
        reading.table.write_name(&page.source, name, &mapping, before.as_ref()).await.unwrap();
    };
    decided("p1").await;
    assert_eq!(reading.read(&page).await, Done::Read);
    reading.later(DAY);
    assert_eq!(reading.read(&page).await, Done::Unchanged);
    // What is shown is as old as the last time the site said so.
    assert_eq!((shown("p1").await, shown("p2").await), (vec![reading.now()], vec![]));
    reading.later(60);
    decided("p2").await;
    reading.later(DAY);
    assert_eq!(reading.read(&page).await, Done::Read);
    assert_eq!(shown("p2").await, [reading.now()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rates_that_a_source_states_are_those_that_prices_are_compared_by() {
    let site = Site::open().await;
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let reading = Reading::of(&site).await;
    let known = || async { reading.table.rates(reading.now().day()).await.unwrap() };
    assert_eq!(known().await, None);
    assert_eq!(reading.read(&id("rates", None)).await, Done::Read);
    let rates = known().await.unwrap();
    assert_eq!((rates.day.to_string().as_str(), rates.source.as_str()), ("2026-09-28", "Frankfurter"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_best_is_read_only_while_the_best_can_not_be() {
    let site = Site::open().await;
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let page = |more: &Value| {
        let mut page =
            json!({ "path": "/of/{subject}", "reader": "frankfurter-rates", "about": { "these": ["x"] } });
        for (key, value) in more.as_object().unwrap() {
            page[key] = value.clone();
        }
        page
    };
    let more =
        json!({ "pages": { "best": page(&json!({})), "other": page(&json!({ "instead_of": "best" })) } });
    let reading = Reading::with(&site, &more).await;
    assert_eq!(reading.planned().await, [("a/best/x".to_owned(), 0)]);
    site.says(Says::Status(500, None));
    assert!(matches!(reading.read(&id("best", Some("x"))).await, Done::Failed(_)));
    let planned = reading.planned().await;
    assert!(planned.iter().any(|(page, _)| page == "a/other/x"), "{planned:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_delay_longer_than_ours_is_kept_to() {
    let site = Site::open().await;
    site.rules(Says::Page("user-agent: *\ncrawl-delay: 40\n".to_owned(), "\"r\""));
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let more = json!({ "names": { "x": "p1" }, "pages": {
        "rates": { "path": "/rates", "reader": "frankfurter-rates" },
        "of": { "path": "/of/{subject}", "reader": "frankfurter-rates", "about": "providers" },
    } });
    let reading = Reading::with(&site, &more).await;
    assert_eq!(reading.once(&id("rates", None)).await, Done::Later(40));
    reading.later(40);
    assert_eq!(reading.once(&id("rates", None)).await, Done::Read);
    assert_eq!(reading.once(&id("of", Some("x"))).await, Done::Later(40));
    assert_eq!(site.paths(), ["/robots.txt", "/rates"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_make_one_request_at_a_time() {
    let site = Site::open().await;
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let reading = Reading::of(&site).await;
    let page = id("rates", None);
    reading.once(&page).await;
    reading.later(1);
    let all = tokio::join!(reading.once(&page), reading.once(&page), reading.once(&page));
    let read = [&all.0, &all.1, &all.2].into_iter().filter(|done| **done == Done::Read).count();
    assert_eq!((read, site.paths()), (1, vec!["/robots.txt".to_owned(), "/rates".to_owned()]), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_meets_somebody_asking_comes_again_soon_and_not_when_the_turn_would_end_by_itself() {
    let site = Site::open().await;
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let reading = Reading::of(&site).await;
    let (page, host) = (id("rates", None), site.address.to_string());
    assert_eq!(reading.once(&page).await, Done::Later(1));
    reading.later(1);
    let stored = reading.table.turn(&host).await.unwrap();
    let somebodys = stored.value.taken(reading.now()).unwrap();
    reading.table.write_turn(&host, somebodys, stored.version).await.unwrap();
    assert_eq!(reading.once(&page).await, Done::Later(1));
    let given_back = somebodys.given_back(reading.now(), 1);
    reading.table.write_turn(&host, given_back, stored.version + 1).await.unwrap();
    reading.later(1);
    assert_eq!(reading.once(&page).await, Done::Read);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_can_not_be_dealt_with_does_not_keep_the_others_from_its_host() {
    let site = Site::open().await;
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let more = json!({ "pages": {
        "rates": { "path": "/rates", "reader": "frankfurter-rates" },
        "of": { "path": "/of/{subject}", "reader": "frankfurter-rates", "about": "providers" },
    } });
    let reading = Reading::with(&site, &more).await;
    let page = id("rates", None);
    assert_eq!(reading.once(&page).await, Done::Later(1));
    reading.later(1);
    Unreadable::at(&reading.services, "source#a", "name#acme").write().await;
    let damaged = scrape::scrape(&reading.scrape, &id("of", Some("acme")), &|| reading.now()).await;
    assert!(matches!(damaged, Err(ScrapeError::Table(_))), "{damaged:?}");
    assert_eq!(reading.once(&page).await, Done::Later(1), "as after any request");
    reading.later(1);
    assert_eq!(reading.once(&page).await, Done::Read);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_can_not_be_kept_is_not_asked_for_again_and_again() {
    let site = Site::open().await;
    let plan = json!({ "id": "a", "vcpu_count": 2, "ram": 4096, "disk": 80, "bandwidth": 4000, "monthly_cost": 20, "type": "vc2" });
    site.says(Says::Page(json!({ "plans": [plan] }).to_string(), "\"1\""));
    let more = json!({ "pages": { "plans": { "path": "/plans", "reader": "vultr-prices" } } });
    let reading = Reading::with(&site, &more).await;
    let damaged = Unreadable::at(&reading.services, "prices", "a");
    damaged.write().await;
    let page = id("plans", None);
    assert_eq!(reading.read(&page).await, Done::Failed(Failure::NotKept));
    let seen = reading.seen().await;
    assert_eq!((&seen["last_failure"]["reason"], &seen["requests_today"]), (&json!("not-kept"), &json!(2)));
    assert_eq!((reading.planned().await, reading.once(&page).await), (vec![], Done::Dropped(Why::NotDue)));
    damaged.mend().await;
    reading.later(1_800);
    assert_eq!(reading.read(&page).await, Done::Read);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_source_in_trouble_another_page_is_tried_when_one_has_no_rules() {
    let (site, other) = (Site::open().await, Site::open().await);
    let more = json!({ "pages": {
        "rates": { "path": "/rates", "reader": "frankfurter-rates" },
        "more": { "base": format!("http://{}", other.address), "path": "/more", "reader": "frankfurter-rates" },
    } });
    let reading = Reading::with(&site, &more).await;
    let [rates_page, more_page] = ["rates", "more"].map(|page| id(page, None));
    site.rules(Says::Status(503, None));
    other.rules(Says::Status(503, None));
    for _ in 0..2 {
        for page in [&rates_page, &more_page] {
            assert_eq!(reading.read(page).await, Done::Failed(Failure::RobotsUnreachable));
        }
        reading.later(7 * 3_600);
    }
    assert_eq!(reading.read(&rates_page).await, Done::Failed(Failure::RobotsUnreachable));
    assert_eq!(reading.read(&more_page).await, Done::Dropped(Why::Paused));
    // One of its two hosts is well again. Whether it is, the page that was tried longest ago finds out, which is at the other.
    site.rules(Says::Page(String::new(), "\"r\""));
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    reading.later(DAY);
    assert_eq!(reading.planned().await, [("a/more".to_owned(), 0)]);
    assert_eq!(reading.read(&more_page).await, Done::Failed(Failure::RobotsUnreachable));
    reading.later(DAY);
    assert_eq!(reading.planned().await, [("a/rates".to_owned(), 0)]);
    assert_eq!(reading.read(&rates_page).await, Done::Read);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_and_can_not_be_read_is_read_whole_from_the_page_once_more() {
    let site = Site::open().await;
    let page = include_str!("../../shared/sources/tests/fixtures/vpsbenchmarks/yabs-table.html");
    site.says(Says::Page(page.to_owned(), "\"1\""));
    let subject = "hetzner-16c-31gb-20251125-8f0aa2";
    let more = json!({
        "pages": { "run": { "path": "/yabs/{subject}", "reader": "vpsbenchmarks-yabs", "about": "offerings" } },
        "offerings": { subject: { "provider_id": "p1", "offering_id": "small" } },
    });
    let reading = Reading::with(&site, &more).await;
    let page = id("run", Some(subject));
    assert_eq!(reading.read(&page).await, Done::Read);
    Unreadable::at(&reading.services, "claims#p1", &format!("rated#a#run#{subject}")).write().await;
    reading.later(DAY);
    assert_eq!(reading.read(&page).await, Done::Failed(Failure::NotKept));
    assert_eq!(reading.planned().await, []);
    reading.later(1_800);
    assert_eq!(reading.read(&page).await, Done::Read);
    let shown = reading.table.independent_of(&"p1".parse().unwrap()).await.unwrap().rated;
    assert_eq!(shown.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_time_gets_it() {
    let site = Site::open().await;
    site.says(Says::Status(429, Some("7200")));
    let reading = Reading::of(&site).await;
    let page = id("rates", None);
    assert_eq!(reading.read(&page).await, Done::Failed(Failure::Throttled(Some(7200))));
    site.paths();
    reading.later(7_000);
    // By then it would be due by itself.
    assert_eq!((reading.planned().await, reading.once(&page).await), (vec![], Done::Dropped(Why::NotDue)));
    reading.later(201);
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    assert_eq!(reading.read(&page).await, Done::Read);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_in_trouble_is_left_alone_and_what_it_said_stays_and_gets_old() {
    let site = Site::open().await;
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let reading = Reading::of(&site).await;
    let page = id("rates", None);
    assert_eq!(reading.read(&page).await, Done::Read);
    let facts = reading.table.page_facts(&page).await.unwrap();
    site.says(Says::Status(500, None));
    let mut failures = 0;
    let begun = reading.now();
    while reading.now() < begun.plus(4 * DAY) && failures < 5 {
        reading.later(1_800);
        if !reading.planned().await.is_empty() {
            assert_eq!(reading.read(&page).await, Done::Failed(Failure::Status(500)));
            failures += 1;
        }
    }
    assert_eq!(failures, 5);
    let state = reading.table.source_state(&page.source).await.unwrap().value;
    assert_eq!(state.breaker.open_until(reading.now()), Some(reading.now().plus(3_600)));
    assert_eq!(reading.table.page_facts(&page).await.unwrap(), facts);
    site.paths();
    reading.later(1_800);
    assert_eq!((reading.planned().await, site.paths()), (vec![], vec![]));
    // A message that was still in the queue changes nothing.
    assert_eq!(reading.once(&page).await, Done::Dropped(Why::Paused));

    // It recovers: one page finds that out.
    site.says(Says::Page(rates("2026-10-02", 20), "\"2\""));
    reading.later(DAY);
    assert_eq!(reading.planned().await.len(), 1);
    assert_eq!(reading.read(&page).await, Done::Read);
    let seen = reading.seen().await;
    assert_eq!((&seen["status"], &seen["last_failure"]["reason"]), (&json!("reading"), &json!("status")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_huge_strange_or_lead_away_are_named_and_take_nothing_away() {
    let site = Site::open().await;
    let reading = Reading::of(&site).await;
    let page = id("rates", None);
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    assert_eq!(reading.read(&page).await, Done::Read);
    let facts = reading.table.page_facts(&page).await.unwrap();
    for (says, reason) in [
        (Says::Bytes(50_000_000), "too-large"),
        (Says::Redirect("http://10.0.0.1/rates"), "redirected"),
        (Says::Page("<html>Are you human?</html>".to_owned(), "\"h\""), "unrecognised"),
        // Half of the currencies are gone.
        (Says::Page(rates("2026-09-29", 10), "\"2\""), "unrecognised or drifted"),
        (Says::Status(404, None), "missing"),
    ] {
        site.says(says.clone());
        reading.later(8 * DAY);
        let Done::Failed(failure) = reading.read(&page).await else { panic!("{says:?}") };
        assert!(reason.contains(failure.name()), "{failure}: {reason}");
        let seen = reading.seen().await;
        assert_eq!(seen["last_failure"]["reason"], failure.name());
        assert_eq!(reading.table.page_facts(&page).await.unwrap(), facts);
    }
    reading.planned().await;
    let seen = reading.seen().await;
    assert_eq!((&seen["pages"]["failing"], &seen["pages"]["stale"]), (&json!(1), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_stops_a_source_at_once_and_everybody_reads_why() {
    let site = Site::open().await;
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let reading = Reading::of(&site).await;
    let page = id("rates", None);
    reading.once(&page).await;
    let stop = Stop { at: reading.now(), because: "they asked us to".to_owned() };
    reading.table.stop_source(&page.source, &stop).await.unwrap();
    reading.later(10);
    assert_eq!((reading.once(&page).await, reading.planned().await), (Done::Dropped(Why::Stopped), vec![]));
    assert_eq!(site.paths(), ["/robots.txt"]);
    let seen = reading.seen().await;
    assert_eq!((&seen["status"], &seen["because"]), (&json!("stopped"), &json!("they asked us to")));
    reading.table.resume_source(&page.source).await.unwrap();
    assert_eq!(reading.read(&page).await, Done::Read);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_budget_is_kept_to_and_the_rest_goes_on_the_next_day() {
    let site = Site::open().await;
    site.says(Says::Page(rates("2026-09-28", 20), "\"1\""));
    let subjects: Vec<String> = (0..10).map(|number| format!("s{number}")).collect();
    let more = json!({
        "pages": { "of": { "path": "/of/{subject}", "reader": "frankfurter-rates", "about": { "these": subjects } } },
        "pace": { "delay_seconds": 1, "jitter_seconds": 0, "requests_a_day": 5, "refresh_seconds": 2_592_000,
            "robots_seconds": 86_400, "most_bytes": 10_000 },
    });
    let reading = Reading::with(&site, &more).await;
    // Just after midnight, so that a day is a day.
    let midnight = reading.now().day().next().start().unix();
    reading.now.store(midnight, Ordering::Relaxed);
    let mut days = 0;
    let mut all: Vec<String> = Vec::new();
    while all.len() < 10 && days < 5 {
        for (page, _) in reading.planned().await {
            reading.read(&id("of", page.rsplit('/').next())).await;
        }
        let paths = site.paths();
        assert!(paths.len() <= 5, "{paths:?}");
        all.extend(paths.into_iter().filter(|path| path.starts_with("/of/")));
        days += 1;
        reading.now.store(midnight + days * DAY, Ordering::Relaxed);
    }
    all.sort();
    let expected: Vec<String> = subjects.iter().map(|subject| format!("/of/{subject}")).collect();
    assert_eq!((all, days), (expected, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_read_about_once_an_operator_has_confirmed_whose_it_is() {
    let site = Site::open().await;
    let more = json!({ "pages": { "of": { "path": "/of/{subject}", "reader": "frankfurter-rates", "about": "providers" } } });
    let reading = Reading::with(&site, &more).await;
    let (source, subject) = ("a".parse().unwrap(), "acme".parse().unwrap());
    let mapping = |provider: &str, standing| Mapping {
        provider: provider.parse().unwrap(),
        standing,
        at: reading.now(),
    };
    let proposed = mapping("p1", Standing::Proposed("acme.example".to_owned().try_into().unwrap()));
    reading.table.write_name(&source, &subject, &proposed, None).await.unwrap();
    assert_eq!(reading.planned().await, []);
    let before = reading.table.name_in(&source, &subject).await.unwrap();
    let confirmed = mapping("p2", Standing::Confirmed);
    reading.table.write_name(&source, &subject, &confirmed, before.as_ref()).await.unwrap();
    assert_eq!(reading.planned().await, [("a/of/acme".to_owned(), 0)]);
    // It has left whomever it was said to be, and who decides on what he has not seen is told.
    assert_eq!(reading.table.names_of(&"p1".parse().unwrap()).await.unwrap(), []);
    let of = reading.table.names_of(&"p2".parse().unwrap()).await.unwrap();
    assert_eq!(of, [(source.clone(), subject.clone(), confirmed)]);
    let stale = reading.table.write_name(&source, &subject, &proposed, before.as_ref()).await;
    assert!(matches!(stale, Err(table::TableError::Conflict)));
    // One that can not be read keeps no other from being known.
    for (pk, sk) in [("names#p2", "a#broken"), ("source#a", "name#broken")] {
        Unreadable::at(&reading.services, pk, sk).write().await;
    }
    assert_eq!(reading.table.names_of(&"p2".parse().unwrap()).await.unwrap(), of);
    assert_eq!(reading.table.names_in(&source).await.unwrap().into_keys().collect::<Vec<_>>(), [subject]);
    assert_eq!(reading.planned().await, [("a/of/acme".to_owned(), 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_mistypes_changes_nothing() {
    let site = Site::open().await;
    let reading = Reading::of(&site).await;
    let configuration = Configuration::named("sources/1", Some(&changes(&site, &json!({})))).unwrap();
    let source: SourceName = "a".parse().unwrap();
    operator::check_source(&reading.table, &configuration, &source).await.unwrap();
    let mistyped = operator::check_source(&reading.table, &configuration, &"b".parse().unwrap()).await;
    assert_eq!(mistyped.unwrap_err().to_string(), "there is no source b; there are: a");

    let registered = |id: &str| {
        let mut provider = Provider::default();
        let profile = Profile {
            provider_id: id.parse().unwrap(),
            name: id.to_owned().try_into().unwrap(),
            operator_id: None,
            website: None,
            chat: None,
            agents: BTreeSet::new(),
        };
        provider.join(reading.now(), &Happened::ProviderRegistered(profile));
        provider
    };
    for id in ["p1", "p2"] {
        reading.table.write_provider(&id.parse().unwrap(), &registered(id), 0).await.unwrap();
    }
    let name: Subject = "acme".parse().unwrap();
    let says = async |provider: &str, decision| {
        let provider = provider.parse().unwrap();
        operator::decide(&reading.table, (&source, &name), &provider, decision, reading.now())
            .await
            .map_err(|refused| refused.to_string())
    };
    let whose = async || {
        let known = reading.table.name_in(&source, &name).await.unwrap();
        known.map(|known| (known.value.provider.to_string(), known.value.standing))
    };
    for decision in [Decision::Confirm, Decision::Reject] {
        assert_eq!(says("p9", decision).await.unwrap_err(), "no provider p9 is registered");
    }
    assert_eq!(whose().await, None);
    says("p1", Decision::Confirm).await.unwrap();
    let of_p1 = "as far as is known, the name is p1's: reject that, or confirm whose it is";
    assert_eq!(says("p2", Decision::Reject).await.unwrap_err(), of_p1);
    assert_eq!(whose().await, Some(("p1".to_owned(), Standing::Confirmed)));
    says("p1", Decision::Reject).await.unwrap();
    says("p2", Decision::Reject).await.unwrap();
    says("p2", Decision::Confirm).await.unwrap();
    assert_eq!(whose().await, Some(("p2".to_owned(), Standing::Confirmed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_has_not_changed_is_read_whole_once_more_when_an_operator_says_something_else_of_it() {
    let site = Site::open().await;
    let page = include_str!("../../shared/sources/tests/fixtures/vpsbenchmarks/yabs-table.html");
    site.says(Says::Page(page.to_owned(), "\"1\""));
    let subject = "hetzner-16c-31gb-20251125-8f0aa2";
    let with = |offering: &str, labels: Value| {
        json!({
            "pages": { "run": { "path": "/yabs/{subject}", "reader": "vpsbenchmarks-yabs", "about": "offerings" } },
            "offerings": { subject: { "provider_id": "p1", "offering_id": offering } }, "labels": labels,
        })
    };
    let mut reading = Reading::with(&site, &with("small", json!({}))).await;
    let page = id("run", Some(subject));
    assert_eq!(reading.read(&page).await, Done::Read);
    reading.later(DAY);
    assert_eq!(reading.read(&page).await, Done::Unchanged);
    for said in [with("large", json!({})), with("large", json!({ "location": ["Where it is"] }))] {
        reading = reading.told(&site, &said).await;
        reading.later(DAY);
        assert_eq!(reading.read(&page).await, Done::Read, "{said}");
        reading.later(DAY);
        assert_eq!(reading.read(&page).await, Done::Unchanged, "{said}");
    }
}
