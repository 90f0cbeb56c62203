//! Bundles that bear a claim.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use transparency::{PublicKey, SecretKey, WitnessKey};

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
    let mut strange = sample("signed-by-somebody-unknown-too", &one, &[]);
    strange.text.push_str("— witness.example/w TnKKVHLXqk1YrKbQYxwYwrSjgow=\n");
    vec![
        sample("one-monitor", &one, &[]),
        sample("three-monitors", &three(), &[end(19, "18:00:00")]),
        sample("ended-at-midnight", &three(), &[end(20, "00:00:00")]),
        sample("too-little-known", &of(thin), &[]),
        sample("paused-all-the-time", &of(paused), &[]),
        sample("interval-changed-between-days", &two_intervals(), &[]),
        corrected("days-corrected", &[(29, paused), (4, thin)]),
        corrected("day-corrected-twice", &[(7, thin), (7, paused)]),
        strange,
        cosigned("cosigned", &[(1, 0), (2, 60)]),
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

/// When witnesses cosign: three hours after the last of the days.
pub(crate) const COSIGNED: &str = "2028-03-11T03:00:00Z";

/// The key of a witness that is not secret.
pub(crate) fn witness(number: u8) -> WitnessKey {
    let key = SigningKey::from_bytes(&[200 + number; 32]).verifying_key();
    WitnessKey::from_bytes(format!("witness.example/w{number}").parse().unwrap(), key.as_bytes()).unwrap()
}

/// A bundle whose checkpoint these witnesses have cosigned, so many seconds after [`COSIGNED`].
fn cosigned(name: &'static str, witnesses: &[(u8, u64)]) -> Sample {
    let mut sample = sample(name, &web(&|_, record| record), &[]);
    let text = checkpoint_of(&sample.text).to_owned();
    for (number, later) in witnesses {
        sample.text.push_str(&cosignature(&text, *number, *later));
    }
    sample
}

/// The text that a bundle's checkpoint signs.
pub(crate) fn checkpoint_of(bundle: &str) -> &str {
    let end = bundle.rfind("\n\n").unwrap() + 1;
    &bundle[bundle[..end].rfind("\n\n").unwrap() + 2..end]
}

/// A witness's signature line on a checkpoint's text, put together as C2SP `tlog-cosignature` says.
pub(crate) fn cosignature(text: &str, number: u8, later: u64) -> String {
    let seconds = trust::time::Moment::parse(COSIGNED).unwrap().unix() as u64 + later;
    let signed = format!("cosignature/v1\ntime {seconds}\n{text}");
    let signature = SigningKey::from_bytes(&[200 + number; 32]).sign(signed.as_bytes()).to_bytes();
    let bytes = [&witness(number).id()[..], &seconds.to_be_bytes(), &signature].concat();
    format!("— witness.example/w{number} {}\n", STANDARD.encode(bytes))
}

/// Bundles that are good, but not cosigned by the first two witnesses.
pub(crate) fn uncosigned() -> Vec<Sample> {
    let good = cosigned("cosigned", &[(1, 0), (2, 60)]);
    let text = checkpoint_of(&good.text).to_owned();
    let with = |name, lines: &[String]| {
        let mut sample = cosigned(name, &[]);
        sample.text.extend(lines.iter().map(String::as_str));
        sample
    };
    let [first, second] = [cosignature(&text, 1, 0), cosignature(&text, 2, 60)];
    let other = cosignature(&text.replacen("\n2", "\n1", 1), 2, 60);
    vec![
        with("by-none", &[]),
        with("by-one-alone", std::slice::from_ref(&first)),
        with("by-another-in-the-place-of-one", &[first.clone(), cosignature(&text, 3, 60)]),
        with("under-anothers-name", &[first.clone(), second.replace("/w2", "/w1")]),
        with("of-another-checkpoint", &[first.clone(), other.clone()]),
        with("rightly-and-wrongly", &[first.clone(), second.clone(), other]),
        with("at-another-time", &[first.clone(), at_another_time(&second)]),
        with("cut-short", &[first.clone(), cut_short(&second)]),
        with("in-the-year-10000", &[first, cosignature(&text, 2, 251_600_000_000)]),
    ]
}

/// A signature line with other bytes.
fn changed(line: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let (name, bytes) = line.trim_end().rsplit_once(' ').unwrap();
    let mut bytes = STANDARD.decode(bytes).unwrap();
    change(&mut bytes);
    format!("{name} {}\n", STANDARD.encode(bytes))
}

fn at_another_time(line: &str) -> String {
    changed(line, |bytes| bytes[11] ^= 1)
}

fn cut_short(line: &str) -> String {
    changed(line, |bytes| bytes.truncate(bytes.len() - 1))
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
