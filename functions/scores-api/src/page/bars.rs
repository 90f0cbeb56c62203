//! Days as bars: one a day, filled by what its slots were. Each kind has a shape of its own, too: down has a tick below the line,
//! unknown is thin, maintenance is dashed, and where nothing was due there is only the ground.

use std::{collections::BTreeMap, fmt::Write};

use maud::{Markup, html};
use trust::{
    ratio::Ratio,
    time::Day,
    uptime::{day::Tally, slot::Slot},
};

/// The distance from bar to bar.
const PITCH: usize = 6;

/// Where bars begin, from above.
const TOP: u64 = 2;

/// The height of a bar. Below it are the ticks.
const HEIGHT: u64 = 36;

/// The least height of what there is at all: a minute of a day is to be seen, on a phone, too.
const LEAST: u64 = 8;

/// The bars of these days in a row, from the first to the last. `None` where nothing was due.
///
/// What is of a kind is one path; over each day lies one that is not seen and says what the day was.
pub(crate) fn bars(name: &str, days: &[(Day, Option<Tally>)]) -> Markup {
    let width = days.len() * PITCH;
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    for (place, (_, tally)) in days.iter().enumerate() {
        draw(place * PITCH + PITCH / 2, tally.as_ref(), &mut lines);
    }
    html! {
        svg.bars viewBox=(format!("0 0 {width} 46")) preserveAspectRatio="none" role="img" aria-label=(label(name, days)) {
            @for (class, lines) in &lines { path class=(class) d=(lines) {} }
            @for (place, (day, tally)) in days.iter().enumerate() {
                path d=(format!("M{} 0v46", place * PITCH + PITCH / 2)) { title { (said(*day, tally.as_ref())) } }
            }
        }
    }
}

/// Adds a day to the lines of each kind.
fn draw(x: usize, tally: Option<&Tally>, lines: &mut BTreeMap<&str, String>) {
    let mut line = |class, top: u64, height: u64| {
        // Writing to a string does not fail.
        let _ = write!(lines.entry(class).or_default(), "M{x} {top}v{height}");
    };
    let Some(tally) = tally.filter(|tally| tally.expected() > 0) else { return line("z", 35, 3) };
    let mut top = TOP;
    for (class, height) in parts(tally) {
        line(class, top, height);
        top += height;
    }
    if tally.down() > 0 {
        line("t", TOP + HEIGHT + 3, 5);
    }
}

/// The parts of a bar from its top down, with their heights, which sum to [`HEIGHT`].
fn parts(tally: &Tally) -> Vec<(&'static str, u64)> {
    let counts = [("d", tally.down()), ("k", tally.unknown()), ("m", tally.maintenance()), ("u", tally.up())];
    let mut parts: Vec<(&str, u64)> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| (class, (HEIGHT * count / tally.expected()).max(LEAST)))
        .collect();
    let sum: u64 = parts.iter().map(|(_, height)| height).sum();
    if let Some((_, tallest)) = parts.iter_mut().max_by_key(|(_, height)| *height) {
        *tallest = (*tallest + HEIGHT).saturating_sub(sum).max(1);
    }
    parts
}

/// What a day was, in words.
fn said(day: Day, tally: Option<&Tally>) -> String {
    let Some(tally) = tally.filter(|tally| tally.expected() > 0) else {
        return format!("{day}: not watched");
    };
    let uptime = match tally.claim().and_then(Ratio::basis_points) {
        Some(share) => format!("{share} of {}", tally.uptime().of),
        None => "not enough data".to_owned(),
    };
    let counts = [(tally.down(), "down"), (tally.unknown(), "unknown"), (tally.maintenance(), "maintenance")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, name)| format!(", {count} {name}")).collect();
    format!("{day}: {uptime}{}", counts.concat())
}

fn label(name: &str, days: &[(Day, Option<Tally>)]) -> String {
    let count = |has: fn(Slot) -> bool| {
        let counts = |tally: &Tally| tally.counts().any(|(slot, _)| has(slot));
        days.iter().filter_map(|(_, tally)| tally.as_ref()).filter(|tally| counts(tally)).count()
    };
    format!(
        "{name}, the last {} days: {} with downtime, {} with unknown time, {} with maintenance, {} not watched",
        days.len(),
        count(|slot| matches!(slot, Slot::Down(_))),
        count(|slot| matches!(slot, Slot::Unknown(_))),
        count(|slot| matches!(slot, Slot::Maintenance(_))),
        days.iter().filter(|(_, tally)| tally.as_ref().is_none_or(|tally| tally.expected() == 0)).count(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use trust::uptime::slot::{Gap, Reason, Seen};

    #[test]
    fn the_least_downtime_is_seen_and_a_bar_keeps_its_height() {
        for counts in [
            vec![(Slot::Up, 1439), (Slot::Down(Reason::Tls), 1)],
            vec![(Slot::Up, 1), (Slot::Down(Reason::Tls), 1439)],
            vec![
                (Slot::Up, 1),
                (Slot::Down(Reason::Tls), 1),
                (Slot::Unknown(Gap::Late), 1437),
                (Slot::Maintenance(Seen::Up), 1),
            ],
            vec![(Slot::Up, 24)],
        ] {
            let parts = parts(&Tally::from(counts.clone()));
            assert_eq!(parts.len(), counts.len());
            assert_eq!(parts.iter().map(|(_, height)| height).sum::<u64>(), HEIGHT, "{parts:?}");
        }
    }
}
