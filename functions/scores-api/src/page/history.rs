//! A score day by day: a line with its interval, and why it jumped.

use std::fmt::Write;

use maud::{Markup, html};
use table::{History, HistoryEntry};
use trust::{history::jump, time::Day};

use super::words;
use crate::view::score::jump_text;

const WIDTH: f64 = 540.0;
const LEFT: f64 = 36.0;
const TOP: f64 = 10.0;
const HEIGHT: f64 = 160.0;

/// Most jumps that are listed. All of them are in the JSON.
const MOST_JUMPS: usize = 5;

pub(super) fn history(history: &History) -> Markup {
    let entries = &history.page.items;
    let (Some(latest), Some(earliest)) = (entries.first(), entries.last()) else { return html! {} };
    if latest.day == earliest.day {
        return html! {};
    }
    let jumps: Vec<(&HistoryEntry, String)> = history
        .days()
        .filter_map(|(entry, before)| Some((entry, jump_text(&jump(&before?.made(), &entry.made())?))))
        .collect();
    html! {
        section {
            h2 { "The score day by day" }
            (line(entries, earliest.day, latest.day, &jumps))
            div.ends aria-hidden="true" { span { (earliest.day) } span { (latest.day) } }
            @if jumps.is_empty() {
                p.soft { "It never moved by more than three points from one day to the next." }
            } @else {
                ul.rows { @for (entry, text) in jumps.iter().take(MOST_JUMPS) {
                    li { span.whole { (entry.day) } span { (text) } }
                } }
                @if jumps.len() > MOST_JUMPS { p.soft { (jumps.len() - MOST_JUMPS) " more jumps are in the JSON." } }
            }
        }
    }
}

fn line(entries: &[HistoryEntry], first: Day, last: Day, jumps: &[(&HistoryEntry, String)]) -> Markup {
    let span = f64::from(last.since(first).max(1));
    let x = |day: Day| LEFT + WIDTH * f64::from(day.since(first)) / span;
    let y = |points: f64| TOP + HEIGHT * (1.0 - points / 100.0);
    let path = |value: &dyn Fn(&HistoryEntry) -> f64| {
        let mut path = String::new();
        for (place, entry) in entries.iter().rev().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(
                path,
                "{}{:.0} {:.0}",
                if place == 0 { "M" } else { "L" },
                x(entry.day),
                y(value(entry))
            );
        }
        path
    };
    let points = path(&|entry| entry.points.value());
    let mut band = path(&|entry| entry.high.value());
    for entry in entries {
        let _ = write!(band, "L{:.0} {:.0}", x(entry.day), y(entry.low.value()));
    }
    // Those that are not listed, without a text of their own.
    let mut dots = String::new();
    for (entry, _) in jumps.iter().skip(MOST_JUMPS) {
        let _ = write!(dots, "M{:.0} {:.0}h.01", x(entry.day), y(entry.points.value()));
    }
    let value = |entry: Option<&HistoryEntry>| {
        entry.map_or_else(String::new, |entry| words::points(entry.points.value()))
    };
    let label = format!(
        "Score from {first} to {last}: {} then, {} now, {} jumps of more than three points",
        value(entries.last()),
        value(entries.first()),
        jumps.len()
    );
    html! {
        svg.plot viewBox="0 0 600 190" role="img" aria-label=(label) {
            @for mark in [0.0, 50.0, 100.0] {
                line.axis x1=(LEFT) x2=(LEFT + WIDTH) y1=(y(mark)) y2=(y(mark)) {}
                text x=(LEFT - 6.0) y=(y(mark) + 4.0) text-anchor="end" { (mark) }
            }
            path.area d={ (band) "Z" } {}
            path.curve d=(points) {}
            @if jumps.len() > MOST_JUMPS { path.dots d=(dots) {} }
            @for (entry, text) in jumps.iter().take(MOST_JUMPS) {
                circle.dot cx=(x(entry.day)) cy=(y(entry.points.value())) r="4" { title { (entry.day) ": " (text) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use table::Page;
    use trust::{policy::Family, score::Points};

    fn entry(day: &str, points: u32, replies: u32) -> HistoryEntry {
        HistoryEntry {
            day: Day::parse(day).unwrap(),
            points: Points::whole(points),
            low: Points::whole(points - 5),
            high: Points::whole(points + 5),
            policy: "p/1".to_owned(),
            inputs_hash: String::new(),
            capped_from: None,
            families: vec![(Family::Replies, Points::whole(replies))],
            leaf: None,
        }
    }

    fn shown(items: Vec<HistoryEntry>, before: Option<HistoryEntry>) -> String {
        history(&History { page: Page { items, next: None }, before }).into_string()
    }

    #[test]
    fn the_line_names_each_jump_with_its_reason_and_the_day_before_the_page_counts() {
        let days = vec![entry("2026-11-24", 71, 12), entry("2026-11-23", 70, 11)];
        let page = shown(days.clone(), Some(entry("2026-11-22", 60, 1)));
        assert!(page.contains("+10.0 points, most of it from replies (+10.0)"), "{page}");
        assert!(page.contains("70.0 then, 71.0 now, 1 jumps"));
        assert!(shown(days, None).contains("never moved"));
    }

    #[test]
    fn a_single_day_is_no_line() {
        assert_eq!(shown(vec![entry("2026-11-24", 71, 12)], None), "");
    }
}
