//! Bundles that bear a claim.

use transparency::{PublicKey, SecretKey};

use crate::{
    log::{Log, ORIGIN, key},
    record::{Lie, Pattern, Series, date, paused, steady, thin},
};

/// A bundle by its name, and the keys that its verifier knows.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) keys: Vec<PublicKey>,
}

/// Days of all samples.
pub(crate) const DAYS: usize = 30;

/// Asked every minute on all days.
pub(crate) const WEB: Series =
    Series { monitor: "web", interval: 60, first: 0, days: DAYS, sequence: 7, pattern: steady };

/// Begun on the 13th day.
pub(crate) const SSH: Series =
    Series { monitor: "ssh", interval: 300, first: 12, days: DAYS - 12, sequence: 0, pattern: steady };

/// Ended on the 20th day.
pub(crate) const OLD: Series =
    Series { monitor: "old.1", interval: 3600, first: 0, days: 20, sequence: 100, pattern: steady };

/// The record that says when [`OLD`] ended: at that time on that one of the thirty days, from 0.
pub(crate) fn end(day: usize, time: &str) -> String {
    monitor_record(&format!("{}T{time}Z", date(day)))
}

/// The record of [`OLD`] with this end.
pub(crate) fn monitor_record(ended: &str) -> String {
    format!(
        "monitor/1\nmonitor old.1\nversion 4\nfrom 2028-02-01T00:00:00Z\ninterval 3600\nphase 17\npanel eu-central-1 us-east-1\n\
         check ssh\ntarget 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\n\
         since 2027-11-01T00:00:00Z\nended {ended}\n"
    )
}

/// Records of one monitor, from a day of the thirty on.
pub(crate) type Given = (usize, Vec<String>);

/// A log with these records on their days, among others, and more at its end.
pub(crate) fn log(keys: &[SecretKey], series: &[Given], more: &[String]) -> Log {
    let days = series.iter().map(|(first, records)| first + records.len()).max().unwrap_or_default();
    let of_a_day = |day: usize| {
        let others = (0..5 + day % 4).map(move |number| format!("score/1\n{day}.{number}\n"));
        let todays = series.iter().filter_map(move |(first, records)| records.get(day.checked_sub(*first)?));
        others.chain(todays.cloned())
    };
    let mut log = Log::of(keys);
    log.append((0..days).flat_map(of_a_day).chain(more.iter().cloned()));
    log
}

/// The bundle of a log that holds just these records, and what else is to be in both.
pub(crate) fn sample(name: &'static str, series: &[Given], more: &[String]) -> Sample {
    signed(name, series, more, &[key(ORIGIN, 1)], &[1])
}

fn signed(
    name: &'static str,
    series: &[Given],
    more: &[String],
    signers: &[SecretKey],
    known: &[u8],
) -> Sample {
    let log = log(signers, series, more);
    let records = series.iter().flat_map(|(_, records)| records).chain(more);
    let keys = known.iter().map(|seed| key(ORIGIN, *seed).public().clone()).collect();
    Sample { name, text: log.bundle(records).to_string(), keys }
}

/// The records of the three monitors.
pub(crate) fn three() -> Vec<Given> {
    [WEB, SSH, OLD].map(|series| (series.first, series.honest())).into()
}

/// The records of [`WEB`] with lies among them.
pub(crate) fn web(lie: Lie<'_>) -> Vec<Given> {
    vec![(0, WEB.records(lie))]
}

/// All that are good.
pub(crate) fn good() -> Vec<Sample> {
    let one = web(&|_, record| record);
    let of = |pattern| vec![(0, Series { pattern, ..WEB }.honest())];
    let (old, new) = (key(ORIGIN, 1), key(ORIGIN, 2));
    let both = [new.clone(), old.clone()];
    let mut witnessed = sample("signed-by-a-witness-too", &one, &[]);
    witnessed.text.push_str("— witness.example/w TnKKVHLXqk1YrKbQYxwYwrSjgow=\n");
    vec![
        sample("one-monitor", &one, &[]),
        sample("three-monitors", &three(), &[end(19, "18:00:00")]),
        sample("ended-at-midnight", &three(), &[end(20, "00:00:00")]),
        sample("too-little-known", &of(thin), &[]),
        sample("paused-all-the-time", &of(paused), &[]),
        sample("interval-changed-between-days", &two_intervals(), &[]),
        corrected("days-corrected", &[(29, paused), (4, thin)]),
        corrected("day-corrected-twice", &[(7, thin), (7, paused)]),
        witnessed,
        signed("signed-with-both-keys-known-by-the-old", &one, &[], &both, &[1]),
        signed("signed-with-both-keys-known-by-the-new", &one, &[], &both, &[2]),
        signed("signed-with-both-keys-known-by-both", &one, &[], &both, &[1, 2]),
        signed("signed-with-the-old-key-known-by-both", &one, &[], &[old], &[2, 1]),
        signed("signed-with-the-new-key-known-by-both", &one, &[], &[new], &[1, 2]),
    ]
}

/// The days of [`WEB`], some of them corrected in the log, in this order.
fn corrected(name: &'static str, days: &[(usize, Pattern)]) -> Sample {
    let others = WEB.honest();
    let places = log(&[key(ORIGIN, 1)], &[(0, others.clone())], &[]);
    let corrections: Vec<String> = days
        .iter()
        .map(|&(day, pattern)| correction(places.place(&others[day]), &right(&others, day, pattern)))
        .collect();
    sample(name, &[(0, others)], &corrections)
}

/// A record of [`WEB`] with another pattern in the place it has.
pub(crate) fn right(others: &[String], day: usize, pattern: Pattern) -> String {
    let previous = others[day].lines().nth(3).unwrap();
    let other = &Series { pattern, ..WEB }.honest()[day];
    let lines = other.lines().map(|line| if line.starts_with("previous ") { previous } else { line });
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// A correction of a leaf, with what is right in its place.
pub(crate) fn correction(leaf: u64, right: &str) -> String {
    format!("correction/1\nleaf {leaf}\nreason the day was counted twice\n{right}")
}

/// Seven days of a monitor that is asked every hour: the sample in the documentation.
pub(crate) fn week() -> Sample {
    sample("week", &[(0, Series { interval: 3600, days: 7, ..WEB }.honest())], &[])
}

/// Ten days at one interval, then twenty at another.
fn two_intervals() -> Vec<Given> {
    let slower = Series { interval: 600, ..WEB }.honest();
    web(&|number, record| {
        if number < 10 {
            return record;
        }
        let previous = record.lines().nth(3).unwrap();
        let lines =
            slower[number].lines().map(|line| if line.starts_with("previous ") { previous } else { line });
        lines
            .fold(String::new(), |text, line| text + line + "\n")
            .replace("configuration 3", "configuration 4")
    })
    .into_iter()
    .collect()
}
