use serde_json::json;

use super::*;
use crate::outcome::Unrecognised;
use crate::page::tests::{facts_in, fixture, without_rungs};

const FIRST: &str = "5c644141-aa29-488a-ae48-bd646d3b07b5";

fn read_list(name: &str) -> ParseOutcome<Vec<(ResultId, Benchmark)>> {
    list(&Page::read(&fixture(name)), &synonyms().unwrap())
}

fn read_one(name: &str) -> ParseOutcome<Benchmark> {
    benchmark(&Page::read(&fixture(name)), &FIRST.parse().unwrap(), &synonyms().unwrap())
}

#[test]
fn the_same_results_in_three_skeletons_are_the_same_results() {
    let lists = ["table", "dl", "cards"]
        .map(|skeleton| facts_in(read_list(&format!("serververify/list-{skeleton}.html"))));
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0], lists[2]);
    let pages = ["table", "dl", "cards"]
        .map(|skeleton| facts_in(read_one(&format!("serververify/benchmark-{skeleton}.html"))));
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
}

#[test]
fn a_list_says_score_grade_value_place_and_day_of_each_result() {
    let results = read_list("serververify/list-table.html").facts().unwrap();
    let said: Vec<_> = results
        .iter()
        .map(|(id, result)| {
            let said = (
                &result.provider,
                &result.grades.score,
                &result.grades.overall,
                &result.value_index,
                &result.location,
                &result.date,
            );
            (id.as_str(), without_rungs(&said, true))
        })
        .collect();
    let absent = json!({"doubt": "absent"});
    assert_eq!(
        said,
        [
            (FIRST, json!(["Hostinger", "25.8", "C", "0.35", "Frankfurt, DE", "2026-09-12"])),
            (
                "0e1f7a52-6b0c-4c39-9d1e-3f1f4f0f9a11",
                json!(["Hetzner", "132.5", "A+", "3.9", "Falkenstein, DE", "2026-09-11"])
            ),
            (
                "9b2d6c1e-7a43-4f57-8a0b-1c2d3e4f5a6b",
                json!(["Contabo", absent, absent, absent, "St. Louis, US", "2025-12-31"])
            ),
        ]
    );
}

#[test]
fn the_seconds_since_boot_are_never_an_uptime() {
    assert_eq!(read_one("serververify/benchmark-dl.html").facts().unwrap().uptime, None);
    let page = |value: &str| {
        let html = format!(
            "<html><body><dl><dt>Service uptime<dd>{value}<dt>Score<dd>1<dt>Grade<dd>A<dt>CPU<dd>x</dl></body></html>"
        );
        let read = benchmark(&Page::read(html.as_bytes()), &FIRST.parse().unwrap(), &synonyms().unwrap());
        without_rungs(&read.facts().unwrap().uptime, true)
    };
    assert_eq!(page("99.98%"), json!("99.98"));
    assert_eq!(page("1234567.89"), json!({"doubt": "no-unit"}));
    assert_eq!(page("14 days"), json!({"doubt": "other-unit"}));
}

#[test]
fn a_list_without_labels_is_not_guessed_at() {
    let html = format!(
        "<html><body><h1>Latest</h1><ul><li><a href=/benchmarks/{FIRST}>25.8</a> C 09/12/26</ul></body></html>"
    );
    let read = list(&Page::read(html.as_bytes()), &synonyms().unwrap());
    assert!(matches!(read, ParseOutcome::Unrecognised { why: Unrecognised::Layout, .. }));
}

#[test]
fn results_are_known_by_links_to_this_site_only() {
    for link in [
        format!("/benchmarks/{FIRST}"),
        format!("https://www.serververify.com/benchmarks/{}?x#y", FIRST.to_uppercase()),
    ] {
        assert_eq!(ResultId::of_link(&link), FIRST.parse().ok(), "{link}");
    }
    for link in [
        "/benchmarks",
        "/benchmarks/",
        "/benchmarks/5c644141",
        "/compare",
        "https://serververify.com",
        "https://example.com/benchmarks/5c644141-aa29-488a-ae48-bd646d3b07b5",
    ] {
        assert_eq!(ResultId::of_link(link), None, "{link}");
    }
}
