//! Pictures: a score on its dial, a share with its interval, and a survival curve. Inline SVG with a text that says the same.

use std::fmt::Write;

use maud::{Markup, html};
use trust::summary::{CurveBand, PercentileFact, ReplyWindow};

use super::words;

/// A score with its interval on a dial from 0 to 100.
pub(crate) fn dial(points: f64, low: f64, high: f64) -> Markup {
    let label = format!(
        "Score {} of 100, 90 % interval {} to {}",
        words::points(points),
        words::points(low),
        words::points(high)
    );
    let ((inner_x, inner_y), (outer_x, outer_y)) = (on_dial(points, 78.0), on_dial(points, 102.0));
    html! {
        svg.dial viewBox="0 0 240 138" role="img" aria-label=(label) {
            path.rim d=(arc(0.0, 100.0)) {}
            path.reach d=(arc(low, high)) {}
            line.hand x1=(inner_x) y1=(inner_y) x2=(outer_x) y2=(outer_y) {}
            text.points x="120" y="112" text-anchor="middle" { (words::points(points)) }
            text x="30" y="135" text-anchor="middle" { "0" }
            text x="210" y="135" text-anchor="middle" { "100" }
        }
    }
}

/// A place on the dial, so far from its middle: 0 is left, 50 at the top, 100 right.
fn on_dial(points: f64, radius: f64) -> (String, String) {
    let angle = std::f64::consts::PI * (1.0 - points.clamp(0.0, 100.0) / 100.0);
    (format!("{:.1}", 120.0 + radius * angle.cos()), format!("{:.1}", 118.0 - radius * angle.sin()))
}

fn arc(from: f64, to: f64) -> String {
    let ((from_x, from_y), (to_x, to_y)) = (on_dial(from, 90.0), on_dial(to, 90.0));
    format!("M {from_x} {from_y} A 90 90 0 0 1 {to_x} {to_y}")
}

/// A share with its interval, as a bar. What it says stands beside it.
pub(crate) fn share(mean: f64, low: f64, high: f64) -> Markup {
    html! {
        svg.share viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="8" {}
            rect.band x=(format!("{:.1}", low * 100.0)) width=(format!("{:.1}", (high - low) * 100.0)) height="8" {}
            rect.mark x=(format!("{:.1}", mean * 100.0 - 0.75)) width="1.5" height="8" {}
        }
    }
}

const LEFT: f64 = 44.0;
const TOP: f64 = 10.0;
const WIDTH: f64 = 540.0;
const HEIGHT: f64 = 200.0;

/// Marks of the time axis, which is logarithmic: from a minute to 30 days.
const MARKS: [(u32, &str); 7] = [
    (60, "1 min"),
    (600, "10 min"),
    (3600, "1 h"),
    (14_400, "4 h"),
    (86_400, "1 d"),
    (604_800, "7 d"),
    (2_592_000, "30 d"),
];

fn x(seconds: u32) -> f64 {
    let (first, last) = (f64::from(MARKS[0].0).ln(), f64::from(MARKS[MARKS.len() - 1].0).ln());
    let place = (f64::from(seconds.max(1)).ln() - first) / (last - first);
    LEFT + WIDTH * place.clamp(0.0, 1.0)
}

fn y(share: f64) -> f64 {
    TOP + HEIGHT * (1.0 - share)
}

/// The share of waits that last longer than some time.
pub(crate) fn survival(window: &ReplyWindow) -> Markup {
    let label = format!(
        "Share of {} waits still without an answer, by time. Half are answered within: {}. Nine of ten within: {}.",
        window.waits,
        ranged(&window.median, window.waits),
        ranged(&window.p90, window.waits)
    );
    let line = path(window);
    html! {
        svg.plot viewBox="0 0 600 250" role="img" aria-label=(label) {
            @for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line.axis x1=(LEFT) x2=(LEFT + WIDTH) y1=(y(share)) y2=(y(share)) {}
                text x=(LEFT - 6.0) y=(y(share) + 4.0) text-anchor="end" { (format!("{:.0} %", share * 100.0)) }
            }
            @for (seconds, name) in MARKS {
                text x=(x(seconds)) y=(TOP + HEIGHT + 26.0) text-anchor="middle" { (name) }
            }
            @if let Some(band) = band(window) { path.area d=(band) {} }
            path.curve d=(line) {}
        }
    }
}

/// A percentile in words, with its range.
fn ranged(fact: &PercentileFact, waits: u64) -> String {
    let range = words::range(fact).map(|range| format!(" ({range})")).unwrap_or_default();
    format!("{}{range}", words::percentile(fact, waits))
}

/// Where the curve may lie: along its lower ends, and back along the upper ones. `None` where they are not known.
fn band(window: &ReplyWindow) -> Option<String> {
    let points: Vec<_> = window.curve.iter().zip(&window.curve_band).collect();
    if points.is_empty() || window.curve_band.len() != window.curve.len() {
        return None;
    }
    let corners = |end: &dyn Fn(&CurveBand) -> u16| {
        let (mut corners, mut share) = (vec![(LEFT, y(1.0))], 1.0);
        for (point, band) in &points {
            let next = f64::from(end(band)) / 10_000.0;
            corners.extend([(x(point.0), y(share)), (x(point.0), y(next))]);
            share = next;
        }
        corners.push((x(end_of_curve(window)), y(share)));
        corners
    };
    let (lower, upper) = (corners(&|band| band.0), corners(&|band| band.1));
    let mut path = String::new();
    for (index, (x, y)) in lower.into_iter().chain(upper.into_iter().rev()).enumerate() {
        // Writing to a string does not fail.
        let _ = write!(path, "{} {x:.1} {y:.1} ", if index == 0 { "M" } else { "L" });
    }
    path.push('Z');
    Some(path)
}

/// The curve is known as far as the longest wait, closed or open.
fn end_of_curve(window: &ReplyWindow) -> u32 {
    let last = window.curve.last().map_or(0, |point| point.0);
    window.longest.unwrap_or(last).max(last)
}

fn path(window: &ReplyWindow) -> String {
    let mut path = format!("M {LEFT} {:.1}", y(1.0));
    let mut share = 1.0;
    for point in &window.curve {
        let next = f64::from(point.1) / 10_000.0;
        // Writing to a string does not fail.
        let _ = write!(path, " L {:.1} {:.1} L {:.1} {:.1}", x(point.0), y(share), x(point.0), y(next));
        share = next;
    }
    let _ = write!(path, " L {:.1} {:.1}", x(end_of_curve(window)), y(share));
    path
}

#[cfg(test)]
mod tests {
    use trust::summary::CurvePoint;

    use super::*;
    use crate::samples;

    #[test]
    fn the_curve_stands_in_its_band_and_its_text_has_the_ranges() {
        let mut summary = samples::summary("p1", 3, None);
        let window = summary.replies.windows.last_mut().unwrap();
        window.curve = vec![CurvePoint(60, 5_000), CurvePoint(600, 2_500)];
        window.longest = Some(3600);
        window.median = PercentileFact { seconds: Some(60), low: Some(30), high: Some(600) };
        let without = survival(window).into_string();
        assert!(!without.contains("class=\"area\""), "nothing is known of where it may lie");
        window.curve_band = vec![CurveBand(2_000, 8_000), CurveBand(1_000, 6_000)];
        let drawn = survival(window).into_string();
        let (_, band) = drawn.split_once("class=\"area\" d=\"").unwrap();
        let (band, _) = band.split_once('"').unwrap();
        // Down to a tenth along the lower ends, and back from six tenths along the upper ones.
        let hour = format!("{:.1}", x(3600));
        assert!(band.contains(&format!("L {hour} {:.1} L {hour} {:.1}", y(0.1), y(0.6))), "{band}");
        assert!(band.starts_with(&format!("M {LEFT:.1} {:.1}", y(1.0))) && band.ends_with('Z'), "{band}");
        assert!(
            drawn.contains("1 min (30 s to 10 min)")
                || drawn.contains("1\u{a0}min (30\u{a0}s to 10\u{a0}min)")
        );
    }
}
