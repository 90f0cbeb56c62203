//! What independent sites publish of a provider's machines.

use maud::{Markup, html};
use trust::price::amount;

use crate::view::sites::{Line, Site};

/// Most lines of a site on the page.
const MOST_LINES: usize = 3;

/// Nothing, where no site says anything: most providers stand on none.
pub(super) fn sites(sites: &[Site]) -> Markup {
    html! {
        @for site in sites {
            h3 { "What " a href=(site.home) { (site.title) } " says" }
            div.scroll tabindex="0" role="region" aria-label={ "What " (site.title) " says" } { table {
                thead { tr { th { "Machine" } th { "Grade or score" } th { "In detail" } th.n { "a month" } } }
                tbody { @for line in site.items.iter().take(MOST_LINES) { (row(line)) } }
            } }
            p.soft {
                (site.attribution) ", read " time datetime=(site.read_at.0) { (site.read_at.0.day()) }
                ". The site's word, not part of the score."
                @let left_out = site.items.len().saturating_sub(MOST_LINES);
                @if left_out > 0 { " " (left_out) " more in the JSON." }
            }
        }
    }
}

fn row(line: &Line) -> Markup {
    let name = line.name.as_deref().unwrap_or(match line.kind {
        "trial" => "a machine the site rented",
        "plan" => "a plan",
        _ => "an uploaded run",
    });
    html! {
        tr {
            th {
                @match line.url.as_deref().filter(|url| url.starts_with("https://")) {
                    Some(url) => a href=(url) rel="nofollow noreferrer" { (name) },
                    None => (name)
                }
                div.soft {
                    (line.kind)
                    @if let Some(on) = line.measured_on { " of " time datetime=(on.0) { (on.0) } }
                }
            }
            td {
                @match (line.overall(), line.score) {
                    (Some(grade), Some(score)) => { strong { (grade) } " (" (score) ")" },
                    (Some(grade), None) => strong { (grade) },
                    (None, Some(score)) => strong { (score) },
                    (None, None) => span.soft { "none" },
                }
                @if let Some(version) = &line.grade_version { div.soft { "rules " (version) } }
            }
            td {
                @for (place, (what, grade)) in line.grades.iter().filter(|(what, _)| **what != "overall").enumerate() {
                    @if place > 0 { ", " }
                    (what) " " (grade)
                }
            }
            td.n { @if let Some(price) = line.monthly { (amount(price)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::sites;
    use crate::samples;

    #[test]
    fn of_what_kind_a_line_is_stands_there_whether_it_has_a_day_or_not() {
        let grades = json!({ "overall": "A" });
        for (line, said) in [
            (
                json!({ "kind": "upload", "name": "cx23", "grades": grades }),
                "<div class=\"soft\">upload</div>",
            ),
            (
                json!({ "kind": "trial", "measured_on": "2026-08-09", "grades": grades }),
                "<div class=\"soft\">trial of <time datetime=\"2026-08-09\">2026-08-09</time></div>",
            ),
        ] {
            let page = sites(&samples::sites_saying(&[line])).into_string();
            assert!(page.contains(said), "{page}");
        }
    }
}
