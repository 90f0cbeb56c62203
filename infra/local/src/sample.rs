//! The sample marketplace: a few providers with a past, so that the pages have something to show.
//!
//! It comes in by the front door, as signed marketplace events and signed Chatwoot webhooks, once per data directory. Its times count
//! back from now. Two [`services`] are there to be probed: each is what the newest contract of a provider is about, with an uptime
//! that is promised.

mod market;
pub mod services;

use anyhow::{Context, ensure};
use lambda::{clock, secrets::SecretDocument};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use trust::{
    id::AccountId,
    link::{Link, Purpose},
    time::Moment,
};
use uuid::Uuid;

use crate::Stack;

use services::{Service, Services};

/// The Chatwoot account of the sample's conversations: the one whose secret is made up.
const ACCOUNT: AccountId = AccountId(1);

/// The sample's inboxes begin here, out of the way of anybody's own.
const FIRST_INBOX: u64 = 901;

const MARK: &str = "sample";
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long a contract runs.
const TERM: i64 = 2 * DAY;

/// The same of those whose services are watched: nobody says that they end, and the sample is to be watched for as long as it is kept.
const WATCHED_TERM: i64 = 3650 * DAY;

/// A provider of the sample: his contracts one after the other, and how he answers in them.
struct Part {
    id: &'static str,
    name: &'static str,
    contracts: u64,
    /// Minutes to each reply, over and over; `None` never comes.
    replies: &'static [Option<i64>],
    /// Ends of the contracts, over and over.
    ends: &'static [End],
    /// What he says his machines are, and what his renters find.
    machine: Machine,
    /// The service of his newest contract, if he has one that is watched.
    watched: Option<Watched>,
    /// What he offers: its name, its CPUs, and its price in cents a month.
    offers: &'static [(&'static str, u16, u32)],
}

/// What a provider says his machines are, and how much memory and what kind of disk his renters find.
#[derive(Clone, Copy)]
struct Machine {
    cpu: &'static str,
    memory_mib: u64,
    found_kib: u64,
    operations: u64,
}

/// A service that is watched from when the sample is loaded.
#[derive(Clone, Copy)]
struct Watched {
    of: fn(&Services) -> Service,
    /// The uptime that is promised, in hundredths of a percent.
    promise: u16,
}

#[derive(Clone, Copy)]
enum End {
    Completed,
    CancelledByProvider,
    CancelledByRenter,
    ProvisioningFailed,
    Running,
}

const PARTS: [Part; 3] = [
    Part {
        id: "steady-compute",
        name: "Steady Compute",
        contracts: 36,
        replies: &[
            Some(6),
            Some(14),
            Some(9),
            Some(35),
            Some(4),
            Some(80),
            Some(11),
            Some(190),
            Some(22),
            Some(420),
        ],
        ends: &[
            End::Completed,
            End::Completed,
            End::Completed,
            End::Completed,
            End::CancelledByRenter,
            End::Completed,
            End::Running,
        ],
        machine: Machine { cpu: "AMD EPYC 7543", memory_mib: 4096, found_kib: 4_015_920, operations: 57_500 },
        watched: Some(Watched { of: |services| services.steady, promise: 9990 }),
        offers: &[("vps-2", 2, 890), ("vps-4", 4, 1990)],
    },
    Part {
        id: "flaky-metal",
        name: "Flaky Metal",
        contracts: 18,
        replies: &[Some(140), Some(700), None, Some(45), Some(1900), None, Some(2600)],
        ends: &[
            End::Completed,
            End::ProvisioningFailed,
            End::Completed,
            End::CancelledByProvider,
            End::Completed,
        ],
        machine: Machine { cpu: "AMD EPYC 9354P", memory_mib: 8192, found_kib: 4_015_920, operations: 180 },
        watched: Some(Watched { of: |services| services.flaky, promise: 9900 }),
        offers: &[("vps-2", 2, 330)],
    },
    Part {
        id: "fresh-node",
        name: "Fresh Node",
        contracts: 1,
        replies: &[Some(25)],
        ends: &[End::Running],
        machine: Machine {
            cpu: "Intel Xeon Gold 6230R",
            memory_mib: 2048,
            found_kib: 2_006_100,
            operations: 31_000,
        },
        watched: None,
        offers: &[("vps-2", 2, 1290)],
    },
];

/// How often a run is sent before its contract has to be known, and how long after each.
const MOST_TRIES: u32 = 300;
const BETWEEN_TRIES: std::time::Duration = std::time::Duration::from_millis(200);

/// When loading began: one that was cut short goes on with the same times, so that nothing in it happens twice.
const BEGUN: &str = "sample-begun";

/// Loads the sample, unless this data directory has had it.
pub async fn load(stack: &Stack, base: &str, secrets: &str, services: &Services) -> anyhow::Result<()> {
    if stack.queues().mark(MARK).await?.is_some() {
        return Ok(());
    }
    let document: SecretDocument = serde_json::from_str(secrets)?;
    let door = Door::new(base, &document)?;
    let begun = stack.queues().mark(BEGUN).await?;
    let now = begun.and_then(|text| Moment::parse(&text).ok()).unwrap_or_else(clock::now);
    stack.queues().set_mark(BEGUN, &now.to_string()).await?;
    for (index, part) in PARTS.iter().enumerate() {
        tell(&door, part, FIRST_INBOX + index as u64, services, now).await?;
    }
    market::load(stack, now.day()).await?;
    stack.queues().set_mark(MARK, &now.to_string()).await?;
    Ok(())
}

async fn tell(door: &Door, part: &Part, inbox: u64, services: &Services, now: Moment) -> anyhow::Result<()> {
    let mut events = vec![event(
        "provider.registered",
        now.plus(-200 * DAY),
        &json!({
            "provider_id": part.id, "name": part.name, "website": format!("https://{}.example", part.id),
            "chat": { "account": ACCOUNT, "inbox": inbox },
        }),
    )];
    events.extend(part.offers.iter().map(|offer| offering(part, *offer, now)));
    let spacing = 84 * DAY / part.contracts.max(1) as i64;
    for index in 0..part.contracts {
        let requested = now.plus(-86 * DAY + spacing * index as i64 - (index as i64 % 7) * HOUR);
        let end = end_of(part, index);
        events.extend(contract(part, index, requested, end));
    }
    if let Some(watched) = part.watched {
        events.extend(newest(part, watched, services, now));
    }
    for batch in events.chunks(100) {
        door.events(batch).await?;
    }
    let mut message = inbox * 10_000;
    for index in 0..part.contracts {
        let asked = now.plus(-85 * DAY + spacing * index as i64 + (index as i64 % 5) * HOUR);
        for turn in 0..2_u64 {
            let reply = part.replies[(index + turn * 3) as usize % part.replies.len()];
            let asked = asked.plus(turn as i64 * 9 * HOUR);
            let chat = Chat { part, inbox, number: inbox * 100 + index, contract: contract_id(part, index) };
            message += 2;
            door.webhook(&chat.message(message, asked, Author::Renter)).await?;
            let replied = reply.map(|minutes| asked.plus(minutes * MINUTE));
            if let Some(replied) = replied.filter(|replied| *replied <= now) {
                door.webhook(&chat.message(message + 1, replied, Author::Agent)).await?;
            }
        }
    }
    // Those whose machines still run measure them.
    let running = (0..part.contracts).filter(|index| matches!(end_of(part, *index), End::Running));
    for index in running.chain(part.watched.map(|_| part.contracts)) {
        door.run(part, index, now).await?;
    }
    Ok(())
}

/// What a provider offers.
fn offering(part: &Part, (name, cpus, cents): (&str, u16, u32), now: Moment) -> Value {
    let (machine, cpus) = (part.machine, u64::from(cpus));
    event(
        "offering.published",
        now.plus(-199 * DAY),
        &json!({
            "provider_id": part.id, "offering_id": format!("{}-{name}", part.id), "name": name.to_uppercase(),
            "price": { "minor_units": cents, "currency": "EUR" }, "region": "eu-central",
            "specification": {
                "class": "shared", "vcpus": cpus, "memory_mib": machine.memory_mib * cpus / 2, "disk_gb": cpus * 20,
                "disk_kind": "ssd", "network_mbit_per_second": 1000, "cpu_model": machine.cpu, "virtualisation": "kvm",
                "country": "DE", "asn": 64500,
            },
            "tariff": { "per": "month" },
        }),
    )
}

/// What `yabs.sh` sends from a machine of this provider.
fn benchmark(part: &Part, index: u64, now: Moment) -> Value {
    let Machine { cpu, found_kib, operations, .. } = part.machine;
    let half = operations / 2;
    let sent = format!("{} Mbits/sec", 860 + index % 80);
    json!({
        "version": "v2026-07-03", "os": { "arch": "x64", "vm": "KVM" }, "net": { "ipv4": true, "ipv6": false },
        "cpu": { "model": cpu, "cores": 2 },
        "mem": { "ram": found_kib, "ram_units": "KiB", "swap": 0, "disk": 39_250_496, "disk_units": "KB" },
        "ip_info": { "protocol": "IPv4", "isp": format!("{} Ltd", part.name), "asn": "AS64500 Sample", "country": "Germany" },
        "partition": "/dev/vda1",
        "fio": [{ "bs": "4k", "speed_r": half * 4, "iops_r": half, "speed_w": half * 4, "iops_w": half, "iops_rw": half * 2 }],
        "iperf": [{ "mode": "IPv4", "provider": "Clouvider", "loc": "London, UK (10G)", "send": sent, "recv": "busy " }],
        "runtime": { "start": now.plus(-20 * MINUTE).unix() },
    })
}

fn end_of(part: &Part, index: u64) -> End {
    part.ends[index as usize % part.ends.len()]
}

fn contract_id(part: &Part, index: u64) -> String {
    format!("{}-{index}", part.id)
}

fn renter_id(part: &Part, index: u64) -> String {
    format!("renter-{}-{}", part.id, index % 9)
}

/// The contract whose service is watched: it was handed over just now, and runs.
fn newest(part: &Part, watched: Watched, services: &Services, now: Moment) -> Vec<Value> {
    let (index, requested) = (part.contracts, now.plus(-90 * MINUTE));
    let about = json!({
        "contract_id": contract_id(part, index), "endpoints": (watched.of)(services).endpoints(),
        "sla": { "uptime": watched.promise },
    });
    let mut events = begun(part, index, WATCHED_TERM, requested, requested.plus(20 * MINUTE));
    events.push(event("contract.provisioned", now, &about));
    events
}

/// A contract is asked for, and accepted.
fn begun(part: &Part, index: u64, term: i64, requested: Moment, accepted: Moment) -> Vec<Value> {
    let id = contract_id(part, index);
    vec![
        event(
            "contract.requested",
            requested,
            &json!({
                "contract_id": id, "provider_id": part.id, "renter_id": renter_id(part, index),
                "offering_id": format!("{}-vps-2", part.id), "term_seconds": term,
                "price": { "minor_units": 900, "currency": "EUR" },
            }),
        ),
        event("contract.accepted", accepted, &json!({ "contract_id": id, "by": "provider" })),
    ]
}

fn contract(part: &Part, index: u64, requested: Moment, end: End) -> Vec<Value> {
    let id = contract_id(part, index);
    let about = json!({ "contract_id": id });
    let accepted = requested.plus(20 * MINUTE);
    let provisioned = accepted.plus((3 + index as i64 % 11) * 7 * MINUTE);
    let mut events = begun(part, index, TERM, requested, accepted);
    if matches!(end, End::ProvisioningFailed) {
        events.push(event("contract.provisioning-failed", provisioned, &about));
        return events;
    }
    events.push(event("contract.provisioned", provisioned, &about));
    match end {
        End::Completed => events.push(event("contract.completed", provisioned.plus(2 * DAY), &about)),
        End::CancelledByProvider => {
            let data = json!({ "contract_id": id, "by": "provider" });
            events.push(event("contract.cancelled", provisioned.plus(3 * HOUR), &data));
        }
        End::CancelledByRenter => {
            let data = json!({ "contract_id": id, "by": "renter" });
            events.push(event("contract.cancelled", provisioned.plus(DAY), &data));
        }
        End::ProvisioningFailed | End::Running => {}
    }
    events
}

fn event(kind: &str, at: Moment, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": Uuid::new_v4().to_string(), "source": "/sample", "type": kind, "time": at,
        "data": data,
    })
}

#[derive(Clone, Copy)]
enum Author {
    Renter,
    Agent,
}

struct Chat<'a> {
    part: &'a Part,
    inbox: u64,
    number: u64,
    contract: String,
}

impl Chat<'_> {
    /// A `message_created` payload as Chatwoot 4.18 sends it.
    fn message(&self, id: u64, at: Moment, author: Author) -> Value {
        let index = self.number % 100;
        let renter = renter_id(self.part, index);
        let account = json!({ "id": ACCOUNT, "name": "Sample" });
        let contact = json!({
            "id": index + 1, "name": "A renter", "email": null, "identifier": renter, "phone_number": null,
            "thumbnail": "", "blocked": false, "additional_attributes": {}, "custom_attributes": {},
        });
        let (kind, sender) = match author {
            Author::Renter => {
                let mut sender = contact.clone();
                sender["account"] = account.clone();
                ("incoming", sender)
            }
            Author::Agent => (
                "outgoing",
                json!({ "id": 1, "name": "Support", "email": "support@sample.example", "type": "user" }),
            ),
        };
        let mut in_conversation = contact;
        in_conversation["type"] = json!("contact");
        let seconds = at.unix();
        json!({
            "event": "message_created", "id": id, "account": account, "additional_attributes": {}, "content_attributes": {},
            "content_type": "text", "content": "…", "created_at": at, "inbox": { "id": self.inbox, "name": self.part.name },
            "message_type": kind, "private": false, "sender": sender, "source_id": null,
            "conversation": {
                "account": account, "additional_attributes": {}, "can_reply": true, "channel": "Channel::WebWidget",
                "contact_inbox": { "id": self.number, "contact_id": index + 1, "inbox_id": self.inbox, "hmac_verified": true },
                "id": self.number, "inbox_id": self.inbox, "messages": [], "labels": [],
                "meta": { "sender": in_conversation, "assignee": null, "team": null, "hmac_verified": true },
                "status": "open", "custom_attributes": { "contract_id": self.contract }, "snoozed_until": null,
                "unread_count": 0, "first_reply_created_at": null, "priority": null, "waiting_since": 0,
                "agent_last_seen_at": 0, "contact_last_seen_at": 0, "last_activity_at": seconds,
                "timestamp": seconds, "created_at": seconds, "updated_at": seconds,
            },
        })
    }
}

/// The front door, with the keys to it.
struct Door {
    client: Client,
    base: String,
    events: Webhook,
    chatwoot: String,
    links: String,
}

impl Door {
    fn new(base: &str, secrets: &SecretDocument) -> anyhow::Result<Self> {
        let events = secrets.events.first().context("the secret document has no events secret")?;
        let chatwoot = secrets.chatwoot.get(&ACCOUNT).and_then(|account| account.webhook.first());
        Ok(Self {
            client: Client::builder().timeout(std::time::Duration::from_secs(30)).build()?,
            base: base.to_owned(),
            events: Webhook::new(events.expose())?,
            chatwoot: chatwoot
                .context("the secret document has no webhook secret for account 1")?
                .expose()
                .to_owned(),
            links: secrets.feedback.first().map(|secret| secret.expose().to_owned()).unwrap_or_default(),
        })
    }

    async fn events(&self, events: &[Value]) -> anyhow::Result<()> {
        let body = serde_json::to_string(events)?;
        let (id, now) = (Uuid::new_v4().to_string(), clock::now().unix());
        let signature = self.events.sign(&id, now, body.as_bytes())?;
        let request = self
            .client
            .post(format!("{}/v1/events", self.base))
            .header("content-type", "application/cloudevents-batch+json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.to_string())
            .header("webhook-signature", signature);
        let response = request.body(body).send().await?;
        let status = response.status();
        ensure!(status == 202, "the sample's events were answered {status}: {}", response.text().await?);
        Ok(())
    }

    /// Sends what the renter of a contract measures, as soon as the contract is known.
    async fn run(&self, part: &Part, index: u64, now: Moment) -> anyhow::Result<()> {
        let contract = contract_id(part, index);
        let link =
            Link::new(Purpose::Benchmark, contract.parse()?, &renter_id(part, index).parse()?, now.plus(DAY));
        let Some(token) = link.seal(&self.links) else { return Ok(()) };
        let url = format!("{}/v1/contracts/{contract}/yabs?token={}", self.base, token.expose());
        let mut tries = 0;
        loop {
            let response = self.client.post(&url).json(&benchmark(part, index, now)).send().await?;
            let status = response.status();
            let is_early = status == StatusCode::NOT_FOUND || status == StatusCode::CONFLICT;
            if !is_early || tries >= MOST_TRIES {
                ensure!(
                    status.is_success(),
                    "a sample run was answered {status}: {}",
                    response.text().await?
                );
                return Ok(());
            }
            tries += 1;
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }

    async fn webhook(&self, payload: &Value) -> anyhow::Result<()> {
        let body = payload.to_string();
        let (timestamp, signature) = chatwoot::signature::sign(&self.chatwoot, clock::now(), body.as_bytes());
        let request = self
            .client
            .post(format!("{}/lambda-url/chatwoot-webhook/{ACCOUNT}", self.base))
            .header("content-type", "application/json")
            .header(chatwoot::signature::TIMESTAMP_HEADER, timestamp)
            .header(chatwoot::signature::SIGNATURE_HEADER, signature);
        let response = request.body(body).send().await?;
        let status = response.status();
        ensure!(
            status.is_success(),
            "the sample's messages were answered {status}: {}",
            response.text().await?
        );
        Ok(())
    }
}
