//! Uptime, outages and promises. Shares go with the slots they are of; percentages are cut, so that 100 % is all of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use trust::{
    id::ProviderId,
    ratio::Ratio,
    uptime::{
        day::{Bounds, Latency, Tally, VantageCount},
        facts::{DayFact, Facts},
        interval::UptimeInterval,
        maintenance::Window as Maintenance,
        names::{MonitorId, Vantage},
        outage::{Incident, Outage},
        percent::BasisPoints,
        reports::{Reported, Reporter, Said, Says},
        sla::Standing,
        slot::{Gap, Reason},
    },
};

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

pub(crate) fn uptime(provider: &ProviderId, overview: &Overview<'_>, reported: &ReportedOf) -> Value {
    let window = overview.window;
    let tally = overview.tally();
    let path = format!("/v1/providers/{provider}");
    json!({
        "id": provider,
        "provenance": PROVENANCE,
        "days": window.days(),
        "first_day": window.first(),
        "last_day": window.last(),
        "as_of": overview.as_of(),
        "contractual": figure(&tally),
        "raw": figure(&tally.raw()),
        "interval": interval(&tally, overview.interval()),
        "today": today(window, &overview.today(), overview.monitors.iter().any(|watched| watched.today.is_some())),
        "monitors": overview.monitors.iter().map(|watched| monitor(&path, overview, watched, reported)).collect::<Vec<_>>(),
        "slas": overview.promises.iter().map(promise).collect::<Vec<_>>(),
        "links": {
            "self": format!("{path}/uptime?days={}", window.days()),
            "proof": format!("{path}/proof?days={}", window.days()),
            "proof_page": format!("/providers/{provider}/proof"),
            "outages": format!("{path}/outages?days={}", window.days()),
            "checkpoint": "/v1/log/checkpoint",
        },
    })
}

fn monitor(path: &str, overview: &Overview<'_>, watched: &Watched<'_>, reported: &ReportedOf) -> Value {
    let window = overview.window;
    let Facts { watch, sealed, current } = watched.facts;
    let tally = watched.tally();
    let days: Vec<&Tally> = watched.days.iter().map(|fact| &fact.tally).collect();
    let today_tally = watched.today.map(|fact| fact.tally.clone()).unwrap_or_default();
    let reaches = |announced: &&Maintenance| announced.span.until > window.first().start();
    let mut value = json!({
        "id": watched.id(),
        "name": watch.name,
        "check": watch.kind,
        "interval_seconds": watch.schedule.grid.interval().seconds(),
        "since": watch.schedule.running.iter().next().map(|span| span.from),
        "ended": watch.ended,
        "as_of": current.as_ref().map(|current| current.as_of),
        "sealed_through": sealed.days.last().map(|fact| fact.day),
        "down_since": watched.facts.open_outage().map(|outage| outage.from),
        "contractual": figure(&tally),
        "raw": figure(&tally.raw()),
        "interval": interval(&tally, UptimeInterval::of(days)),
        "latency": sealed.latency.get(&window.days()).copied().map(latency),
        "certificate_expires_at": current.as_ref().and_then(|current| current.certificate_expires),
    });
    value["today"] = today(window, &today_tally, watched.today.is_some());
    value["maintenance_announced"] = watch.windows.iter().filter(reaches).map(maintenance).collect();
    if overview.monitors.len() <= MOST_BY_DAY {
        value["slots_by_day"] = watched.days.iter().map(|fact| day(watched.facts, fact)).collect();
    }
    let reported = reported.get(watched.id()).map(|reported| reported.over(window.first(), window.today()));
    value["reported"] = reported.unwrap_or_default().iter().map(|(by, said)| claim(*by, said)).collect();
    value["proof"] = json!(format!("{path}/proof?days={}&monitor={}", window.days(), watched.id()));
    value
}

/// What somebody else said, today included. It counts for nothing; where it differs from what we saw, it says so.
fn claim(by: Reporter, said: &Said) -> Value {
    let disagreements = said.disagreements.iter().map(|found| {
        let seen = if found.says == Says::Down { Says::Up } else { Says::Down };
        json!({ "reported": found.says, "seen": seen, "slots": found.slots, "latest": found.spans })
    });
    json!({
        "by": by, "provenance": "claimed", "statements": said.statements, "up_seconds": said.up_seconds,
        "down_seconds": said.down_seconds, "disagreements": disagreements.collect::<Vec<_>>(),
    })
}

fn today(window: Window, tally: &Tally, is_known: bool) -> Value {
    if !is_known {
        return Value::Null;
    }
    json!({ "day": window.today(), "contractual": figure(tally), "raw": figure(&tally.raw()) })
}

fn figure(tally: &Tally) -> Value {
    let claim = tally.claim();
    let Bounds { least, most } = tally.bounds();
    json!({
        "uptime": claim.and_then(Ratio::share),
        "uptime_text": claim.and_then(Ratio::basis_points).map(|share| share.to_string()),
        "reason": no_claim(tally),
        "n": tally.uptime().of,
        "up": tally.up(),
        "down": tally.down(),
        "down_by_reason": down(tally),
        "unknown": tally.unknown(),
        "unknown_by_gap": unknown(tally),
        "maintenance": tally.maintenance(),
        "expected": tally.expected(),
        "coverage": share(tally.coverage()),
        "bounds": { "least": share(least), "most": share(most) },
    })
}

fn share(ratio: Ratio) -> Value {
    json!({
        "share": ratio.share(), "text": ratio.basis_points().map(|share| share.to_string()), "count": ratio.count, "n": ratio.of,
    })
}

/// As [`figure`] leaves out what is not covered, so does this.
fn interval(tally: &Tally, interval: Option<UptimeInterval>) -> Value {
    let published = interval.filter(|_| tally.claim().is_some());
    json!(published.map(|UptimeInterval { low, high, days }| json!({
        "low": fraction(low), "high": fraction(high), "confidence": 0.9, "n_days": days,
    })))
}

fn fraction(share: BasisPoints) -> f64 {
    f64::from(share.hundredths()) / f64::from(BasisPoints::WHOLE.hundredths())
}

fn down(tally: &Tally) -> Map<String, Value> {
    let counts = Reason::ALL.into_iter().map(|reason| (json!(reason), tally.down_for(reason)));
    named(counts)
}

fn unknown(tally: &Tally) -> Map<String, Value> {
    let counts = Gap::ALL.into_iter().map(|gap| (json!(gap), tally.unknown_for(gap)));
    named(counts)
}

/// The counts that are not zero.
fn named(counts: impl Iterator<Item = (Value, u64)>) -> Map<String, Value> {
    let named = counts.filter(|(_, count)| *count > 0);
    named.filter_map(|(name, count)| Some((name.as_str()?.to_owned(), json!(count)))).collect()
}

fn latency(latency: Latency) -> Value {
    let seconds = |milliseconds: u32| f64::from(milliseconds) / 1000.0;
    json!({ "p50_seconds": seconds(latency.p50_ms), "p95_seconds": seconds(latency.p95_ms) })
}

fn day(facts: &Facts, fact: &DayFact) -> Value {
    let DayFact { day, tally, latency: taken } = fact;
    json!({
        "day": day, "expected": tally.expected(), "up": tally.up(), "down": down(tally), "unknown": unknown(tally),
        "maintenance": tally.maintenance(), "latency": taken.map(latency), "sealed": facts.is_sealed(*day),
    })
}

fn maintenance(window: &Maintenance) -> Value {
    json!({
        "announced_at": window.announced_at, "from": window.span.from, "until": window.span.until,
        "announced_in_time": window.is_early_enough(),
    })
}

/// Contracts are not named: their ids are the parties' business, who know their monitors.
fn promise(promise: &Promise<'_>) -> Value {
    let mut value = promise.standings.first().map_or(Value::Null, |(_, worst)| standing(worst));
    let each = promise.standings.iter().map(|(facts, each)| {
        let mut value = standing(each);
        value["monitor"] = json!({ "id": facts.watch.service.monitor, "name": facts.watch.name });
        value
    });
    value["monitors"] = each.collect();
    value["past"] = promise.past.iter().map(standing).collect();
    value
}

fn standing(standing: &Standing) -> Value {
    let state = match Kept::of(standing) {
        Kept::Broken => "breached",
        Kept::SoFar => "within",
        Kept::Undecided => "undecided",
    };
    json!({
        "state": state,
        "promised": fraction(standing.promised),
        "promised_text": standing.promised.to_string(),
        "from": standing.from.start(),
        "until": standing.until.start(),
        "allowed_seconds": standing.allowed,
        "used_seconds": standing.used,
        "unknown_seconds": standing.unknown,
        "left_seconds": standing.left(),
        "breached_on": standing.breached_on,
    })
}

/// What each vantage saw of a monitor, over the whole days that an outage touches.
pub(crate) type Seen = BTreeMap<(MonitorId, i64), Vec<(Vantage, VantageCount)>>;

pub(crate) fn outages(
    provider: &ProviderId,
    facts: &[Facts],
    window: Window,
    incidents: &[Incident],
    seen: &Seen,
    next: Option<&str>,
) -> Value {
    json!({
        "id": provider,
        "provenance": PROVENANCE,
        "days": window.days(),
        "since": window.first().start(),
        "items": incidents.iter().map(|found| incident(provider, facts, window, found, seen)).collect::<Vec<_>>(),
        "next_cursor": next,
    })
}

fn incident(
    provider: &ProviderId,
    facts: &[Facts],
    window: Window,
    incident: &Incident,
    seen: &Seen,
) -> Value {
    let outages = incident.outages.iter();
    json!({
        "start": incident.from,
        "end": (!incident.is_open).then_some(incident.until),
        "seconds": incident.until.since(incident.from),
        "is_open": incident.is_open,
        "services": outages.map(|(monitor, found)| outage(provider, facts, window, monitor, found, seen)).collect::<Vec<_>>(),
    })
}

fn outage(
    provider: &ProviderId,
    facts: &[Facts],
    window: Window,
    monitor: &MonitorId,
    outage: &Outage,
    seen: &Seen,
) -> Value {
    let of = facts.iter().find(|facts| facts.watch.service.monitor == *monitor);
    let first_day = outage.from.day();
    let vantages = seen.get(&(monitor.clone(), outage.from.unix())).map(|counts| {
        let count = |(vantage, VantageCount { up, down, nothing }): &(Vantage, VantageCount)| {
            json!({ "vantage": vantage, "up": up, "down": down, "nothing": nothing })
        };
        counts.iter().map(count).collect::<Vec<_>>()
    });
    json!({
        "monitor": { "id": monitor, "name": of.map(|facts| &facts.watch.name) },
        "start": outage.from,
        "end": outage.ended.map(|_| outage.until),
        "slots": outage.slots,
        "first_reason": outage.reason,
        "ended_by": outage.ended,
        "evidence": {
            "first_day": first_day,
            "last_day": outage.last_day,
            "sealed": of.is_some_and(|facts| facts.is_sealed(outage.last_day)),
            "vantages": vantages,
            "proof": format!("/v1/providers/{provider}/proof?days={}&monitor={monitor}", window.reaching(first_day)),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn uptime_says_with_every_number_how_many_slots_it_rests_on() {
        let (facts, now) = (services(), samples::now());
        let overview = Overview::of(&facts, Window::new(7, now).unwrap(), now);
        let value = uptime(&"p1".parse().unwrap(), &overview, &ReportedOf::new());
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
        let shown = |day| {
            let reported = ReportedOf::from([("m-web".parse().unwrap(), of(day))]);
            uptime(&"p1".parse().unwrap(), &overview, &reported)
        };
        let mut value = shown(now.day());
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
        assert_eq!(value, shown(now.day().minus(8)));
        assert_eq!(value, uptime(&"p1".parse().unwrap(), &overview, &ReportedOf::new()));
    }

    #[test]
    fn a_quarter_of_a_thousand_monitors_fits_into_an_answer() {
        let (one, now) =
            (samples::monitor("web", 91, |_, hour| if hour == 2 { 'd' } else { 'u' }), samples::now());
        let quarter = Window::new(90, now).unwrap();
        for count in [MOST_BY_DAY, 1000] {
            let facts = vec![one.clone(); count];
            let overview = Overview::of(&facts, quarter, now);
            let answer = uptime(&"p1".parse().unwrap(), &overview, &ReportedOf::new()).to_string();
            // As Lambda counts it: as a string within JSON.
            let counted = serde_json::to_string(&answer).unwrap().len();
            assert!(counted < 5_000_000, "{counted} bytes of {count} monitors");
            assert_eq!(answer.contains("slots_by_day"), count <= MOST_BY_DAY);
        }
    }

    #[test]
    fn outages_say_what_is_known_of_who_saw_them_and_no_more() {
        let (facts, now) = (services(), samples::now());
        let window = Window::new(7, now).unwrap();
        let incidents = overview::incidents(&facts, window);
        let hit = incidents.last().map(|incident| incident.outages[0].clone());
        let (monitor, found) = hit.unwrap();
        let seen = Seen::from([(
            (monitor, found.from.unix()),
            vec![("home".parse().unwrap(), VantageCount { up: 21, down: 3, nothing: 0 })],
        )]);
        let value = outages(&"p1".parse().unwrap(), &facts, window, &incidents, &seen, None);
        insta::assert_json_snapshot!(value);
    }
}
