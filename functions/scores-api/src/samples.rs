//! Facts for tests: monitors asked once an hour, so that a letter an hour makes a day.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sources::configuration::Configuration;
use table::{Card, PageFacts};
use trust::{
    contract::{ContractCount, ContractDay, Outcome},
    id::{AccountId, ConversationId, ConversationNumber},
    marketplace::Currency,
    offering::{Class, Tariff},
    policy::Policy,
    price::{
        Amount, Basis, Disk, Machine, Market, Missing, Offer, Outcome as PriceOutcome, Place, PricePolicy,
        Priced, Rates, RegionGroup, Seller, Silence, Slug,
    },
    provider::Provider,
    replies::{Counts, OpenWait, Promise, Rank, Scope},
    summary::{Signals, Summary, summarise},
    time::{Day, Moment},
    units::Size,
    uptime::{
        day::{Latency, MonitorDay, VantageCount},
        facts::{Facts, RentedBy, Watch},
        leaves::CheckKind,
        outage::Service,
        percent::BasisPoints,
        schedule::{Grid, Interval, Schedule},
        sla::Sla,
        slot::{Gap, Reason, Seen, Slot},
        span::Span,
    },
};

use crate::view::sites::Site;

/// The summary of a registered provider with so many completed contracts, and a message that has waited for so many hours.
pub(crate) fn summary(name: &str, completed: u64, waiting_hours: Option<i64>) -> Summary {
    let id = name.to_lowercase().replace(' ', "-").parse().unwrap();
    let profile = serde_json::json!({ "provider_id": id, "name": format!("Provider {name}") });
    let profile = serde_json::from_value(profile).unwrap();
    let mut signals = Signals {
        provider: Provider {
            profile: Some((now().plus(-86_400), profile)),
            known_since: Some(now().plus(-86_400)),
            ..Provider::default()
        },
        ..Signals::default()
    };
    if completed > 0 {
        let day = ContractDay::from([(ContractCount::Outcome(Outcome::Completed), completed)]);
        signals.days.contracts.insert(now().day().minus(3), day);
    }
    signals.waiting = waiting_hours
        .map(|hours| OpenWait {
            scope: Scope::Contract,
            opened_at: now().plus(-hours * 3600),
            conversation: ConversationId { account: AccountId(1), number: ConversationNumber(1) },
            rank: Rank::First,
            promise: Promise::default(),
            silent_after: None,
            counts: Counts::Scored,
        })
        .into_iter()
        .collect();
    summarise(Policy::current(), &id, &signals, now())
}

/// The card of such a provider.
pub(crate) fn card(name: &str, completed: u64) -> Card {
    Card::of(&summary(name, completed, None)).unwrap()
}

/// The card of one who has left a renter without an answer for four days.
pub(crate) fn silent_card(name: &str) -> Card {
    Card::of(&summary(name, 30, Some(96))).unwrap()
}

/// How many hours of today are over.
pub(crate) const HOURS_OF_TODAY: u32 = 9;

pub(crate) fn now() -> Moment {
    Moment::parse("2026-11-25T09:30:00Z").unwrap()
}

/// A monitor that began so many days before today, all of whose whole days are sealed. `seen` says by the number of days before
/// today and the hour what an hour was: `u` up, `d` down, `?` unknown, `m` maintenance.
pub(crate) fn monitor(name: &str, days: u16, seen: impl Fn(u32, u32) -> char) -> Facts {
    let grid = Grid::new(Interval::from_seconds(3600).unwrap(), 0).unwrap();
    let first = now().day().minus(days);
    let watch = Watch {
        service: Service {
            provider: "p1".parse().unwrap(),
            contract: None,
            monitor: format!("m-{name}").parse().unwrap(),
        },
        name: name.parse().unwrap(),
        kind: CheckKind::Https,
        schedule: Schedule { grid, running: [Span::since(first.start())].into_iter().collect() },
        windows: Vec::new(),
        ended: None,
        lapses: None,
        sla: None,
        rented_by: RentedBy::Another,
    };
    let mut facts = Facts::of(watch);
    let whole = |day: Day, hours: u32| {
        let before = now().day().since(day);
        let mut slots: Vec<Option<Slot>> = (0..hours).map(|hour| Some(slot(seen(before, hour)))).collect();
        slots.resize(24, None);
        let vantages = [("eu-central-1".parse().unwrap(), VantageCount::default())].into();
        let latency = Some(Latency { p50_ms: 41, p95_ms: 180 });
        MonitorDay { day, grid, slots, vantages, latency }
    };
    for before in (1..=days).rev() {
        let latency = [1, 7, 30, 90].map(|days| (days, Latency { p50_ms: 42, p95_ms: 181 }));
        facts = facts.seal(&whole(now().day().minus(before), 24), BTreeMap::from(latency));
    }
    facts.settle(&[whole(now().day(), HOURS_OF_TODAY)], None, now())
}

/// The same, watched for a contract that promises so many hundredths of a percent in 30 days.
pub(crate) fn promised(facts: Facts, contract: &str, hundredths: u16) -> Facts {
    let mut facts = facts;
    facts.watch.service.contract = Some(contract.parse().unwrap());
    facts.watch.sla = Some(Sla::new(BasisPoints::new(hundredths).unwrap(), 30).unwrap());
    facts
}

fn slot(letter: char) -> Slot {
    match letter {
        'u' => Slot::Up,
        'd' => Slot::Down(Reason::Timeout),
        'm' => Slot::Maintenance(Seen::Up),
        _ => Slot::Unknown(Gap::Silent),
    }
}

/// An offering of this name that costs so many cents, among nine providers who ask 8 to 12 euro for the same machine and a smaller one.
pub(crate) fn priced(name: &str, cents: u64) -> Priced {
    let today = now().day();
    let offer = |seller: &str, memory_gib: u64, cents: u64| Offer {
        seller: Seller::Elsewhere(Slug::of(seller).unwrap()),
        name: "plan".to_owned().try_into().unwrap(),
        machine: Machine {
            class: Class::Shared,
            vcpus: std::num::NonZeroU16::new(2).unwrap(),
            memory: Size::gib(memory_gib),
            disk: Disk::Included(Size::gb(40), None),
            traffic: None,
        },
        place: Place::In(RegionGroup::Europe),
        basis: Basis::of(&Tariff::default()),
        monthly: Amount { millionths: cents * 10_000, currency: Currency::EURO },
        priced_on: today,
        source: Slug::of("list").unwrap(),
    };
    // Half the memory is worth 2^-0.55 of the price, so that both offers of a provider say the same.
    let smaller = |cents: u64| (cents as f64 * 0.5_f64.powf(0.55)).round() as u64;
    let both = |number: u64| {
        let (seller, cents) = (format!("p{number}"), 800 + number * 50);
        [offer(&seller, 4, cents), offer(&seller, 2, smaller(cents))]
    };
    let policy = PricePolicy::current();
    let rates = Rates { day: today, source: "ECB".to_owned(), a_euro: BTreeMap::new() };
    let (market, _) = Market::gather(policy, (0..9).flat_map(both), rates, today);
    let found = market.place(policy, &offer("asked", 4, cents), &BTreeSet::new());
    let offering = name.parse().unwrap();
    Priced { offering, name: name.to_owned(), on: today, outcome: PriceOutcome::of(found) }
}

/// One that does not say enough.
pub(crate) fn unpriced(name: &str) -> Priced {
    let outcome = PriceOutcome::Silent(Silence::Incomplete(vec![Missing::Memory]));
    Priced { offering: name.parse().unwrap(), name: name.to_owned(), on: now().day(), outcome }
}

/// What a site says of `p1`'s machines, in so many lines.
pub(crate) fn sites(lines: usize) -> Vec<Site> {
    let grades =
        json!({ "overall": "A", "web": "B", "cpu": "A+", "disk": "C-", "network": "D", "stability": "F" });
    let line = json!({ "kind": "trial", "name": "regular_8gb_4cores", "measured_on": "2026-08-09", "score": "81.25",
        "version": "v2021.11", "monthly": { "minor_units": 4_000, "currency": "USD" }, "grades": grades,
        "address": "https://www.vpsbenchmarks.com/trials/acme_performance_trial_09Aug2026" });
    sites_saying(&vec![line; lines])
}

/// What a site says in these lines of the provider `p1`.
pub(crate) fn sites_saying(lines: &[serde_json::Value]) -> Vec<Site> {
    let changes = json!({ "sources": { "vpsbenchmarks": { "names": { "acme": "p1" } } } });
    let configuration = Configuration::named("sources/1", Some(&changes.to_string())).unwrap();
    let id = serde_json::from_value(json!({ "source": "vpsbenchmarks", "page": "plans", "subject": "acme" }))
        .unwrap();
    let facts = json!(lines).to_string();
    let said = (id, PageFacts { read_at: now(), address: String::new(), facts });
    Site::all(&configuration, &[], &[said], &"p1".parse().unwrap())
}
