//! What is watched for a contract: the wishes of its parties, and the monitors that follow from them.
//!
//! A wish names all endpoints that are to be watched from its time on; the next wish takes its place. The monitors are worked out
//! from all wishes, so wishes may come late, twice and in any order. What is named again goes on as the same monitor; what is
//! asked at another interval is another monitor, because a day has one grid.
//!
//! With each wish goes when we learned of it, at first sight. Nobody could ask before that, and nothing was in the log: a slot is
//! expected only if it was to be asked by what was known as it began, and work is announced when we learned of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    contract::Contract,
    id::ContractId,
    marketplace::{Happened, MarketplaceEvent},
    time::Moment,
};

use super::{
    check::Check,
    facts::{RentedBy, Watch},
    maintenance::{InvalidWindow, Window},
    names::{EndpointName, MonitorId},
    outage::Service,
    record::Sha256Hash,
    schedule::{Grid, Interval, Schedule},
    sla::Sla,
    span::{Span, Spans},
};

/// Most endpoints of a contract. More would let one contract fill a shard by itself.
pub const MOST_ENDPOINTS: usize = 20;

/// Most wishes of a contract that are kept; beyond it the oldest but one goes. More would outgrow an item of the table.
pub const MOST_WISHES: usize = 100;

/// One endpoint of a service, and how it is to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// What the parties call it.
    pub name: EndpointName,
    /// How it is asked, and what it should answer.
    pub check: Check,
    /// How often; every minute where nothing else is said.
    #[serde(default = "shortest")]
    pub interval_seconds: Interval,
    /// When it is not to be asked. What is in the past when it is wished for does not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Span>,
}

fn shortest() -> Interval {
    Interval::SHORTEST
}

/// What is to be watched from some time on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// All endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Announced work on any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maintenance: Vec<Span>,
}

/// Why a wish is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWish {
    /// More endpoints than a contract may have.
    #[error("a contract has at most {MOST_ENDPOINTS} monitors")]
    TooMany,
    /// Two endpoints of one name.
    #[error("an earlier monitor has the same name")]
    Twice {
        /// The later one.
        endpoint: usize,
    },
    /// A pause that ends before it starts, or began before it was wished for.
    #[error("a pause starts in the future and ends after it starts")]
    Pause {
        /// Whose.
        endpoint: usize,
    },
    /// Maintenance that starts in the past or never.
    #[error("{reason}")]
    Maintenance {
        /// Which window.
        window: usize,
        /// What is wrong with it.
        reason: InvalidWindow,
    },
}

impl InvalidWish {
    /// Where in the wish the fault is, as a JSON pointer's last parts. `endpoints` is what the endpoints are called there.
    pub fn pointer(&self, endpoints: &str) -> String {
        match self {
            Self::TooMany => endpoints.to_owned(),
            Self::Twice { endpoint } => format!("{endpoints}/{endpoint}/name"),
            Self::Pause { endpoint } => format!("{endpoints}/{endpoint}/pauses"),
            Self::Maintenance { window, .. } => format!("maintenance/{window}"),
        }
    }
}

impl Wish {
    /// Checks a wish that is made now: nothing in it may be in the past.
    pub fn check(&self, now: Moment) -> Result<(), InvalidWish> {
        if self.endpoints.len() > MOST_ENDPOINTS {
            return Err(InvalidWish::TooMany);
        }
        let mut names = BTreeSet::new();
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            if !names.insert(&endpoint.name) {
                return Err(InvalidWish::Twice { endpoint: index });
            }
            if endpoint.pauses.iter().any(|pause| pause.is_empty() || pause.from < now) {
                return Err(InvalidWish::Pause { endpoint: index });
            }
        }
        for (window, span) in self.maintenance.iter().enumerate() {
            Window::announce(*span, now).map_err(|reason| InvalidWish::Maintenance { window, reason })?;
        }
        Ok(())
    }
}

/// All that the marketplace said of what is to be watched for a contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitoring {
    /// What was wished for.
    pub wishes: Wishes,
    /// What was promised first, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla: Option<(Moment, Sla)>,
}

impl Monitoring {
    /// Joins an event about the contract that we learned of at `learned`; of several times, the first holds. Events about anything
    /// else change nothing.
    pub fn join(&mut self, event: &MarketplaceEvent, learned: Moment) {
        match &event.happened {
            Happened::ContractProvisioned { endpoints, sla, .. } => {
                if let Some(sla) = sla.filter(|_| self.sla.is_none_or(|(known, _)| event.time < known)) {
                    self.sla = Some((event.time, sla));
                }
                if !endpoints.is_empty() {
                    let wish = Wish { endpoints: endpoints.clone(), maintenance: Vec::new() };
                    self.wishes.join(event.time, &event.id, wish, learned);
                }
            }
            Happened::ContractMonitorsSet { monitors, maintenance, .. } => {
                let wish = Wish { endpoints: monitors.clone(), maintenance: maintenance.clone() };
                self.wishes.join(event.time, &event.id, wish, learned);
            }
            _ => {}
        }
    }

    /// What anybody may know of the monitors, and how each is asked from when on. None before the contract's terms are known, which
    /// name the provider.
    pub fn watches(&self, contract: &Contract) -> Vec<(Watch, Vec<(Moment, Check)>)> {
        let Some(terms) = contract.terms() else { return Vec::new() };
        let ended = end_of(contract);
        let watch = |(id, wished): (MonitorId, Wished)| {
            let kind = wished.checks.last()?.1.kind();
            let service = Service {
                provider: terms.provider_id.clone(),
                contract: Some(terms.contract_id.clone()),
                monitor: id,
            };
            let Wished { name, schedule, checks, windows } = wished;
            let sla = self.sla.map(|(_, sla)| sla);
            let rented_by =
                if terms.is_self_dealing() { RentedBy::ProviderHimself } else { RentedBy::Another };
            Some((Watch { service, name, kind, schedule, windows, ended, sla, rented_by }, checks))
        };
        self.wishes.monitors(&terms.contract_id, ended).into_iter().filter_map(watch).collect()
    }
}

/// All wishes for a contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Stated>", into = "Vec<Stated>")]
pub struct Wishes(BTreeMap<Place, Known>);

/// Where a wish stands among the others: when it was made, and its id.
type Place = (Moment, String);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    learned: Moment,
    wish: Wish,
}

#[derive(Serialize, Deserialize)]
struct Stated {
    at: Moment,
    id: String,
    learned: Moment,
    wish: Wish,
}

/// A monitor as the wishes have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wished {
    /// What the parties call it.
    pub name: EndpointName,
    /// When it is asked.
    pub schedule: Schedule,
    /// How it was asked from when on, by time.
    pub checks: Vec<(Moment, Check)>,
    /// The work that was announced for it, by its announcement.
    pub windows: Vec<Window>,
}

/// When a monitor was to be asked: by all that is known, and by what was known then.
#[derive(Debug, Default)]
struct Running {
    now: Vec<Span>,
    then: Vec<Span>,
}

impl Wishes {
    /// Joins a wish that we learned of at `learned`; of several times, the first holds. `id` tells apart two of the same second.
    pub fn join(&mut self, at: Moment, id: &str, wish: Wish, learned: Moment) {
        let known = self.0.entry((at, id.to_owned())).or_insert(Known { learned, wish });
        known.learned = known.learned.min(learned);
        while self.0.len() > MOST_WISHES {
            // The first says since when there are monitors at all.
            let Some(second) = self.0.keys().nth(1).cloned() else { return };
            self.0.remove(&second);
        }
    }

    /// The monitors, those that have ended among them, and those that never run because the contract had ended. `ended` is its end.
    pub fn monitors(&self, contract: &ContractId, ended: Option<Moment>) -> BTreeMap<MonitorId, Wished> {
        let end = ended.unwrap_or(Moment::LATEST);
        let mut found: BTreeMap<MonitorId, Wished> = BTreeMap::new();
        let mut running: BTreeMap<MonitorId, Running> = BTreeMap::new();
        for (wish, held) in self.held() {
            for endpoint in &wish.endpoints {
                let id = monitor_id(contract, &endpoint.name, endpoint.interval_seconds);
                running.entry(id.clone()).or_default().then.extend(endpoint.asked_within(held));
                let monitor = found.entry(id.clone()).or_insert_with(|| Wished {
                    name: endpoint.name.clone(),
                    schedule: Schedule {
                        grid: Grid::of(&id, endpoint.interval_seconds),
                        running: Spans::default(),
                    },
                    checks: Vec::new(),
                    windows: Vec::new(),
                });
                if monitor.checks.last().is_none_or(|(_, check)| *check != endpoint.check) {
                    monitor.checks.push((held.from, endpoint.check.clone()));
                }
            }
        }
        let ends = self.0.keys().skip(1).map(|(at, _)| *at).chain([end]);
        for (((at, _), Known { learned, wish }), until) in self.0.iter().zip(ends) {
            let reign = Span { from: *at, until: until.min(end) };
            for endpoint in &wish.endpoints {
                let id = monitor_id(contract, &endpoint.name, endpoint.interval_seconds);
                running.entry(id.clone()).or_default().now.extend(endpoint.asked_within(reign));
                let Some(monitor) = found.get_mut(&id) else { continue };
                for &span in &wish.maintenance {
                    let announced_at = *learned.max(at);
                    match monitor.windows.iter_mut().find(|window| window.span == span) {
                        Some(window) => window.announced_at = window.announced_at.min(announced_at),
                        None => monitor.windows.push(Window { announced_at, span }),
                    }
                }
            }
        }
        for (id, monitor) in &mut found {
            monitor.windows.sort_unstable();
            if let Some(Running { now, then }) = running.remove(id) {
                let then: Spans = then.into_iter().collect();
                monitor.schedule.running = now.into_iter().flat_map(|span| within(span, &then)).collect();
            }
        }
        found
    }

    /// What was known to be wished for, and when: each wish from when it had been made and learned of, up to when a later one had.
    fn held(&self) -> Vec<(&Wish, Span)> {
        let mut known: Vec<(Moment, &Place, &Wish)> = self
            .0
            .iter()
            .map(|(place, Known { learned, wish })| (place.0.max(*learned), place, wish))
            .collect();
        known.sort_unstable_by_key(|(since, place, _)| (*since, *place));
        let mut held: Vec<(&Place, &Wish, Span)> = Vec::new();
        for (since, place, wish) in known {
            match held.last_mut() {
                // It had been replaced before anybody learned of it.
                Some((later, ..)) if place < *later => continue,
                Some((.., span)) => span.until = since,
                None => {}
            }
            held.push((place, wish, Span::since(since)));
        }
        held.into_iter().map(|(_, wish, span)| (wish, span)).collect()
    }
}

impl Endpoint {
    /// When it is to be asked within this span.
    fn asked_within(&self, span: Span) -> Vec<Span> {
        without(span, &self.pauses.iter().copied().collect())
    }
}

impl From<Vec<Stated>> for Wishes {
    fn from(stated: Vec<Stated>) -> Self {
        let known = |Stated { at, id, learned, wish }| ((at, id), Known { learned, wish });
        Self(stated.into_iter().map(known).collect())
    }
}

impl From<Wishes> for Vec<Stated> {
    fn from(wishes: Wishes) -> Self {
        let stated = |((at, id), Known { learned, wish })| Stated { at, id, learned, wish };
        wishes.0.into_iter().map(stated).collect()
    }
}

/// When a contract's service ceased. A handover that failed before one that succeeded is no end.
fn end_of(contract: &Contract) -> Option<Moment> {
    let failed = contract.provisioning_failed;
    let ends = [
        contract.completed,
        contract.cancelled.map(|(at, _)| at),
        contract.rejected,
        failed.filter(|failed| contract.provisioned.is_none_or(|provisioned| provisioned <= *failed)),
    ];
    ends.into_iter().flatten().min()
}

/// The id of a monitor: the first 16 bytes of SHA-256 over contract, endpoint and interval, in hex. It says nothing of where the
/// endpoint is, and is the same wherever it is worked out.
fn monitor_id(contract: &ContractId, name: &EndpointName, interval: Interval) -> MonitorId {
    let text = format!("{contract}\n{name}\n{}", interval.seconds());
    let hash = Sha256Hash::of(text.as_bytes());
    MonitorId::of_hash(&hash.0)
}

/// What of a span is in these.
fn within(span: Span, those: &Spans) -> impl Iterator<Item = Span> + '_ {
    those.iter().map(move |one| one.overlap(span)).filter(|part| !part.is_empty())
}

/// What of a span is in none of these.
pub(super) fn without(span: Span, taken: &Spans) -> Vec<Span> {
    let mut left = Vec::new();
    let mut from = span.from;
    for hole in taken.iter().map(|hole| hole.overlap(span)).filter(|hole| !hole.is_empty()) {
        left.push(Span { from, until: hole.from });
        from = hole.until;
    }
    left.push(Span { from, until: span.until });
    left.retain(|part| !part.is_empty());
    left
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> Moment {
        Moment::parse("2026-11-24T00:00:00Z").unwrap().plus(minutes * 60)
    }

    fn span(from: i64, until: i64) -> Span {
        Span { from: at(from), until: at(until) }
    }

    fn endpoint(name: &str, port: u16) -> Endpoint {
        Endpoint {
            name: name.parse().unwrap(),
            check: Check::Tcp { host: "example.com".to_owned(), port },
            interval_seconds: Interval::SHORTEST,
            pauses: Vec::new(),
        }
    }

    impl Wishes {
        /// Joins a wish that we learn of as it is made.
        fn learn(&mut self, at: Moment, id: &str, wish: Wish) {
            self.join(at, id, wish, at);
        }
    }

    fn wish(endpoints: &[Endpoint]) -> Wish {
        Wish { endpoints: endpoints.to_vec(), maintenance: Vec::new() }
    }

    fn contract() -> ContractId {
        "c-1".parse().unwrap()
    }

    fn running(wishes: &Wishes, name: &str, ended: Option<Moment>) -> Spans {
        let monitors = wishes.monitors(&contract(), ended);
        let of_name = monitors.into_values().find(|monitor| monitor.name.as_str() == name);
        of_name.map(|monitor| monitor.schedule.running).unwrap_or_default()
    }

    #[test]
    fn a_monitor_runs_from_the_wish_that_names_it_to_the_one_that_does_not_or_the_contracts_end() {
        let mut wishes = Wishes::default();
        wishes.learn(at(0), "a", wish(&[endpoint("web", 80), endpoint("ssh", 22)]));
        wishes.learn(at(60), "b", wish(&[endpoint("web", 8080)]));
        wishes.learn(at(120), "c", wish(&[endpoint("web", 8080), endpoint("ssh", 22)]));
        assert_eq!(running(&wishes, "web", Some(at(200))), [span(0, 200)].into_iter().collect());
        assert_eq!(
            running(&wishes, "ssh", Some(at(200))),
            [span(0, 60), span(120, 200)].into_iter().collect()
        );
        assert_eq!(running(&wishes, "ssh", None).iter().next_back(), Some(Span::since(at(120))));
        let monitors = wishes.monitors(&contract(), None);
        let web = monitors.values().find(|monitor| monitor.name.as_str() == "web").unwrap();
        let since: Vec<Moment> = web.checks.iter().map(|(since, _)| *since).collect();
        assert_eq!(since, [at(0), at(60)], "a change of target is a new version of the same monitor");
    }

    fn happened(at: Moment, kind: &str, more: &serde_json::Value) -> MarketplaceEvent {
        let mut data = serde_json::json!({ "contract_id": "c-1" });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let event = serde_json::json!({
            "specversion": "1.0", "id": kind, "source": "/test", "type": kind, "time": at, "data": data,
        });
        serde_json::from_value(event).unwrap()
    }

    /// The watches of a contract of which this was told.
    fn watches(events: &[MarketplaceEvent]) -> Vec<(Watch, Vec<(Moment, Check)>)> {
        let (mut contract, mut monitoring) = (Contract::default(), Monitoring::default());
        for event in events {
            contract.join(event.time, &event.happened);
            monitoring.join(event, event.time);
        }
        monitoring.watches(&contract)
    }

    fn requested() -> MarketplaceEvent {
        let terms = serde_json::json!({
            "provider_id": "p1", "renter_id": "r1", "offering_id": "o1", "term_seconds": 86400,
            "price": { "minor_units": 500, "currency": "EUR" },
        });
        happened(at(0), "contract.requested", &terms)
    }

    #[test]
    fn a_handover_that_failed_before_one_that_succeeded_is_no_end() {
        let nothing = serde_json::json!({});
        let endpoints = serde_json::json!({ "endpoints": [endpoint("web", 80)] });
        let failed = |minute| happened(at(minute), "contract.provisioning-failed", &nothing);
        let provisioned = happened(at(10), "contract.provisioned", &endpoints);
        let retried = watches(&[requested(), failed(8), provisioned.clone()]);
        assert_eq!(retried[0].0.ended, None);
        assert!(!retried[0].0.schedule.running.is_empty());
        let broken = watches(&[requested(), provisioned, failed(12)]);
        assert_eq!(broken[0].0.ended, Some(at(12)));
    }

    #[test]
    fn a_contract_that_turns_out_to_have_ended_before_its_handover_still_names_its_monitors() {
        let endpoints = serde_json::json!({ "endpoints": [endpoint("web", 80)] });
        let provisioned = happened(at(10), "contract.provisioned", &endpoints);
        let ended = happened(at(9), "contract.completed", &serde_json::json!({}));
        let (watch, _) = watches(&[requested(), provisioned, ended]).pop().unwrap();
        assert!(watch.schedule.running.is_empty(), "it is to be asked no more");
        assert_eq!((watch.ended, watch.last_day()), (Some(at(9)), Some(at(9).day())));
    }

    #[test]
    fn another_interval_is_another_monitor() {
        let mut wishes = Wishes::default();
        wishes.learn(at(0), "a", wish(&[endpoint("web", 80)]));
        let slower =
            Endpoint { interval_seconds: Interval::from_seconds(300).unwrap(), ..endpoint("web", 80) };
        wishes.learn(at(60), "b", wish(&[slower]));
        let monitors: Vec<Wished> = wishes.monitors(&contract(), None).into_values().collect();
        assert_eq!(monitors.len(), 2);
        let total: u64 =
            monitors.iter().map(|monitor| monitor.schedule.running.seconds_in(span(0, 120))).sum();
        assert_eq!(total, 120 * 60);
    }

    #[test]
    fn a_pause_holds_for_as_long_as_the_wish_that_has_it() {
        let mut wishes = Wishes::default();
        let paused = Endpoint { pauses: vec![span(30, 50), span(90, 200)], ..endpoint("web", 80) };
        wishes.learn(at(0), "a", wish(&[paused]));
        wishes.learn(at(100), "b", wish(&[endpoint("web", 80)]));
        let expected = [span(0, 30), span(50, 90), span(100, 150)].into_iter().collect();
        assert_eq!(running(&wishes, "web", Some(at(150))), expected);
    }

    #[test]
    fn work_counts_from_its_first_announcement_and_is_not_taken_back() {
        let mut wishes = Wishes::default();
        let work = vec![span(2000, 2060)];
        wishes.learn(at(0), "a", Wish { maintenance: work.clone(), ..wish(&[endpoint("web", 80)]) });
        wishes.learn(at(10), "b", Wish { maintenance: work, ..wish(&[endpoint("web", 80)]) });
        wishes.learn(at(20), "c", wish(&[endpoint("web", 80)]));
        let monitors = wishes.monitors(&contract(), None);
        let windows: Vec<&Window> = monitors.values().flat_map(|monitor| &monitor.windows).collect();
        assert_eq!(windows, [&Window { announced_at: at(0), span: span(2000, 2060) }]);
    }

    #[test]
    fn work_is_announced_when_we_learned_of_it_and_not_when_it_is_said_to_have_been() {
        let web = || wish(&[endpoint("web", 80)]);
        let work = |from, until| Wish { maintenance: vec![span(from, until)], ..web() };
        let announced = |wishes: &Wishes| -> Vec<Moment> {
            let monitors = wishes.monitors(&contract(), None);
            monitors.values().flat_map(|monitor| &monitor.windows).map(|window| window.announced_at).collect()
        };
        let mut wishes = Wishes::default();
        wishes.learn(at(0), "a", web());
        wishes.join(at(10), "b", work(2000, 2060), at(900));
        assert_eq!(announced(&wishes), [at(900)]);
        wishes.join(at(10), "b", work(2000, 2060), at(1000));
        assert_eq!(announced(&wishes), [at(900)], "told again");
        // Another wish says the same, and was there first, though it was made later.
        wishes.join(at(20), "c", work(2000, 2060), at(500));
        assert_eq!(announced(&wishes), [at(500)]);
    }

    #[test]
    fn no_slot_is_expected_before_anybody_could_know_of_the_monitor() {
        let mut wishes = Wishes::default();
        wishes.join(at(0), "a", wish(&[endpoint("web", 80)]), at(50));
        assert_eq!(running(&wishes, "web", Some(at(200))), [span(50, 200)].into_iter().collect());
        let checks = |wishes: &Wishes| -> Vec<(Moment, Check)> {
            wishes.monitors(&contract(), None).into_values().flat_map(|monitor| monitor.checks).collect()
        };
        let first = checks(&wishes);
        assert_eq!(first[0].0, at(50));
        // One that was made before and is learned of later changes nothing of what was asked.
        wishes.join(at(-9), "b", wish(&[endpoint("web", 81)]), at(60));
        assert_eq!(running(&wishes, "web", Some(at(200))), [span(50, 200)].into_iter().collect());
        assert_eq!(checks(&wishes), first);
    }

    #[test]
    fn what_is_taken_back_late_was_not_to_be_asked_and_what_is_wished_for_late_was_not_asked() {
        let (with, without) = (wish(&[endpoint("web", 80)]), wish(&[]));
        let mut wishes = Wishes::default();
        wishes.learn(at(0), "a", with.clone());
        wishes.join(at(60), "b", without, at(90));
        assert_eq!(running(&wishes, "web", None), [span(0, 60)].into_iter().collect());
        wishes.join(at(120), "c", with, at(150));
        assert_eq!(
            running(&wishes, "web", Some(at(200))),
            [span(0, 60), span(150, 200)].into_iter().collect()
        );
    }

    #[test]
    fn a_wish_that_reaches_into_the_past_or_names_an_endpoint_twice_is_refused() {
        let web = endpoint("web", 80);
        let with_pause = |pause| wish(&[Endpoint { pauses: vec![pause], ..web.clone() }]);
        let with_work = |span| Wish { maintenance: vec![span], ..wish(std::slice::from_ref(&web)) };
        let now = at(10);
        for (wish, fine) in [
            (wish(std::slice::from_ref(&web)), true),
            (wish(&[web.clone(), web.clone()]), false),
            (wish(&vec![web.clone(); MOST_ENDPOINTS + 1]), false),
            (with_pause(span(10, 20)), true),
            (with_pause(span(9, 20)), false),
            (with_pause(span(30, 20)), false),
            (with_work(span(11, 20)), true),
            (with_work(span(10, 20)), false),
            (with_work(span(20, 20)), false),
        ] {
            assert_eq!(wish.check(now).is_ok(), fine, "{wish:?}");
        }
    }

    #[test]
    fn a_contract_with_endless_wishes_keeps_its_first_and_its_latest() {
        let mut wishes = Wishes::default();
        for minute in 0..300 {
            wishes.learn(at(minute), "x", wish(&[endpoint("web", minute as u16 + 1)]));
        }
        assert_eq!(wishes.0.len(), MOST_WISHES);
        assert_eq!(running(&wishes, "web", Some(at(400))), [span(0, 400)].into_iter().collect());
    }

    proptest! {
        #[test]
        fn wishes_in_any_order_and_twice_make_the_same_monitors(
            stated in prop::collection::vec((0..50_i64, 0..4_u16, 0..3_u16, 0..50_i64), 1..8).prop_shuffle(),
        ) {
            let build = |order: &[(i64, u16, u16, i64)]| {
                let mut wishes = Wishes::default();
                for &(minute, web, ssh, late) in order {
                    let mut endpoints = Vec::new();
                    if web > 0 { endpoints.push(endpoint("web", web)); }
                    if ssh > 0 { endpoints.push(endpoint("ssh", ssh)); }
                    wishes.join(at(minute), &format!("{web}-{ssh}"), wish(&endpoints), at(minute + late));
                }
                wishes
            };
            let mut sorted = stated.clone();
            sorted.sort_unstable();
            let twice: Vec<_> = stated.iter().chain(&stated).copied().collect();
            prop_assert_eq!(build(&twice).monitors(&contract(), None), build(&sorted).monitors(&contract(), None));
        }
    }
}
