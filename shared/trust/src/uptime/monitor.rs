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
    contract::{Contract, Worth},
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

/// Most bytes of one wish, as JSON: all that twenty endpoints ordinarily have, with room. More, and a few wishes would be all that a
/// contract can have.
pub const LARGEST_WISH: usize = 64 * 1024;

/// Most bytes of all of a contract's wishes, as JSON, in which one that says the same as the one before is not repeated: some hundred
/// wishes of a few endpoints. A monitor has about twice what it takes of that, with salts, panels and times of announcement, and has to
/// stay within an item of the table, whose limit is 400 KB.
pub const MOST_WISHES: usize = 128 * 1024;

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
    /// More than [`LARGEST_WISH`] in all.
    #[error(
        "the monitors of a contract, with their pauses and maintenance, have at most {LARGEST_WISH} bytes"
    )]
    TooLarge,
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
            Self::TooMany | Self::TooLarge => endpoints.to_owned(),
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
        if bytes(self) > LARGEST_WISH {
            return Err(InvalidWish::TooLarge);
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
    ///
    /// # Errors
    ///
    /// There are more wishes than are kept: the latest are left out, be it this one or others. All else is joined.
    pub fn join(&mut self, event: &MarketplaceEvent, learned: Moment) -> Result<(), TooManyWishes> {
        match &event.happened {
            Happened::ContractProvisioned { endpoints, sla, .. } => {
                if let Some(sla) = sla.filter(|_| self.sla.is_none_or(|(known, _)| event.time < known)) {
                    self.sla = Some((event.time, sla));
                }
                if !endpoints.is_empty() {
                    let wish = Wish { endpoints: endpoints.clone(), maintenance: Vec::new() };
                    return self.wishes.join(event.time, &event.id, wish, learned);
                }
            }
            Happened::ContractMonitorsSet { monitors, maintenance, .. } => {
                let wish = Wish { endpoints: monitors.clone(), maintenance: maintenance.clone() };
                return self.wishes.join(event.time, &event.id, wish, learned);
            }
            _ => {}
        }
        Ok(())
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
            let rented_by = match contract.worth() {
                Worth::Full => RentedBy::Another,
                Worth::Minimal => RentedBy::ForNothing,
                Worth::SelfDealing => RentedBy::ProviderHimself,
            };
            let lapses = contract.lapses();
            Some((Watch { service, name, kind, schedule, windows, ended, lapses, sla, rented_by }, checks))
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

/// More wishes for a contract than are kept: see [`MOST_WISHES`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a contract's wishes for monitors have at most {MOST_WISHES} bytes in all; left out, as the latest: {}",
    left_out.join(", ")
)]
pub struct TooManyWishes {
    /// The ids of those that are left out.
    pub left_out: Vec<String>,
}

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
    /// Absent where it says the same as the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wish: Option<Wish>,
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
    ///
    /// What is kept is the same in any order: each wish more leaves less room for those after it, and never for those before.
    ///
    /// # Errors
    ///
    /// There are more wishes than are kept: the latest are left out.
    pub fn join(&mut self, at: Moment, id: &str, wish: Wish, learned: Moment) -> Result<(), TooManyWishes> {
        let known = self.0.entry((at, id.to_owned())).or_insert(Known { learned, wish });
        known.learned = known.learned.min(learned);
        let mut room = MOST_WISHES;
        let fits = |stated: &Stated| {
            let left = room.checked_sub(bytes(stated));
            room = left.unwrap_or_default();
            left.is_some()
        };
        let kept = Vec::from(self.clone()).iter().map(fits).take_while(|fits| *fits).count();
        let Some(first) = self.0.keys().nth(kept).cloned() else { return Ok(()) };
        let left_out = self.0.split_off(&first).into_keys().map(|(_, id)| id).collect();
        Err(TooManyWishes { left_out })
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
        let mut before = Wish::default();
        let known = |Stated { at, id, learned, wish }| {
            before = wish.unwrap_or_else(|| before.clone());
            ((at, id), Known { learned, wish: before.clone() })
        };
        Self(stated.into_iter().map(known).collect())
    }
}

impl From<Wishes> for Vec<Stated> {
    fn from(wishes: Wishes) -> Self {
        let mut before = None;
        let stated = |((at, id), Known { learned, wish })| {
            let said = Some(wish).filter(|wish| before.as_ref() != Some(wish));
            before = said.clone().or_else(|| before.take());
            Stated { at, id, learned, wish: said }
        };
        wishes.0.into_iter().map(stated).collect()
    }
}

/// How long something is as JSON.
fn bytes(value: &impl Serialize) -> usize {
    // Texts, numbers and lists of those always have a JSON.
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
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
            self.join(at, id, wish, at).unwrap();
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
            monitoring.join(event, event.time).unwrap();
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
        wishes.join(at(10), "b", work(2000, 2060), at(900)).unwrap();
        assert_eq!(announced(&wishes), [at(900)]);
        wishes.join(at(10), "b", work(2000, 2060), at(1000)).unwrap();
        assert_eq!(announced(&wishes), [at(900)], "told again");
        // Another wish says the same, and was there first, though it was made later.
        wishes.join(at(20), "c", work(2000, 2060), at(500)).unwrap();
        assert_eq!(announced(&wishes), [at(500)]);
    }

    #[test]
    fn no_slot_is_expected_before_anybody_could_know_of_the_monitor() {
        let mut wishes = Wishes::default();
        wishes.join(at(0), "a", wish(&[endpoint("web", 80)]), at(50)).unwrap();
        assert_eq!(running(&wishes, "web", Some(at(200))), [span(50, 200)].into_iter().collect());
        let checks = |wishes: &Wishes| -> Vec<(Moment, Check)> {
            wishes.monitors(&contract(), None).into_values().flat_map(|monitor| monitor.checks).collect()
        };
        let first = checks(&wishes);
        assert_eq!(first[0].0, at(50));
        // One that was made before and is learned of later changes nothing of what was asked.
        wishes.join(at(-9), "b", wish(&[endpoint("web", 81)]), at(60)).unwrap();
        assert_eq!(running(&wishes, "web", Some(at(200))), [span(50, 200)].into_iter().collect());
        assert_eq!(checks(&wishes), first);
    }

    #[test]
    fn what_is_taken_back_late_was_not_to_be_asked_and_what_is_wished_for_late_was_not_asked() {
        let (with, without) = (wish(&[endpoint("web", 80)]), wish(&[]));
        let mut wishes = Wishes::default();
        wishes.learn(at(0), "a", with.clone());
        wishes.join(at(60), "b", without, at(90)).unwrap();
        assert_eq!(running(&wishes, "web", None), [span(0, 60)].into_iter().collect());
        wishes.join(at(120), "c", with, at(150)).unwrap();
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
            (large(80), true),
            (Wish { maintenance: vec![span(30, 40); 1500], ..large(80) }, false),
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

    /// About a tenth of what may be kept.
    fn large(port: u16) -> Wish {
        let endpoint = |number| Endpoint {
            check: Check::Http {
                url: format!("http://a.example:{port}/{}", "x".repeat(1000)),
                method: super::super::check::Method::Get,
                status: None,
                contains: None,
                within_ms: None,
            },
            ..endpoint(&format!("e{number}"), 1)
        };
        wish(&(0..MOST_ENDPOINTS).map(endpoint).collect::<Vec<_>>())
    }

    #[test]
    fn of_too_many_wishes_the_earliest_are_kept_in_whatever_order_they_come() {
        let join = |order: &[u16]| {
            let (mut wishes, mut refused) = (Wishes::default(), 0);
            for &number in order {
                let id = number.to_string();
                if let Err(TooManyWishes { left_out }) =
                    wishes.join(at(number.into()), &id, large(number), at(0))
                {
                    refused += left_out.len();
                    assert!(left_out.iter().all(|left_out| left_out.parse::<u16>().unwrap() >= 5));
                }
            }
            (wishes, refused)
        };
        let order: Vec<u16> = (0..20).collect();
        let (kept, refused) = join(&order);
        assert!(kept.0.len() + refused == 20 && (5..7).contains(&kept.0.len()), "{}", kept.0.len());
        let json = serde_json::to_vec(&kept).unwrap();
        assert!(json.len() <= MOST_WISHES + 100 && json.len() > MOST_WISHES / 2);
        let backwards: Vec<u16> = order.iter().rev().copied().collect();
        let mixed: Vec<u16> = (0..20).map(|number| number * 7 % 20).collect();
        for other in [backwards, mixed] {
            assert_eq!(join(&other), (kept.clone(), refused));
        }
    }

    #[test]
    fn saying_the_same_again_takes_little_room_and_reads_back() {
        let mut wishes = Wishes::default();
        for minute in 0..100 {
            wishes.learn(at(minute), &format!("msg_{minute}"), large(u16::from(minute >= 50)));
        }
        let kept = serde_json::to_string(&wishes).unwrap();
        assert!(kept.len() < MOST_WISHES);
        assert_eq!(serde_json::from_str::<Wishes>(&kept).unwrap(), wishes);
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
                    wishes.join(at(minute), &format!("{web}-{ssh}"), wish(&endpoints), at(minute + late)).unwrap();
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
