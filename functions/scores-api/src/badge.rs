//! Badges: one figure about a provider for pages of others, as an image of ours, and as shields.io's endpoint wants it.

use axum::{extract::State, http::HeaderMap, response::Response};
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Serialize;
use table::Table;
use trust::{ratio::Ratio, summary::Summary, uptime::day::Tally};

use crate::{
    Refusal, Shared, answer,
    asked::{Id, Parameters, bad},
    overview::{Overview, Window},
    page::words,
    registered,
};

/// What a badge shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Score,
    Uptime,
    Replies,
}

impl Metric {
    fn of(parameters: &Parameters) -> Result<Self, Refusal> {
        parameters.check(&["metric"])?;
        match parameters.get("metric") {
            None | Some("score") => Ok(Self::Score),
            Some("uptime") => Ok(Self::Uptime),
            Some("replies") => Ok(Self::Replies),
            Some(_) => Err(bad("metric", "one of score, uptime, replies")),
        }
    }
}

/// How what it says is to be taken. The text says it, too: colour alone tells nobody enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Good,
    Fair,
    Poor,
    Unknown,
}

impl Tone {
    /// Of a share of what could be: from 80 % on good, below 50 % poor.
    fn of(share: f64) -> Self {
        match share {
            share if share >= 0.8 => Self::Good,
            share if share >= 0.5 => Self::Fair,
            _ => Self::Poor,
        }
    }

    /// Its colour. White text on each has a contrast of at least 4.5.
    fn colour(self) -> &'static str {
        match self {
            Self::Good => "1d6b45",
            Self::Fair => "8a5200",
            Self::Poor => "a3241c",
            Self::Unknown => "5d5a54",
        }
    }
}

/// A badge.
#[derive(Debug, PartialEq)]
struct Badge {
    label: &'static str,
    message: String,
    tone: Tone,
}

/// A badge in the form of shields.io's endpoint, which takes no other members.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShieldsBadge {
    /// Always 1.
    schema_version: u8,
    /// What the figure is.
    label: &'static str,
    /// The figure, with its interval or what it rests on.
    #[schemars(length(min = 1))]
    message: String,
    /// Six hexadecimal digits.
    color: &'static str,
    /// For how long it may be kept.
    cache_seconds: u32,
}

fn badge(summary: &Summary, metric: Metric, month: &Tally) -> Badge {
    let unknown = |label| Badge { label, message: "not enough data".to_owned(), tone: Tone::Unknown };
    match metric {
        Metric::Score => {
            let label = "trust score";
            let Some(score) = &summary.score else {
                return Badge { label, message: "no score yet".to_owned(), tone: Tone::Unknown };
            };
            let points = words::points(score.points.value());
            let (low, high) = (words::points(score.low.value()), words::points(score.high.value()));
            match score.capped_from {
                Some(_) => {
                    Badge { label, message: format!("{points}, capped by a warning"), tone: Tone::Poor }
                }
                None => Badge {
                    label,
                    message: format!("{points} ({low} to {high})"),
                    tone: Tone::of(score.low.value() / 100.0),
                },
            }
        }
        Metric::Uptime => {
            let label = "uptime";
            let Some(share) = month.claim().and_then(Ratio::basis_points) else { return unknown(label) };
            let tone = match share.hundredths() {
                9_900.. => Tone::Good,
                9_500.. => Tone::Fair,
                _ => Tone::Poor,
            };
            Badge { label, message: format!("{share} in 30 days"), tone }
        }
        Metric::Replies => {
            let label = "replies";
            let window = summary.replies.windows.last().filter(|window| window.waits > 0);
            let Some(window) = window else { return unknown(label) };
            // Not what was promised: who promises a week keeps that by answering in a week.
            let share = window.prompt.share();
            let message = match window.median.seconds {
                Some(seconds) => {
                    let within = words::duration(seconds).replace(words::NBSP, " ");
                    format!("half within {within} (n = {})", window.waits)
                }
                None => format!("most still wait (n = {})", window.waits),
            };
            Badge { label, message, tone: share.map_or(Tone::Unknown, Tone::of) }
        }
    }
}

async fn of(table: &Table, id: &str, metric: Metric) -> Result<Badge, Refusal> {
    let summary = registered(table, id).await?;
    let mut month = Tally::default();
    if metric == Metric::Uptime {
        let now = lambda::clock::now();
        let facts = table.facts_of(&summary.provider).await?;
        month = Overview::of(&facts, Window::month(now), now).tally();
    }
    Ok(badge(&summary, metric, &month))
}

pub(crate) async fn image(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let badge = of(&table, &id, Metric::of(&parameters)?).await?;
    Ok(answer::svg(&headers, badge.draw().into_string()))
}

pub(crate) async fn endpoint(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Badge { label, message, tone } = of(&table, &id, Metric::of(&parameters)?).await?;
    let badge = ShieldsBadge { schema_version: 1, label, message, color: tone.colour(), cache_seconds: 300 };
    Ok(answer::json(&headers, &badge))
}

/// The distance from an end of the text to the edge.
const PADDING: usize = 7;

impl Badge {
    /// Both grounds are the badge's own, so that it reads the same on light and dark pages; a light edge parts it from dark ones.
    fn draw(&self) -> Markup {
        let title = format!("{}: {}", self.label, self.message);
        let (left, right) = (width(self.label) + 2 * PADDING, width(&self.message) + 2 * PADDING);
        let all = left + right;
        html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(all) height="22" viewBox=(format!("0 0 {all} 22")) role="img" aria-label=(title) {
                title { (title) }
                clipPath id="r" { rect width=(all) height="22" rx="4" {} }
                g clip-path="url(#r)" {
                    rect width=(left) height="22" fill="#33312d" {}
                    rect x=(left) width=(right) height="22" fill={ "#" (self.tone.colour()) } {}
                }
                rect x=".5" y=".5" width=(all - 1) height="21" rx="3.5" fill="none" stroke="#fff" stroke-opacity=".3" {}
                g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" {
                    (text(PADDING, self.label)) (text(left + PADDING, &self.message))
                }
            }
        }
    }
}

/// A text of a fixed length, whatever font draws it.
fn text(x: usize, text: &str) -> Markup {
    html! { text x=(x) y="15" textLength=(width(text)) lengthAdjust="spacingAndGlyphs" { (text) } }
}

/// The width of a text in Verdana at 11 pixels, near enough: the renderer fits the text into it.
fn width(text: &str) -> usize {
    let tenths = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ' ' => 37,
        'f' | 't' | 'r' | '(' | ')' => 46,
        'm' | 'w' | '%' | '=' => 100,
        '0'..='9' => 70,
        _ => 66,
    };
    text.chars().map(tenths).sum::<usize>().div_ceil(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn of(summary: &Summary, metric: Metric) -> (String, Tone) {
        let badge = badge(summary, metric, &Tally::default());
        (badge.message, badge.tone)
    }

    #[test]
    fn a_badge_says_interval_cap_or_that_there_is_no_score() {
        let (message, _) = of(&samples::summary("good", 30, None), Metric::Score);
        assert!(message.contains(" to ") && message.ends_with(')'), "{message}");
        let (message, tone) = of(&samples::summary("silent", 30, Some(96)), Metric::Score);
        assert_eq!((message.as_str(), tone), ("49.0, capped by a warning", Tone::Poor));
        let (message, tone) = of(&samples::summary("new", 0, None), Metric::Score);
        assert_eq!((message.as_str(), tone), ("no score yet", Tone::Unknown));
    }

    #[test]
    fn what_was_not_measured_is_not_shown_as_a_figure() {
        for metric in [Metric::Uptime, Metric::Replies] {
            let (message, tone) = of(&samples::summary("new", 3, None), metric);
            assert_eq!((message.as_str(), tone), ("not enough data", Tone::Unknown));
        }
        let facts = [samples::monitor("web", 40, |day, hour| if day == 3 && hour < 2 { 'd' } else { 'u' })];
        let month = Overview::of(&facts, Window::month(samples::now()), samples::now()).tally();
        let badge = badge(&samples::summary("p", 3, None), Metric::Uptime, &month);
        assert_eq!((badge.message.as_str(), badge.tone), ("99.72 % in 30 days", Tone::Good));
    }

    #[test]
    fn a_long_promise_that_is_kept_makes_no_badge_green() {
        let mut summary = samples::summary("slow", 30, None);
        let ratio = |count| Ratio { count, of: 20 };
        let window = summary.replies.windows.last_mut().unwrap();
        (window.waits, window.in_time, window.prompt) = (20, ratio(20), ratio(2));
        window.median.seconds = Some(2 * 86_400);
        assert_eq!(of(&summary, Metric::Replies).1, Tone::Poor);
        summary.replies.windows.last_mut().unwrap().prompt = ratio(20);
        assert_eq!(of(&summary, Metric::Replies).1, Tone::Good);
    }

    #[test]
    fn the_image_says_in_words_what_it_shows() {
        let badge = Badge { label: "trust score", message: "<73> & more".to_owned(), tone: Tone::Good };
        let image = badge.draw().into_string();
        assert!(image.contains("role=\"img\" aria-label=\"trust score: &lt;73&gt; &amp; more\""), "{image}");
        assert!(image.contains("<title>trust score: &lt;73&gt; &amp; more</title>"));
    }
}
