//! Facts for tests: monitors asked once an hour, so that a letter an hour makes a day.

use std::collections::BTreeMap;

use trust::{
    time::{Day, Moment},
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
