//! One monitor, a minute a slot, and the functions that make something of what is seen of it.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
};

use end_to_end::services::{BusHealth, Services};
use lambda::Environment;
use serde_json::{Value, json};
use table::{Freshness, Seen, Segment, Table};
use trust::{
    contract::Contract,
    marketplace::MarketplaceEvent,
    time::Moment,
    uptime::{
        configuration::Salt,
        facts::Facts,
        monitor::Monitoring,
        names::MonitorId,
        record::DayRecord,
        schedule::{Grid, Interval},
        shard::ShardId,
        slot::{Outcome, Panel, Reason},
    },
};

pub(crate) const UP: &[Outcome] = &[Outcome::Up { latency_ms: 20 }];
pub(crate) const DOWN: &[Outcome] = &[Outcome::Down(Reason::Timeout), Outcome::Down(Reason::Refused)];
pub(crate) const MINUTES_A_DAY: i64 = 1440;

pub(crate) const SEEDS: [&str; 2] =
    ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="];

pub(crate) struct World {
    services: Services,
    app: uptime_seal::App,
    lifecycle: lifecycle::App,
    table: Table,
    pub(crate) monitor: MonitorId,
    pub(crate) shard: ShardId,
    number: u32,
    runs: AtomicUsize,
    contract: std::sync::Mutex<Contract>,
    /// When the contract was provisioned: a midnight.
    begun: Moment,
}

pub(crate) fn secrets(seeds: &[&str]) -> Value {
    json!({ "events": [], "log": { "origin": "log.example/uptime", "seeds": seeds } })
}

pub(crate) fn event(id: &str, at: Moment, kind: &str, data: &Value) -> MarketplaceEvent {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "/test", "type": kind, "time": at, "data": data,
    });
    serde_json::from_value(event).unwrap()
}

fn endpoint() -> Value {
    json!({ "name": "web", "check": { "kind": "tcp", "host": "127.0.0.1", "port": 9 } })
}

impl World {
    pub(crate) async fn start() -> Self {
        let begun = Moment::parse("2028-02-28T00:00:00Z").unwrap();
        Self::start_with(secrets(&SEEDS[..1]), &endpoint(), begun).await
    }

    pub(crate) async fn start_with(secrets: Value, endpoint: &Value, begun: Moment) -> Self {
        let services = Services::start(secrets, BusHealth::Up).await.unwrap();
        let environment = Environment::from_pairs(services.environment("uptime-seal").unwrap());
        let app = uptime_seal::App::start(&environment).await.unwrap();
        let environment = Environment::from_pairs(services.environment("lifecycle").unwrap());
        let lifecycle = lifecycle::App::start(&environment).await.unwrap();
        let table = services.table().unwrap();
        let (mut contract, mut monitoring) = (Contract::default(), Monitoring::default());
        let terms = json!({
            "contract_id": "c1", "provider_id": "p1", "renter_id": "r1", "offering_id": "o1", "term_seconds": 8_640_000,
            "price": { "minor_units": 500, "currency": "EUR" },
        });
        let provisioned = json!({ "contract_id": "c1", "endpoints": [endpoint], "sla": { "uptime": 9990 } });
        for (id, kind, data) in
            [("1", "contract.requested", terms), ("2", "contract.provisioned", provisioned)]
        {
            let event = event(id, begun, kind, &data);
            contract.join(event.time, &event.happened);
            monitoring.join(&event, event.time).unwrap();
        }
        table.write_monitoring(&"c1".parse().unwrap(), &monitoring, 0).await.unwrap();
        let (watch, checks) = monitoring.watches(&contract).pop().unwrap();
        let monitor = table.add_monitor(watch, &checks, &panel(), || Salt([7; 16])).await.unwrap();
        Self {
            services,
            app,
            lifecycle,
            table,
            monitor: monitor.watch.service.monitor,
            shard: monitor.place.shard,
            number: monitor.place.number,
            runs: AtomicUsize::default(),
            contract: std::sync::Mutex::new(contract),
            begun,
        }
    }

    /// Another of the function, which knows nothing that the first remembers.
    pub(crate) async fn start_beside(world: &Self) -> uptime_seal::App {
        let environment = Environment::from_pairs(world.services.environment("uptime-seal").unwrap());
        uptime_seal::App::start(&environment).await.unwrap()
    }

    /// Another of the function, with these settings beside what the template gives it.
    pub(crate) async fn start_with_settings(
        &self,
        settings: &[(&str, &str)],
    ) -> Result<uptime_seal::App, lambda::StartError> {
        let mut environment = self.services.environment("uptime-seal").unwrap();
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        uptime_seal::App::start(&Environment::from_pairs(environment)).await
    }

    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn app(&self) -> &uptime_seal::App {
        &self.app
    }

    /// When the contract was provisioned.
    pub(crate) fn begun(&self) -> Moment {
        self.begun
    }

    /// So many minutes after the first slot's day began, and a little.
    pub(crate) fn after(&self, minutes: i64) -> Moment {
        self.slot(minutes).plus(1)
    }

    /// When the slot of this number begins.
    pub(crate) fn slot(&self, minute: i64) -> Moment {
        let phase = Grid::of(&self.monitor, Interval::SHORTEST).phase();
        self.begun.plus(i64::from(phase) + minute * 60)
    }

    /// A worker sees this in each of these slots.
    pub(crate) async fn see(&self, minutes: Range<i64>, outcomes: &[Outcome]) {
        let run = self.runs.fetch_add(1, Ordering::Relaxed).to_string();
        for minute in minutes {
            let seen = Seen {
                outcomes: BTreeMap::from([(self.number, outcomes.to_vec())]),
                expiring: BTreeMap::new(),
            };
            let segment =
                Segment { minute: self.begun.plus(minute * 60), vantage: "home".parse().unwrap(), seen };
            self.table.write_segment(self.shard, &segment, &run).await.unwrap();
        }
    }

    /// A worker sees this server's certificate in a slot.
    pub(crate) async fn see_certificate(&self, minute: i64, expires: Moment) {
        let seen = Seen {
            outcomes: BTreeMap::from([(self.number, UP.to_vec())]),
            expiring: BTreeMap::from([(self.number, expires.unix())]),
        };
        let segment =
            Segment { minute: self.begun.plus(minute * 60), vantage: "home".parse().unwrap(), seen };
        self.table.write_segment(self.shard, &segment, "certificate").await.unwrap();
    }

    pub(crate) async fn settle(&self, minutes: i64) {
        uptime_seal::settle(&self.app, self.shard, &[], self.after(minutes)).await.unwrap();
    }

    /// Looks at the monitor, as when a worker sees otherwise than is known.
    pub(crate) async fn look(&self, minutes: i64) {
        let only = [self.monitor.clone()];
        uptime_seal::settle(&self.app, self.shard, &only, self.after(minutes)).await.unwrap();
    }

    pub(crate) async fn seal(&self, minutes: i64) {
        uptime_seal::seal(&self.app, self.shard, self.after(minutes)).await.unwrap();
    }

    pub(crate) async fn append(&self, minutes: i64) -> usize {
        uptime_seal::append(&self.app, self.after(minutes)).await.unwrap()
    }

    /// Announces work as the monitor begins to run.
    pub(crate) async fn announce(&self, minutes: Range<i64>) {
        self.announce_told(minutes, 0).await;
    }

    /// The same, and that is told later.
    pub(crate) async fn announce_told(&self, minutes: Range<i64>, told: i64) {
        let [from, until] = [minutes.start, minutes.end].map(|minute| self.begun.plus(minute * 60));
        let data = json!({
            "contract_id": "c1", "monitors": [endpoint()], "maintenance": [{ "from": from, "until": until }],
        });
        let event = event("3", self.begun.plus(1), "contract.monitors-set", &data);
        self.hear(&event, event.time.plus(told * 60)).await;
    }

    /// Announces work on the monitor at this port as it begins to run.
    pub(crate) async fn announce_for(&self, port: u16, window: &Value) {
        let mut endpoint = endpoint();
        endpoint["check"]["port"] = port.into();
        let data = json!({ "contract_id": "c1", "monitors": [endpoint], "maintenance": [window] });
        let event = event("3", self.begun.plus(1), "contract.monitors-set", &data);
        self.hear(&event, event.time).await;
    }

    /// At some slot the monitor is wished not to be asked in these; that is told later.
    pub(crate) async fn pause(&self, minutes: Range<i64>, told: i64) {
        let mut endpoint = endpoint();
        endpoint["pauses"] = json!([{ "from": self.slot(minutes.start), "until": self.slot(minutes.end) }]);
        let data = json!({ "contract_id": "c1", "monitors": [endpoint] });
        let event = event("5", self.slot(minutes.start - 1), "contract.monitors-set", &data);
        self.hear(&event, self.after(told)).await;
    }

    /// Another monitor in the same shard, whose contract goes on.
    pub(crate) async fn add_neighbour(&self) -> MonitorId {
        self.add_neighbour_every(Interval::SHORTEST).await
    }

    /// The same, asked in this interval.
    pub(crate) async fn add_neighbour_every(&self, interval: Interval) -> MonitorId {
        let ours = self.table.monitor(&self.monitor).await.unwrap().unwrap().value;
        let mut watch = ours.watch.clone();
        watch.schedule.grid = Grid::new(interval, ours.watch.schedule.grid.phase()).unwrap();
        watch.service.monitor = "neighbour".parse().unwrap();
        let checks = [(self.begun, ours.configurations[0].check.clone())];
        let added = self.table.add_monitor(watch, &checks, &panel(), || Salt([9; 16])).await.unwrap();
        assert_eq!(added.place.shard, self.shard);
        added.watch.service.monitor
    }

    /// Ends the contract after so many slots.
    pub(crate) async fn end(&self, minutes: i64) {
        self.end_told(minutes, minutes).await;
    }

    /// Ends the contract after so many slots, and tells it later.
    pub(crate) async fn end_told(&self, minutes: i64, told: i64) {
        let data = json!({ "contract_id": "c1" });
        self.hear(&event("4", self.slot(minutes), "contract.completed", &data), self.after(told)).await;
    }

    /// The contract's end moves, which is told at this minute.
    pub(crate) async fn extend_told(&self, ends: i64, told: i64) {
        let data = json!({ "contract_id": "c1", "ends_at": self.begun.plus(ends * 60) });
        let now = self.after(told);
        self.hear(&event("6", now, "contract.extended", &data), now).await;
    }

    /// Hears of an event when it is this late.
    async fn hear(&self, event: &MarketplaceEvent, now: Moment) {
        let contract = {
            let mut known = self.contract.lock().unwrap();
            known.join(event.time, &event.happened);
            known.clone()
        };
        let joined = lifecycle::follow(&self.lifecycle, &"c1".parse().unwrap(), event, &contract, now).await;
        joined.unwrap().unwrap();
    }

    /// Looks again at what is to be looked at again.
    pub(crate) async fn review(&self, minutes: i64) {
        for monitor in self.table.reviews().await.unwrap() {
            uptime_seal::review(&self.app, &monitor, self.after(minutes)).await.unwrap();
        }
    }

    pub(crate) async fn facts(&self) -> Vec<Facts> {
        self.table.facts_of(&"p1".parse().unwrap()).await.unwrap()
    }

    pub(crate) async fn records(&self) -> Vec<DayRecord> {
        let last = self.begun.plus(400 * 86_400).day();
        let days = self
            .table
            .sealed_days(&self.monitor, self.begun.day(), last, Freshness::LastWrite)
            .await
            .unwrap();
        days.iter().map(|day| DayRecord::decode(day.record.as_bytes()).unwrap()).collect()
    }

    /// The types of the events on the bus.
    pub(crate) fn told(&self) -> Vec<String> {
        let kind = |entry: Value| entry["DetailType"].as_str().unwrap().to_owned();
        self.services.published().into_iter().map(kind).collect()
    }
}

pub(crate) fn panel() -> Panel {
    Panel::new(["home".parse().unwrap()].into()).unwrap()
}
