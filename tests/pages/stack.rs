//! A local stack for whoever looks at its pages, with a past: the sample, two providers whose services have been watched for weeks with
//! every day of it in the log, enough others to fill a page of the list, and renters who have been asked how it was.
//!
//! It says where it is in a line of JSON with a `base` once everything is there (functions print their metrics on others), and ends when its
//! input does. Nothing is left behind.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use end_to_end::{
    samples,
    services::{BusHealth, Services},
    settled,
};
use lambda::{Environment, clock};
use local_stack::{Options, Stack, Storage, sample, tokens::Keys};
use serde_json::{Value, json};
use sources::reading::{About, Reader};
use table::{PageFacts, Seen, Segment, Table};
use tokio::{io::AsyncReadExt, net::TcpListener};
use trust::{
    contract::Contract,
    feedback::{Answer, Answers, Deal},
    id::ProviderId,
    marketplace::MarketplaceEvent,
    source::{
        PageId,
        mapping::{Mapping, Standing},
    },
    time::Moment,
    uptime::slot::{Outcome, Panel, Reason},
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Days that two providers have been watched.
const WATCHED: i64 = 35;

/// Providers of whom little is known: more than a page of the list shows.
const OTHERS: usize = 55;

/// Renters who are asked how it was.
const ASKED: usize = 6;

/// A provider with services that are watched.
struct Watched {
    id: &'static str,
    name: &'static str,
    services: &'static [&'static str],
    /// What is seen of a service in an hour since it began.
    seen: fn(i64) -> Vec<Outcome>,
}

const PARTS: [Watched; 2] = [
    Watched { id: "old-hand", name: "Old Hand Hosting", services: &["web", "database"], seen: steady },
    Watched {
        id: "shaky-cloud",
        name: "Shaky Cloud of the Unusually Long Name GmbH & Co. KG",
        services: &["api-gateway-of-the-customer-portal-in-frankfurt"],
        seen: shaky,
    },
];

fn steady(hour: i64) -> Vec<Outcome> {
    match hour % 500 {
        77 => down(),
        _ => up(hour),
    }
}

fn shaky(hour: i64) -> Vec<Outcome> {
    match hour % 48 {
        5..9 | 30 => down(),
        _ => up(hour),
    }
}

fn up(hour: i64) -> Vec<Outcome> {
    vec![Outcome::Up { latency_ms: 20 + (hour * 37 % 90) as u32 }]
}

/// A check and the one that confirms it.
fn down() -> Vec<Outcome> {
    vec![Outcome::Down(Reason::Timeout), Outcome::Down(Reason::Refused)]
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let now = clock::now();
    // What the past's services are asked at from now on.
    let service = TcpListener::bind("127.0.0.1:0").await?;
    let port = service.local_addr()?.port();
    tokio::spawn(async move { while service.accept().await.is_ok() {} });

    let past = Past::in_directory(directory.path()).await?;
    let links = past.make(port, now).await?;
    let more = past.other_surveys(now).await?;
    drop(past);

    let secrets = samples::secrets().to_string();
    let stack = Stack::start(Options {
        listen: "127.0.0.1:0".parse()?,
        storage: Storage::Directory(directory.path().to_owned()),
        secrets: secrets.clone(),
        parameters: BTreeMap::new(),
        keys: Keys::default(),
    })
    .await?;
    let base = format!("http://{}", stack.address());
    let services = sample::services::Services::start(stack.queues(), clock::now).await?;
    sample::load(&stack, &base, &secrets, &services).await?;
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_mins(1)).build()?;
    settled(&client, &base).await?;
    print(&json!({ "base": base, "surveys": links, "others": more }));
    let (mut input, mut rest) = (tokio::io::stdin(), Vec::new());
    tokio::select! {
        () = stack.run() => anyhow::bail!("a part of the stack has ended"),
        ended = input.read_to_end(&mut rest) => ended.map(drop)?,
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "who started this reads it")]
fn print(line: &Value) {
    println!("{line}");
}

/// What was before the stack runs, made by the functions themselves, as of then.
struct Past {
    services: Services,
    table: Table,
    lifecycle: lifecycle::App,
    seal: uptime_seal::App,
    panel: Panel,
}

impl Past {
    async fn in_directory(directory: &std::path::Path) -> anyhow::Result<Self> {
        let services =
            Services::start_in(directory, samples::secrets(), BusHealth::Up, &BTreeMap::new()).await?;
        let environment = |name| services.environment(name).map(Environment::from_pairs);
        Ok(Self {
            table: services.table()?,
            lifecycle: lifecycle::App::start(&environment("lifecycle")?).await?,
            seal: uptime_seal::App::start(&environment("uptime-seal")?).await?,
            panel: lambda::vantages::panel(&environment("uptime-seal")?)?,
            services,
        })
    }

    /// Makes it, up to now, and gives the paths of the surveys.
    async fn make(&self, port: u16, now: Moment) -> anyhow::Result<Vec<String>> {
        let begun = now.day().start().plus(-WATCHED * DAY);
        for part in &PARTS {
            self.tell(&registered(part.id, part.name, begun)).await?;
            for (index, service) in part.services.iter().enumerate() {
                let contract = format!("{}-{index}", part.id);
                let endpoint = json!({
                    "name": service, "check": { "kind": "tcp", "host": "127.0.0.1", "port": port }, "interval_seconds": HOUR,
                });
                let data =
                    json!({ "contract_id": contract, "endpoints": [endpoint], "sla": { "uptime": 9900 } });
                // A year, so that the contract does not lapse meanwhile.
                let requested = requested(&contract, part.id, "renter-of-old", 365 * DAY, begun);
                let provisioned = event("contract.provisioned", begun, &data);
                self.learned(&contract, &[&requested, &provisioned], begun).await?;
                self.tell(&requested).await?;
                self.tell(&provisioned).await?;
            }
        }
        self.watch(now).await?;
        self.publish(now).await?;
        for index in 0..OTHERS {
            let id = format!("other-{index:02}");
            self.tell(&registered(&id, &format!("Other Provider {index}"), now.plus(-DAY))).await?;
            self.summarise(&id, now).await?;
        }
        self.ask(now).await
    }

    /// Has what a site publishes of a provider read, and his name there confirmed.
    async fn publish(&self, now: Moment) -> anyhow::Result<()> {
        let page = include_bytes!("../../shared/sources/tests/fixtures/vpsbenchmarks/hoster-table.html");
        let id: PageId = serde_json::from_value(
            json!({ "source": "vpsbenchmarks", "page": "hoster", "subject": "verpex" }),
        )?;
        let address = "https://www.vpsbenchmarks.com/hosters/verpex".to_owned();
        let labels = BTreeMap::new();
        let about = About {
            source: &id.source,
            subject: id.subject.as_ref(),
            address: &address,
            on: now.day(),
            labels: &labels,
        };
        let read = Reader::VpsbenchmarksHoster.read(page, &about).facts();
        let facts = serde_json::to_string(&read.context("the page is not understood")?.rated)?;
        let provider: ProviderId = PARTS[1].id.parse()?;
        self.table
            .write_rated(
                &provider,
                &id,
                &PageFacts { read_at: now.plus(-DAY), address: address.clone(), facts },
            )
            .await?;
        let name = id.subject.as_ref().context("about nobody")?;
        let mapping = Mapping { provider, standing: Standing::Confirmed, at: now.plus(-DAY) };
        Ok(self.table.write_name(&id.source, name, &mapping, None).await?)
    }

    /// Has all services seen, hour by hour, and what was seen sealed and appended to the log, day by day.
    async fn watch(&self, now: Moment) -> anyhow::Result<()> {
        let vantage = self.panel.vantages().first().context("nobody asks")?.clone();
        let shards = self.table.shards().await?;
        for back in (0..=WATCHED).rev() {
            let day = now.day().minus(back as u16);
            for &shard in &shards {
                for asked in self.table.asked_in(shard).await? {
                    let part = PARTS.iter().find(|part| part.id == asked.service.provider.as_str());
                    let seen = part.context("somebody else is watched")?.seen;
                    for slot in asked.schedule.expected(day) {
                        let at = asked.schedule.grid.span(day, slot).from;
                        if at > now {
                            continue;
                        }
                        let hour = (WATCHED - back) * 24 + i64::from(slot.0);
                        let outcomes = BTreeMap::from([(asked.number, seen(hour))]);
                        let seen = Seen { outcomes, expiring: BTreeMap::new() };
                        let minute = at.plus(-at.unix().rem_euclid(60));
                        let segment = Segment { minute, vantage: vantage.clone(), seen };
                        self.table.write_segment(shard, &segment, "past").await?;
                    }
                }
                let evening = now.min(day.start().plus(DAY + 3 * HOUR));
                uptime_seal::seal(&self.seal, shard, evening).await?;
                uptime_seal::settle(&self.seal, shard, &[], evening).await?;
            }
            for part in &PARTS {
                self.summarise(part.id, now.min(day.start().plus(DAY - HOUR))).await?;
            }
        }
        let mut appended = 0;
        loop {
            let round = uptime_seal::append(&self.seal, now).await?;
            if round == 0 {
                break;
            }
            appended += round;
        }
        ensure!(appended > WATCHED as usize, "only {appended} records are in the log");
        Ok(())
    }

    /// Renters whose contracts have ended just now are asked how it was.
    async fn ask(&self, now: Moment) -> anyhow::Result<Vec<String>> {
        let (provider, begun) = (PARTS[0].id, now.plus(-2 * DAY));
        for index in 0..ASKED {
            let contract = format!("asked-{index}");
            let about = json!({ "contract_id": contract });
            self.tell(&requested(&contract, provider, &format!("renter-{index}"), DAY, begun)).await?;
            self.tell(&event("contract.provisioned", begun.plus(HOUR), &about)).await?;
            self.tell(&event("contract.completed", now.plus(-60), &about)).await?;
        }
        let looked = lifecycle::look_at_surveys(&self.lifecycle, now).await?;
        ensure!(looked.failed == 0, "{looked:?}");
        let about_these =
            |detail: &Value| detail["contract"].as_str().is_some_and(|id| id.starts_with("asked-"));
        let published = self.services.published().into_iter();
        let requests = published.filter(|entry| entry["DetailType"] == "feedback.requested");
        let requests = requests.map(|mut entry| entry["Detail"].take()).filter(about_these);
        let path = |link: &str| link.find("/v1/").map(|begins| link[begins..].to_owned());
        let links: Option<Vec<String>> =
            requests.map(|request| request["link"].as_str().and_then(path)).collect();
        let links = links.context("a request has no link")?;
        ensure!(links.len() == ASKED, "{} renters were asked", links.len());
        Ok(links)
    }

    /// Paths of surveys that nobody can answer: answered for good, closed, and of a contract that goes on.
    async fn other_surveys(&self, now: Moment) -> anyhow::Result<Value> {
        let (provider, contract) = (PARTS[0].id, "answered");
        let begun = now.plus(-5 * DAY);
        let about = json!({ "contract_id": contract });
        self.tell(&requested(contract, provider, "renter-answered", DAY, begun)).await?;
        self.tell(&event("contract.provisioned", begun.plus(HOUR), &about)).await?;
        self.tell(&event("contract.completed", begun.plus(DAY), &about)).await?;
        let id = contract.parse()?;
        let known = self.table.contract(&id).await?.context("the contract is not known")?.value;
        let before = self.table.voting(&id, &known).await?.context("nobody can vote")?;
        let deal = Deal::of(&known).context("the contract has no terms")?;
        let answers = Answers { matched_description: Answer::Yes, rent_again: Answer::No };
        let answered = now.plus(-2 * DAY);
        let votes = before.votes.value.cast(&id, deal, (answered, answers))?;
        let survey = before.survey.value.answered(answered).settled();
        self.table.write_votes(&id, &before, (&votes, &survey), now).await?;
        let path = |contract: &str, renter: &str, until: Moment| -> anyhow::Result<String> {
            let token = trust::link::Link::new(
                trust::link::Purpose::Feedback,
                contract.parse()?,
                &renter.parse()?,
                until,
            )
            .seal(samples::FEEDBACK_SECRET);
            Ok(format!("/v1/feedback/{}", token.context("the secret is empty")?.expose()))
        };
        Ok(json!({
            "final": path(contract, "renter-answered", now.plus(DAY))?,
            "closed": path("asked-0", "renter-0", now.plus(-DAY))?,
            "running": path(&format!("{provider}-0"), "renter-of-old", now.plus(DAY))?,
        }))
    }

    /// Has what these events say of a contract watched as if they had been learned of at this moment: nothing is watched before.
    async fn learned(&self, contract: &str, events: &[&Value], at: Moment) -> anyhow::Result<()> {
        let (id, mut known) = (contract.parse()?, Contract::default());
        for event in events {
            let event: MarketplaceEvent = serde_json::from_value(Value::clone(event))?;
            known.join(event.time, &event.happened);
            lifecycle::follow(&self.lifecycle, &id, &event, &known, at).await??;
        }
        Ok(())
    }

    async fn tell(&self, event: &Value) -> anyhow::Result<()> {
        let kind = event["type"].as_str().unwrap_or_default();
        let batch = samples::queued("marketplace", &[(kind, event)]);
        let answer =
            lifecycle::handle(&self.lifecycle, batch).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        ensure!(answer["batchItemFailures"] == json!([]), "{kind} was not taken");
        Ok(())
    }

    async fn summarise(&self, provider: &str, at: Moment) -> anyhow::Result<()> {
        let provider: ProviderId = provider.parse()?;
        Ok(score::summarise_now(
            &self.table,
            trust::policy::Policy::current(),
            &provider,
            &score::Changed::default(),
            at,
        )
        .await?)
    }
}

fn registered(id: &str, name: &str, at: Moment) -> Value {
    event("provider.registered", at, &json!({ "provider_id": id, "name": name }))
}

fn requested(contract: &str, provider: &str, renter: &str, term: i64, at: Moment) -> Value {
    let data = json!({
        "contract_id": contract, "provider_id": provider, "renter_id": renter, "offering_id": "o1", "term_seconds": term,
        "price": { "minor_units": 900, "currency": "EUR" },
    });
    event("contract.requested", at, &data)
}

fn event(kind: &str, at: Moment, data: &Value) -> Value {
    let about = data["contract_id"].as_str().or(data["provider_id"].as_str()).unwrap_or_default();
    json!({
        "specversion": "1.0", "id": format!("{kind}-{about}"), "source": "/past", "type": kind, "time": at, "data": data,
    })
}
