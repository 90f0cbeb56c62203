//! Uptime, outages and promises. Shares go with the slots they are of; percentages are cut, so that 100 % is all of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use trust::{
    id::ProviderId,
    ratio::Ratio,
    uptime::{
        day::{self, Bounds, Tally, VantageCount},
        facts::{DayFact, Facts},
        interval::UptimeInterval,
        leaves::CheckKind,
        maintenance::Window as Maintenance,
        names::{EndpointName, MonitorId, Vantage},
        outage::{self, Ended},
        percent::BasisPoints,
        reports::{Reported, Reporter, Said, Says},
        sla,
        slot::{Gap, Reason},
        span::Span,
    },
};

use super::scalar::{Date, Text, Time};
use crate::overview::{Kept, Overview, Promise, Watched, Window};

/// Who saw it: we did, asking from outside.
const PROVENANCE: &str = "probe";

/// Most monitors whose days are all answered at once. Ninety days of each take 20 KB, and an answer of Lambda at most 6 MB.
const MOST_BY_DAY: usize = 100;

/// Why no uptime is claimed; `None` if one is.
pub(crate) fn no_claim(tally: &Tally) -> Option<String> {
    if tally.claim().is_some() {
        return None;
    }
    Some(match tally.coverage().basis_points() {
        None => "not enough data: nothing was due in these days".to_owned(),
        Some(coverage) => {
            format!("not enough data: {coverage} of what was due was measured, 95 % are needed")
        }
    })
}

/// What others said of each monitor.
pub(crate) type ReportedOf = BTreeMap<MonitorId, Reported>;

/// A provider's uptime over whole UTC days that are over.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Uptime<'a> {
    /// The provider.
    id: Text<&'a ProviderId>,
    /// Who saw it: our own checks.
    provenance: &'static str,
    /// How many days.
    days: u16,
    /// The first of them.
    first_day: Date,
    /// The last of them: yesterday.
    last_day: Date,
    /// As of when the least recent of the monitors that run was looked at.
    as_of: Option<Time>,
    /// Without announced maintenance, over all monitors.
    contractual: Figure,
    /// Announced maintenance is what was seen in it.
    raw: Figure,
    /// The 90 % interval, from whole days.
    interval: Option<Interval>,
    /// Today, as far as it was settled.
    today: Option<Today>,
    /// Each service.
    monitors: Vec<Monitor<'a>>,
    /// Each contract that promises an uptime, the worst first. Contracts are not named.
    slas: Vec<Sla<'a>>,
    /// Where more is.
    links: Links,
}

/// Paths of what belongs to an uptime.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UptimeLinks")]
struct Links {
    #[serde(rename = "self")]
    itself: String,
    proof: String,
    proof_page: String,
    outages: String,
    checkpoint: &'static str,
}

impl<'a> Uptime<'a> {
    pub(crate) fn of(provider: &'a ProviderId, overview: &'a Overview<'a>, reported: &ReportedOf) -> Self {
        let window = overview.window;
        let tally = overview.tally();
        let path = format!("/v1/providers/{provider}");
        let is_today_known = overview.monitors.iter().any(|watched| watched.today.is_some());
        Self {
            id: Text(provider),
            provenance: PROVENANCE,
            days: window.days(),
            first_day: Date(window.first()),
            last_day: Date(window.last()),
            as_of: overview.as_of().map(Time),
            contractual: Figure::of(&tally),
            raw: Figure::of(&tally.raw()),
            interval: Interval::of(&tally, overview.interval()),
            today: is_today_known.then(|| Today::of(window, &overview.today())),
            monitors: overview
                .monitors
                .iter()
                .map(|watched| Monitor::of(&path, overview, watched, reported))
                .collect(),
            slas: overview.promises.iter().map(Sla::of).collect(),
            links: Links {
                itself: format!("{path}/uptime?days={}", window.days()),
                proof: format!("{path}/proof?days={}", window.days()),
                proof_page: format!("/providers/{provider}/proof"),
                outages: format!("{path}/outages?days={}", window.days()),
                checkpoint: "/v1/log/checkpoint",
            },
        }
    }
}

/// One service that is watched.
#[derive(Debug, Serialize, JsonSchema)]
struct Monitor<'a> {
    /// Its id.
    id: Text<&'a MonitorId>,
    /// What its parties call it. Where it is, is not said.
    name: Text<&'a EndpointName>,
    /// How it is asked.
    check: Text<CheckKind>,
    /// How often.
    interval_seconds: u32,
    /// Since when.
    since: Option<Time>,
    /// Since when it is watched no more.
    ended: Option<Time>,
    /// As of when its running day was looked at.
    as_of: Option<Time>,
    /// Its last day that is a record.
    sealed_through: Option<Date>,
    /// Since when it is down, if it is.
    down_since: Option<Time>,
    /// Without announced maintenance.
    contractual: Figure,
    /// Announced maintenance is what was seen in it.
    raw: Figure,
    /// The 90 % interval, from whole days.
    interval: Option<Interval>,
    /// How fast it answered, over so many sealed days.
    latency: Option<Latency>,
    /// When its certificate expires, if that is soon.
    certificate_expires_at: Option<Time>,
    /// Today, as far as it was settled.
    today: Option<Today>,
    /// What was announced and reaches into these days.
    maintenance_announced: Vec<Notice>,
    /// Each day. Left out of more than 100 services.
    #[serde(skip_serializing_if = "Option::is_none")]
    slots_by_day: Option<Vec<SlotsOfDay>>,
    /// What others report of it. It counts for nothing.
    reported: Vec<Claim>,
    /// The path of its proof.
    proof: String,
}

impl<'a> Monitor<'a> {
    fn of(path: &str, overview: &Overview<'_>, watched: &'a Watched<'_>, reported: &ReportedOf) -> Self {
        let window = overview.window;
        let Facts { watch, sealed, current } = watched.facts;
        let tally = watched.tally();
        let reaches = |announced: &&Maintenance| announced.span.until > window.first().start();
        let by_day = || watched.days.iter().map(|fact| SlotsOfDay::of(watched.facts, fact)).collect();
        let reported =
            reported.get(watched.id()).map(|reported| reported.over(window.first(), window.today()));
        Self {
            id: Text(watched.id()),
            name: Text(&watch.name),
            check: Text(watch.kind),
            interval_seconds: watch.schedule.grid.interval().seconds(),
            since: watch.schedule.running.iter().next().map(|span| Time(span.from)),
            ended: watch.ended.map(Time),
            as_of: current.as_ref().map(|current| Time(current.as_of)),
            sealed_through: sealed.days.last().map(|fact| Date(fact.day)),
            down_since: watched.facts.open_outage().map(|outage| Time(outage.from)),
            contractual: Figure::of(&tally),
            raw: Figure::of(&tally.raw()),
            interval: Interval::of(&tally, UptimeInterval::of(watched.days.iter().map(|fact| &fact.tally))),
            latency: sealed.latency.get(&window.days()).copied().map(Latency::of),
            certificate_expires_at: current
                .as_ref()
                .and_then(|current| current.certificate_expires)
                .map(Time),
            today: watched.today.map(|fact| Today::of(window, &fact.tally)),
            maintenance_announced: watch.windows.iter().filter(reaches).map(Notice::of).collect(),
            slots_by_day: (overview.monitors.len() <= MOST_BY_DAY).then(by_day),
            reported: reported.unwrap_or_default().iter().map(|(by, said)| Claim::of(*by, said)).collect(),
            proof: format!("{path}/proof?days={}&monitor={}", window.days(), watched.id()),
        }
    }
}

/// What somebody else said of a service, today included. Where it differs from what we saw, it says so.
#[derive(Debug, Serialize, JsonSchema)]
struct Claim {
    /// Who said it.
    by: Text<Reporter>,
    /// Always `claimed`: nobody but the provider stands for it.
    provenance: &'static str,
    /// In how many statements.
    statements: u32,
    /// How long it was up, they say.
    up_seconds: u64,
    /// How long it was down, they say.
    down_seconds: u64,
    /// Where we saw the opposite.
    disagreements: Vec<Disagreement>,
}

/// Where a report says the opposite of what we saw.
#[derive(Debug, Serialize, JsonSchema)]
struct Disagreement {
    /// What was reported.
    #[schemars(extend("enum" = ["up", "down"]))]
    reported: Text<Says>,
    /// What we saw.
    #[schemars(extend("enum" = ["up", "down"]))]
    seen: Text<Says>,
    /// In how many slots.
    slots: u32,
    /// The latest stretches.
    latest: Vec<Stretch>,
}

/// A stretch of time.
#[derive(Debug, Serialize, JsonSchema)]
struct Stretch {
    /// From when,
    from: Time,
    /// until when.
    until: Time,
}

impl Claim {
    fn of(by: Reporter, said: &Said) -> Self {
        let stretch = |span: &Span| Stretch { from: Time(span.from), until: Time(span.until) };
        let disagreements = said.disagreements.iter().map(|found| Disagreement {
            reported: Text(found.says),
            seen: Text(if found.says == Says::Down { Says::Up } else { Says::Down }),
            slots: found.slots,
            latest: found.spans.iter().map(stretch).collect(),
        });
        Self {
            by: Text(by),
            provenance: "claimed",
            statements: said.statements,
            up_seconds: said.up_seconds,
            down_seconds: said.down_seconds,
            disagreements: disagreements.collect(),
        }
    }
}

/// Today, as far as it was settled.
#[derive(Debug, Serialize, JsonSchema)]
struct Today {
    /// The day.
    day: Date,
    /// Without announced maintenance.
    contractual: Figure,
    /// Announced maintenance is what was seen in it.
    raw: Figure,
}

impl Today {
    fn of(window: Window, tally: &Tally) -> Self {
        Self { day: Date(window.today()), contractual: Figure::of(tally), raw: Figure::of(&tally.raw()) }
    }
}

/// Counts of slots, one a check that was due, and what they come to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UptimeFigure")]
struct Figure {
    /// `up / (up + down)`; `null` below 95 % coverage.
    #[schemars(range(min = 0, max = 1))]
    uptime: Option<f64>,
    /// The same in percent, cut: only all of it is 100 %.
    uptime_text: Option<String>,
    /// Why no uptime is claimed.
    reason: Option<String>,
    /// `up + down`.
    n: u64,
    /// Slots that were up.
    up: u64,
    /// Slots that were down.
    down: u64,
    /// Those by why: `dns`, `refused`, `timeout`, `tls`, `status`, `body`.
    down_by_reason: BTreeMap<String, u64>,
    /// Slots of which nothing is known.
    unknown: u64,
    /// Those by why.
    unknown_by_gap: BTreeMap<String, u64>,
    /// Slots in maintenance that counts.
    maintenance: u64,
    /// Slots that were due.
    expected: u64,
    /// `(up + down) / (expected - maintenance)`.
    coverage: Part,
    /// What uptime would be if every unknown slot had been down, and up.
    bounds: Between,
}

impl Figure {
    fn of(tally: &Tally) -> Self {
        let claim = tally.claim();
        let Bounds { least, most } = tally.bounds();
        Self {
            uptime: claim.and_then(Ratio::share),
            uptime_text: claim.and_then(Ratio::basis_points).map(|share| share.to_string()),
            reason: no_claim(tally),
            n: tally.uptime().of,
            up: tally.up(),
            down: tally.down(),
            down_by_reason: down(tally),
            unknown: tally.unknown(),
            unknown_by_gap: unknown(tally),
            maintenance: tally.maintenance(),
            expected: tally.expected(),
            coverage: Part::of(tally.coverage()),
            bounds: Between { least: Part::of(least), most: Part::of(most) },
        }
    }
}

/// A share of slots.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ShareOfSlots")]
struct Part {
    /// The share; `null` of none.
    #[schemars(range(min = 0, max = 1))]
    share: Option<f64>,
    /// The same in percent, cut.
    text: Option<String>,
    /// How many it holds for,
    count: u64,
    /// of how many.
    n: u64,
}

impl Part {
    fn of(ratio: Ratio) -> Self {
        Self {
            share: ratio.share(),
            text: ratio.basis_points().map(|share| share.to_string()),
            count: ratio.count,
            n: ratio.of,
        }
    }
}

/// Between what and what.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Bounds")]
struct Between {
    /// If every unknown slot had been down.
    least: Part,
    /// If every unknown slot had been up.
    most: Part,
}

/// A 90 % interval, from whole days: the minutes of an outage are not independent of each other.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UptimeInterval")]
struct Interval {
    /// Its lower end.
    low: f64,
    /// Its upper end.
    high: f64,
    /// How sure it is: 0.9.
    confidence: f64,
    /// From how many days.
    n_days: u32,
}

impl Interval {
    /// As [`Figure`] leaves out what is not covered, so does this.
    fn of(tally: &Tally, interval: Option<UptimeInterval>) -> Option<Self> {
        let UptimeInterval { low, high, days } = interval.filter(|_| tally.claim().is_some())?;
        Some(Self { low: fraction(low), high: fraction(high), confidence: 0.9, n_days: days })
    }
}

fn fraction(share: BasisPoints) -> f64 {
    f64::from(share.hundredths()) / f64::from(BasisPoints::WHOLE.hundredths())
}

fn down(tally: &Tally) -> BTreeMap<String, u64> {
    named(Reason::ALL.into_iter().map(|reason| (json!(reason), tally.down_for(reason))))
}

fn unknown(tally: &Tally) -> BTreeMap<String, u64> {
    named(Gap::ALL.into_iter().map(|gap| (json!(gap), tally.unknown_for(gap))))
}

/// The counts that are not zero.
fn named(counts: impl Iterator<Item = (serde_json::Value, u64)>) -> BTreeMap<String, u64> {
    let named = counts.filter(|(_, count)| *count > 0);
    named.filter_map(|(name, count)| Some((name.as_str()?.to_owned(), count))).collect()
}

/// How fast a service answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Latency {
    /// Half of the answers come within this time.
    p50_seconds: f64,
    /// 95 of 100 come within this time.
    p95_seconds: f64,
}

impl Latency {
    fn of(latency: day::Latency) -> Self {
        let seconds = |milliseconds: u32| f64::from(milliseconds) / 1000.0;
        Self { p50_seconds: seconds(latency.p50_ms), p95_seconds: seconds(latency.p95_ms) }
    }
}

/// One day of a service.
#[derive(Debug, Serialize, JsonSchema)]
struct SlotsOfDay {
    /// The day.
    day: Date,
    /// Slots that were due.
    expected: u64,
    /// Slots that were up.
    up: u64,
    /// Slots that were down, by why.
    down: BTreeMap<String, u64>,
    /// Slots of which nothing is known, by why.
    unknown: BTreeMap<String, u64>,
    /// Slots in maintenance that counts.
    maintenance: u64,
    /// How fast it answered.
    latency: Option<Latency>,
    /// Whether the day is a record that changes no more.
    sealed: bool,
}

impl SlotsOfDay {
    fn of(facts: &Facts, fact: &DayFact) -> Self {
        let DayFact { day, tally, latency: taken } = fact;
        Self {
            day: Date(*day),
            expected: tally.expected(),
            up: tally.up(),
            down: down(tally),
            unknown: unknown(tally),
            maintenance: tally.maintenance(),
            latency: taken.map(Latency::of),
            sealed: facts.is_sealed(*day),
        }
    }
}

/// Maintenance that was announced.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AnnouncedMaintenance")]
struct Notice {
    /// When.
    announced_at: Time,
    /// From when it is,
    from: Time,
    /// until when.
    until: Time,
    /// Whether it was announced early enough to count.
    announced_in_time: bool,
}

impl Notice {
    fn of(window: &Maintenance) -> Self {
        Self {
            announced_at: Time(window.announced_at),
            from: Time(window.span.from),
            until: Time(window.span.until),
            announced_in_time: window.is_early_enough(),
        }
    }
}

/// What a contract promises, and how it stands. The parties know their monitors; nobody else learns which contract it is.
#[derive(Debug, Serialize, JsonSchema)]
struct Sla<'a> {
    /// By the service that stands worst.
    #[serde(flatten)]
    worst: Option<Standing>,
    /// Each service.
    monitors: Vec<StandingOf<'a>>,
    /// The periods before that reach into these days, the latest first.
    past: Vec<Standing>,
}

impl<'a> Sla<'a> {
    fn of(promise: &'a Promise<'_>) -> Self {
        let each = promise.standings.iter().map(|(facts, each)| StandingOf {
            standing: Standing::of(each),
            monitor: Service { id: Text(&facts.watch.service.monitor), name: Some(Text(&facts.watch.name)) },
        });
        Self {
            worst: promise.standings.first().map(|(_, worst)| Standing::of(worst)),
            monitors: each.collect(),
            past: promise.past.iter().map(Standing::of).collect(),
        }
    }
}

/// How a promise stands with one service.
#[derive(Debug, Serialize, JsonSchema)]
struct StandingOf<'a> {
    #[serde(flatten)]
    standing: Standing,
    /// Which service.
    monitor: Service<'a>,
}

/// A service by its names.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MonitorName")]
struct Service<'a> {
    /// Its id.
    id: Text<&'a MonitorId>,
    /// What its parties call it.
    name: Option<Text<&'a EndpointName>>,
}

/// How a promise stands in one period.
#[derive(Debug, Serialize, JsonSchema)]
struct Standing {
    /// Kept so far, broken, or undecided where unseen time could have broken it.
    #[schemars(extend("enum" = ["within", "breached", "undecided"]))]
    state: &'static str,
    /// The uptime that is promised.
    promised: f64,
    /// The same in percent.
    promised_text: String,
    /// From when the period is,
    from: Time,
    /// until when.
    until: Time,
    /// Downtime that is allowed.
    allowed_seconds: u64,
    /// Of that, used.
    used_seconds: u64,
    /// Time of which nothing is known.
    unknown_seconds: u64,
    /// Downtime that is left.
    left_seconds: u64,
    /// The day it was broken on.
    breached_on: Option<Date>,
}

impl Standing {
    fn of(standing: &sla::Standing) -> Self {
        let state = match Kept::of(standing) {
            Kept::Broken => "breached",
            Kept::SoFar => "within",
            Kept::Undecided => "undecided",
        };
        Self {
            state,
            promised: fraction(standing.promised),
            promised_text: standing.promised.to_string(),
            from: Time(standing.from.start()),
            until: Time(standing.until.start()),
            allowed_seconds: standing.allowed,
            used_seconds: standing.used,
            unknown_seconds: standing.unknown,
            left_seconds: standing.left(),
            breached_on: standing.breached_on.map(Date),
        }
    }
}

/// What each vantage saw of a monitor, over the whole days that an outage touches.
pub(crate) type Seen = BTreeMap<(MonitorId, i64), Vec<(Vantage, VantageCount)>>;

/// A page of a provider's incidents, the latest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Outages<'a> {
    /// The provider.
    id: Text<&'a ProviderId>,
    /// Who saw it: our own checks.
    provenance: &'static str,
    /// How many days back.
    days: u16,
    /// Since when.
    since: Time,
    /// The incidents.
    items: Vec<Incident<'a>>,
    /// What to give as `cursor` for the next page; `null` on the last one.
    next_cursor: Option<&'a str>,
}

impl<'a> Outages<'a> {
    pub(crate) fn of(
        provider: &'a ProviderId,
        facts: &'a [Facts],
        window: Window,
        incidents: &'a [outage::Incident],
        seen: &'a Seen,
        next: Option<&'a str>,
    ) -> Self {
        let incident = |found: &'a outage::Incident| Incident::of(provider, facts, window, found, seen);
        Self {
            id: Text(provider),
            provenance: PROVENANCE,
            days: window.days(),
            since: Time(window.first().start()),
            items: incidents.iter().map(incident).collect(),
            next_cursor: next,
        }
    }
}

/// Outages of several services that overlap.
#[derive(Debug, Serialize, JsonSchema)]
struct Incident<'a> {
    /// When the first began.
    start: Time,
    /// When the last ended; `null` while it is open.
    end: Option<Time>,
    /// How long it took, so far.
    seconds: u32,
    /// Whether it goes on.
    is_open: bool,
    /// Each service.
    services: Vec<Outage<'a>>,
}

impl<'a> Incident<'a> {
    fn of(
        provider: &ProviderId,
        facts: &'a [Facts],
        window: Window,
        incident: &'a outage::Incident,
        seen: &'a Seen,
    ) -> Self {
        let outages = incident.outages.iter();
        Self {
            start: Time(incident.from),
            end: (!incident.is_open).then_some(Time(incident.until)),
            seconds: incident.until.since(incident.from),
            is_open: incident.is_open,
            services: outages
                .map(|(monitor, found)| Outage::of(provider, facts, window, monitor, found, seen))
                .collect(),
        }
    }
}

/// One service's part of an incident.
#[derive(Debug, Serialize, JsonSchema)]
struct Outage<'a> {
    /// Which service.
    monitor: Service<'a>,
    /// When its first slot that was down begins.
    start: Time,
    /// When it ended.
    end: Option<Time>,
    /// How many slots were down.
    slots: u32,
    /// Why the first check failed.
    #[schemars(extend("enum" = ["dns", "refused", "timeout", "tls", "status", "body"]))]
    first_reason: Text<Reason>,
    /// The places we ask from that saw its first slot down: two at least where several ask. None in an outage older than this list.
    confirmed_by: Vec<Text<&'a Vantage>>,
    /// What it ended by.
    #[schemars(extend("enum" = ["recovered", "lost-sight", "maintenance", "stopped", null]))]
    ended_by: Option<Text<Ended>>,
    /// What it rests on.
    evidence: Evidence<'a>,
}

/// What an outage rests on.
#[derive(Debug, Serialize, JsonSchema)]
struct Evidence<'a> {
    /// The first day of record that it touches.
    first_day: Date,
    /// The last one.
    last_day: Date,
    /// Whether those days are records that change no more.
    sealed: bool,
    /// What each place we ask from saw over those whole days; `null` where they are not sealed yet.
    vantages: Option<Vec<SeenFrom<'a>>>,
    /// The path of the proof.
    proof: String,
}

/// What one place we ask from saw.
#[derive(Debug, Serialize, JsonSchema)]
struct SeenFrom<'a> {
    /// The place.
    vantage: Text<&'a Vantage>,
    /// Slots it saw up.
    up: u32,
    /// Slots it saw down.
    down: u32,
    /// Slots of which it said nothing.
    nothing: u32,
}

impl<'a> Outage<'a> {
    fn of(
        provider: &ProviderId,
        facts: &'a [Facts],
        window: Window,
        monitor: &'a MonitorId,
        outage: &'a outage::Outage,
        seen: &'a Seen,
    ) -> Self {
        let of = facts.iter().find(|facts| facts.watch.service.monitor == *monitor);
        let first_day = outage.from.day();
        let from = |(vantage, VantageCount { up, down, nothing }): &'a (Vantage, VantageCount)| SeenFrom {
            vantage: Text(vantage),
            up: *up,
            down: *down,
            nothing: *nothing,
        };
        let vantages = seen.get(&(monitor.clone(), outage.from.unix()));
        Self {
            monitor: Service { id: Text(monitor), name: of.map(|facts| Text(&facts.watch.name)) },
            start: Time(outage.from),
            end: outage.ended.map(|_| Time(outage.until)),
            slots: outage.slots,
            first_reason: Text(outage.reason),
            confirmed_by: outage.confirmed_by.iter().map(Text).collect(),
            ended_by: outage.ended.map(Text),
            evidence: Evidence {
                first_day: Date(first_day),
                last_day: Date(outage.last_day),
                sealed: of.is_some_and(|facts| facts.is_sealed(outage.last_day)),
                vantages: vantages.map(|counts| counts.iter().map(from).collect()),
                proof: format!(
                    "/v1/providers/{provider}/proof?days={}&monitor={monitor}",
                    window.reaching(first_day)
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use trust::uptime::{reports::Disagreement, span::Span};

    use crate::{overview, samples};

    fn services() -> [Facts; 2] {
        [
            samples::promised(
                samples::monitor("web", 40, |day, hour| match (day, hour) {
                    (2, 3..=5) => 'd',
                    (1, 7) => '?',
                    _ => 'u',
                }),
                "c1",
                9_900,
            ),
            samples::monitor("ssh", 2, |day, hour| match (day, hour) {
                (2, 4) | (0, 8) => 'd',
                (2, 8..=9) => 'm',
                (1, _) => '?',
                _ => 'u',
            }),
        ]
    }

    fn shown(overview: &Overview<'_>, reported: &ReportedOf) -> Value {
        json!(Uptime::of(&"p1".parse().unwrap(), overview, reported))
    }

    #[test]
    fn uptime_says_with_every_number_how_many_slots_it_rests_on() {
        let (facts, now) = (services(), samples::now());
        let overview = Overview::of(&facts, Window::new(7, now).unwrap(), now);
        let value = shown(&overview, &ReportedOf::new());
        assert!(!value.to_string().contains("c1"), "contracts are not named");
        insta::assert_json_snapshot!(value);
    }

    #[test]
    fn what_others_report_stands_beside_the_figures_as_a_claim_with_where_it_differs() {
        let (facts, now) = (services(), samples::now());
        let overview = Overview::of(&facts, Window::new(7, now).unwrap(), now);
        let span = Span { from: now.plus(-3600), until: now };
        let differs = Disagreement { says: Says::Down, slots: 4, spans: vec![span] };
        let said = Said { up_seconds: 60, down_seconds: 3600, statements: 2, disagreements: vec![differs] };
        let of = |day| Reported {
            days: BTreeMap::from([(day, BTreeMap::from([(Reporter::Gatus, said.clone())]))]),
        };
        let with = |day| shown(&overview, &ReportedOf::from([("m-web".parse().unwrap(), of(day))]));
        let mut value = with(now.day());
        let web = value["monitors"]
            .as_array()
            .unwrap()
            .iter()
            .position(|monitor| monitor["id"] == "m-web")
            .unwrap();
        assert_eq!(
            value["monitors"][web]["reported"],
            json!([{
                "by": "gatus", "provenance": "claimed", "statements": 2, "up_seconds": 60, "down_seconds": 3600,
                "disagreements": [{ "reported": "down", "seen": "up", "slots": 4, "latest": [span] }],
            }])
        );
        value["monitors"][web]["reported"] = json!([]);
        // Of a day that is not asked for, or of nobody, it is the same answer.
        assert_eq!(value, with(now.day().minus(8)));
        assert_eq!(value, shown(&overview, &ReportedOf::new()));
    }

    #[test]
    fn a_quarter_of_a_thousand_monitors_fits_into_an_answer() {
        let (one, now) =
            (samples::monitor("web", 91, |_, hour| if hour == 2 { 'd' } else { 'u' }), samples::now());
        let quarter = Window::new(90, now).unwrap();
        for count in [MOST_BY_DAY, 1000] {
            let facts = vec![one.clone(); count];
            let overview = Overview::of(&facts, quarter, now);
            let answer = shown(&overview, &ReportedOf::new()).to_string();
            // As Lambda counts it: as a string within JSON.
            let counted = serde_json::to_string(&answer).unwrap().len();
            assert!(counted < 5_000_000, "{counted} bytes of {count} monitors");
            assert_eq!(answer.contains("slots_by_day"), count <= MOST_BY_DAY);
        }
    }

    #[test]
    fn outages_say_what_is_known_of_who_saw_them_and_no_more() {
        let (mut facts, now) = (services(), samples::now());
        facts[0].sealed.outages[0].confirmed_by =
            ["eu-north-1", "home"].map(|place| place.parse().unwrap()).into();
        let window = Window::new(7, now).unwrap();
        let incidents = overview::incidents(&facts, window);
        let hit = incidents.last().map(|incident| incident.outages[0].clone());
        let (monitor, found) = hit.unwrap();
        let seen = Seen::from([(
            (monitor, found.from.unix()),
            vec![("home".parse().unwrap(), VantageCount { up: 21, down: 3, nothing: 0 })],
        )]);
        let provider = "p1".parse().unwrap();
        let value = json!(Outages::of(&provider, &facts, window, &incidents, &seen, None));
        insta::assert_json_snapshot!(value);
    }
}
