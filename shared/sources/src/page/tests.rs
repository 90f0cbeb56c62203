use std::collections::BTreeMap;
use std::thread;

use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::Value;

use super::*;
use crate::text;
use crate::{serververify, vpsbenchmarks};

/// A fixture of this crate.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is said, without where it stands on the page; with `only_values`, also without the texts.
pub(crate) fn without_rungs(said: &impl Serialize, only_values: bool) -> Value {
    fn strip(value: Value, only_values: bool) -> Value {
        match value {
            Value::Array(values) => values.into_iter().map(|value| strip(value, only_values)).collect(),
            Value::Object(mut object) => {
                object.remove("rung");
                if only_values {
                    object.remove("raw");
                    if let (1, Some(value)) = (object.len(), object.get_mut("value")) {
                        return strip(value.take(), only_values);
                    }
                }
                object.into_iter().map(|(key, value)| (key, strip(value, only_values))).collect()
            }
            other => other,
        }
    }
    strip(serde_json::to_value(said).unwrap(), only_values)
}

/// The facts of an outcome that must have some, and how much was recognised.
pub(crate) fn facts_in(outcome: ParseOutcome<impl Serialize>) -> (Value, Recognition) {
    match outcome {
        ParseOutcome::Recognised { facts, recognition } => (without_rungs(&facts, false), recognition),
        ParseOutcome::Unrecognised { why, .. } => panic!("unrecognised: {why:?}"),
    }
}

fn cores_on(html: &str) -> Option<Result<u64, text::Doubt>> {
    let page = Page::read(html.as_bytes());
    let synonyms = vpsbenchmarks::synonyms().unwrap();
    let (_, facts) = page.sayings(&synonyms).items(|_| None::<()>);
    let said = facts.say(Fact::Cores, |text, _| text::count(text))?;
    Some(said.value().copied().ok_or_else(|| said.doubt().unwrap()))
}

#[test]
fn a_value_is_found_wherever_it_stands_beside_its_label() {
    for html in [
        "<table><tr><th>Num Cores<td>8</table>",
        "<table><tr><td>Num Cores:</td><td> 8 </td><td>Memory</td><td>32 GB</td></tr></table>",
        "<dl><dt>Num Cores<dd>8<dt>Memory<dd>32 GB</dl>",
        "<dl><div><dt>num-cores</dt><dd><b>8</b></dd></div></dl>",
        "<ul><li>Num Cores: 8<li>Memory: 32 GB</ul>",
        "<ul><li><b>Num Cores</b> 8</li><li><b>Memory</b> 32 GB</li></ul>",
        "<p><strong>Num Cores:</strong> 8<br><strong>Memory:</strong> 32 GB</p>",
        "<div><div><span>Num Cores</span></div><div><i></i><span>8</span></div></div>",
        "<div><h4>Num Cores</h4><p>8</p></div>",
        "<table><tr><th>Plan<th>Num Cores<th>Memory<tr><td>X<td>8<td>32 GB</table>",
        "<table><tr><td data-label='Num Cores'>8</td><td data-label=Memory>32 GB</td></tr></table>",
        "<script type='application/ld+json'>{\"numCores\": 8, \"memory\": \"32 GB\"}</script><p>",
        "<div data-page='{\"a\":[{\"num_cores\":\"8\",\"memory\":\"32 GB\"}]}'></div>",
        "<dl><dt>Num Cores<dd>N&#47;A<dd></dl><dl><dt>Num Cores<dd>8</dl>",
        "<table><tr><td>Num Cores</td><td>8</td></tr></table></div></p></table></body>",
    ] {
        assert_eq!(cores_on(html), Some(Ok(8)), "{html}");
    }
}

#[test]
fn what_is_not_plainly_beside_a_label_is_not_its_value() {
    for html in [
        "<div><div>8</div><div>Num Cores</div><div>4</div><div>Memory</div></div>",
        "<table><tr><th>Num Cores<th>Memory</table>",
        "<table><tr><th>Num Cores<th>Memory<tr><td>8<td>1<tr><td>4<td>1</table>",
        "<table><tr><th>Num Cores<th>Memory<tr><td colspan=2>8</table>",
        "<div>Num Cores<section><p>Memory</p><p>8</p></section></div>",
        "<h2>Num Cores</h2>",
        "<script>{\"numCores\": 8, \"memory\": 1}</script><p>",
        "<script type='application/json'>{\"numCores\": 8}</script><p>",
        "<style>Num Cores: 8</style><p>",
        "<!-- <dl><dt>Num Cores<dd>8</dl> --><p>",
    ] {
        assert_eq!(cores_on(html), None, "{html}");
    }
    for (html, doubt) in [
        ("<dl><dt>Num Cores<dd><span>8</span><span>4</span></dl>", text::Doubt::Unreadable),
        ("<dl><dt>Num Cores<dd><div>8</div><div>400</div></dl>", text::Doubt::Unreadable),
        ("<dl><dt>Num Cores<dd>8<sup>1</sup></dl>", text::Doubt::Unreadable),
        ("<dl><dt>Num Cores<dd></dl>", text::Doubt::Absent),
    ] {
        assert_eq!(cores_on(html), Some(Err(doubt)), "{html}");
    }
}

#[test]
fn an_empty_place_is_not_understood_and_a_word_for_nothing_is() {
    let understood = |html: &str| {
        let page = Page::read(html.as_bytes());
        let synonyms = vpsbenchmarks::synonyms().unwrap();
        let (_, facts) = page.sayings(&synonyms).items(|_| None::<()>);
        let said = facts.say(Fact::Cores, |text, _| text::count(text)).unwrap();
        assert_eq!(said.doubt(), Some(text::Doubt::Absent), "{html}");
        facts.recognition() == Recognition::new(1, 1)
    };
    for html in [
        "<dl><dt>Num Cores<dd x-text=cores></dd></dl>",
        "<div><b>Num Cores</b><span x-text=cores></span></div>",
        "<dl><dt>Num Cores<dd>&nbsp;</dl>",
        "<script type='application/json'>{\"numCores\": \"\", \"memory\": 1}</script><p>",
    ] {
        assert!(!understood(html), "{html}");
    }
    for html in [
        "<dl><dt>Num Cores<dd>N/A</dl>",
        "<dl><dt>Num Cores<dd>--</dl>",
        "<script type='application/json'>{\"numCores\": null, \"memory\": 1}</script><p>",
    ] {
        assert!(understood(html), "{html}");
    }
}

/// The grades of CPU and disk on a page.
fn grades_on(html: &str) -> [Option<String>; 2] {
    let page = Page::read(html.as_bytes());
    let synonyms = vpsbenchmarks::synonyms().unwrap();
    let (_, facts) = page.sayings(&synonyms).items(|_| None::<()>);
    [Fact::CpuGrade, Fact::DiskGrade]
        .map(|fact| facts.say(fact, |text, _| text.parse::<text::Grade>()))
        .map(|said| said.and_then(|said| said.value().map(|_| said.raw.clone())))
}

#[test]
fn values_above_their_labels_are_given_to_nobody_whatever_stands_behind_the_last() {
    for html in [
        "<div><b>A</b><i>CPU</i><b>B</b><i>Disk</i><b>C</b><i>Network</i></div>",
        "<div><b>A</b><i>CPU</i><b>B</b><i>Disk</i><b>C</b><i>Network</i><a href=/faq>What is this?</a></div>",
        "<div>A <i>CPU</i> B <i>Disk</i> C</div>",
        "<div><h3>Grades</h3><b>A</b><i>CPU</i><b>B</b><i>Disk</i><a href=/faq>?</a></div>",
        "<table><tr><td>A</td><td>CPU</td><td>B</td><td>Disk</td><td>C</td></tr></table>",
        "<dl><dd>A<dt>CPU<dd>B<dt>Disk<dd>C</dl>",
    ] {
        assert_eq!(grades_on(html), [None, None], "{html}");
    }
    for html in [
        "<div><h3>Grades</h3><i>CPU</i><b>A</b><i>Disk</i><b>B</b></div>",
        "<div><img src=x><i></i><i>CPU</i><b>A</b><i>Disk</i><b>B</b><a href=/faq>What is this?</a></div>",
        "<div><p>Memory: 4 GB</p><i>CPU</i><b>A</b><i>Disk</i><b>B</b></div>",
        "<div><div><i>Memory</i><b>4 GB</b></div><i>CPU</i><b>A</b><i>Disk</i><b>B</b></div>",
        "<dl><dt>Rating<dd>5<dt>CPU<dd>A<dt>Disk<dd>B</dl>",
        "<table><tr><th>Rating<td>5<th>CPU<td>A<th>Disk<td>B</table>",
    ] {
        assert_eq!(grades_on(html), [Some("A".to_owned()), Some("B".to_owned())], "{html}");
    }
}

#[test]
fn pages_of_one_shape_have_one_fingerprint_however_long_they_are() {
    let list = |rows: usize| {
        let rows = "<tr><td>x</td><td>1</td></tr>".repeat(rows);
        Page::read(format!("<table><tr><th>Name<th>Score</tr>{rows}</table>").as_bytes()).fingerprint()
    };
    assert_eq!(list(2), list(60));
    assert_ne!(list(2), Page::read(b"<dl><dt>Name<dd>x</dl>").fingerprint());
}

#[test]
fn what_is_no_whole_page_is_told_apart() {
    let long = "x".repeat(LARGEST + 1);
    for (bytes, flaw) in [
        (&b""[..], Some(Unrecognised::Truncated)),
        (b"   \n", Some(Unrecognised::Truncated)),
        (b"{\"a\": 1}", Some(Unrecognised::Format)),
        (b"\x89PNG\r\n\x1a\n", Some(Unrecognised::Format)),
        (long.as_bytes(), Some(Unrecognised::TooLarge)),
        (b"<html><body><p>cut", Some(Unrecognised::Truncated)),
        (b"<p>cut in a <b title='", Some(Unrecognised::Truncated)),
        (b"<html><body><p>whole</html>", None),
        (b"<p>a fragment</p>", None),
        (b"<html><title>Just a moment...</title></html>", Some(Unrecognised::Challenge)),
    ] {
        assert_eq!(
            Page::read(bytes).flaw(),
            flaw,
            "{:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(60)])
        );
    }
}

/// Less than any platform gives a thread.
const SMALL_STACK: usize = 256 * 1024;

/// Reads a page in every way there is, in a thread with little stack.
fn read_in_every_way_on_a_small_stack(html: Vec<u8>) -> Option<Unrecognised> {
    let reader = thread::Builder::new().stack_size(SMALL_STACK).spawn(move || read_in_every_way(&html));
    reader.unwrap().join().unwrap()
}

fn read_in_every_way(html: &[u8]) -> Option<Unrecognised> {
    let page = Page::read(html);
    let (ours, theirs) = (vpsbenchmarks::synonyms().unwrap(), serververify::synonyms().unwrap());
    let _ = vpsbenchmarks::plan(&page, &vpsbenchmarks::PlanSlug::new("hostinger", "kvm-8").unwrap(), &ours);
    let _ = vpsbenchmarks::hoster(&page, &"verpex".parse().unwrap(), &ours);
    let _ = vpsbenchmarks::trial(&page, &"a_performance_trial_09Dec2025".parse().unwrap(), &ours);
    let _ = vpsbenchmarks::yabs(&page, &"hetzner-2c-4gb-e277e9".parse().unwrap(), &ours);
    let _ = serververify::list(&page, &theirs);
    let _ = serververify::benchmark(&page, &"5c644141-aa29-488a-ae48-bd646d3b07b5".parse().unwrap(), &theirs);
    let _ = (page.fingerprint(), page.title(), page.heading(), page.links().count());
    page.flaw()
}

#[test]
fn nesting_a_million_deep_is_refused_without_overflowing_a_small_stack() {
    for open in ["<b>", "<i><a>", "<div>"] {
        let deep = open.repeat(1_000_000).into_bytes();
        assert_eq!(read_in_every_way_on_a_small_stack(deep), Some(Unrecognised::TooLarge));
    }
    let deep = "<b>".repeat(LARGEST / 3).into_bytes();
    assert_eq!(read_in_every_way_on_a_small_stack(deep), Some(Unrecognised::TooLarge));
    let json = format!("<script type='application/json'>{}</script><p>", "[".repeat(1_000_000));
    assert_eq!(read_in_every_way_on_a_small_stack(json.into_bytes()), None);
}

/// The CPU time, in milliseconds, that reading a page takes on a thread of its own, at best of three.
fn cost(html: &[u8]) -> f64 {
    let once = || {
        let html = html.to_vec();
        let reader = thread::Builder::new().stack_size(SMALL_STACK).spawn(move || {
            let begun = clock_gettime(ClockId::ThreadCPUTime);
            read_in_every_way(&html);
            let ended = clock_gettime(ClockId::ThreadCPUTime);
            (ended.tv_sec - begun.tv_sec) as f64 * 1e3 + (ended.tv_nsec - begun.tv_nsec) as f64 / 1e6
        });
        reader.unwrap().join().unwrap()
    };
    (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// Eight times the page takes some eight times as long, where work that grows with its square would take 64 times.
#[test]
fn pages_made_to_be_slow_cost_by_their_length_or_are_refused() {
    const LARGER: usize = 8;
    const MOST: f64 = 14.0;
    let filled = |prefix: &str, piece: &str, share: usize| {
        let elements = piece.matches('<').count() - piece.matches("</").count();
        let most = 16_000_usize.checked_div(elements).unwrap_or(usize::MAX);
        let pieces = most.min(LARGEST / 8 / piece.len()) / share;
        (prefix.to_owned() + &piece.repeat(pieces)).into_bytes()
    };
    for (prefix, piece) in [
        ("<table><tr>", "<th>RAM"),
        ("<table>", "<tr><td>RAM<td>CPU"),
        ("<dl>", "<dt>RAM<dd>1"),
        ("<div>", "<p>RAM</p>"),
        ("<div>", "<i>x</i><b>RAM</b>"),
        ("", "<a href=/trials/a_performance_trial_09Dec2025>"),
        ("", "<p><a href=/benchmarks/5c644141-aa29-488a-ae48-bd646d3b07b5>RAM</a><b>1</b>"),
        ("<div>", "<p>see <a href=/hosters/a/plans/b>x</a> and <a href=/hosters/a/plans/c>y</a></p>"),
        (
            "<dl><dt>RAM<dd>1</dl><p>see ",
            "<a href=/hosters/a/plans/b>x</a>, <a href=/hosters/a/plans/c>y</a>, ",
        ),
        ("<dl><dt>RAM<dd>1</dl>", "<p>see <a href=/hosters/a/plans/b>x</a>"),
        (
            "<div>",
            "<p><b>RAM</b><i>1</i><a href=/hosters/a/plans/b>x</a></p><p><b>RAM</b><i>1</i><a href=/hosters/a/plans/c>y</a></p>",
        ),
        ("", "<table>"),
        ("", "<table><tr><td>"),
        ("", "<p><b id=1><i>"),
        ("<div>", "</p></i></table>"),
        ("<p>", "&nbsp;"),
        ("<p>", "1,"),
        ("<p>", ":"),
        ("", "<!--"),
        ("<p ", "a=b "),
        ("<script>", "<!--<script>"),
        ("<p data-a='", "{\"a\":"),
        (&"<div>".repeat(250), "&nbsp;"),
    ] {
        let small = cost(&filled(prefix, piece, LARGER));
        let large = cost(&filled(prefix, piece, 1));
        assert!(
            large < MOST * small.max(0.5),
            "{prefix}{piece}: {small} ms, and {large} ms of {LARGER} times as much"
        );
    }
}

#[test]
fn labels_are_configuration_and_impossible_ones_are_refused() {
    let read = |json: &str| serde_json::from_str::<Synonyms>(json);
    assert!(read(r#"{"cores": ["Processing units"], "memory": ["Working store [GB]"]}"#).is_ok());
    for (json, problem) in [
        (r#"{"cores": [" - "]}"#, "no letter or digit"),
        (r#"{"cores": ["Size"], "memory": ["size"]}"#, "means"),
        (r#"{"web-grade": ["Web"], "cpu-grade": ["WEB"]}"#, "means"),
        (r#"{"horsepower": ["HP"]}"#, "unknown variant"),
    ] {
        let error = read(json).unwrap_err().to_string();
        assert!(error.contains(problem), "{json}: {error}");
    }
    let renamed = Page::read(&fixture("odd/renamed.html"));
    let labels = BTreeMap::from([
        (Fact::Cores, vec!["Processing units".to_owned()]),
        (Fact::Memory, vec!["Working store [GB]".to_owned()]),
        (Fact::Disk, vec!["Bulk store [GB]".to_owned()]),
    ]);
    let slug = vpsbenchmarks::PlanSlug::new("hostinger", "kvm-8").unwrap();
    let plan = vpsbenchmarks::plan(&renamed, &slug, &Synonyms::new(labels).unwrap()).facts().unwrap();
    let machine = plan.machine.specification();
    assert_eq!(
        (machine.memory_mib.map(u32::from), machine.disk_gb.map(u32::from)),
        (Some(32_768), Some(400))
    );
}

#[test]
fn an_operator_adds_labels_to_those_that_are_known() {
    let add = |fact: &str, label: &str| {
        let labels = BTreeMap::from([(fact.to_owned(), vec![label.to_owned()])]);
        vpsbenchmarks::synonyms().unwrap().extended(&labels)
    };
    let synonyms = add("cores", "Processing units").unwrap();
    let page = Page::read(b"<dl><dt>Processing units<dd>8<dt>Memory<dd>4 GB</dl>");
    let (_, facts) = page.sayings(&synonyms).items(|_| None::<()>);
    assert_eq!(
        facts.say(Fact::Cores, |text, _| text::count(text)).and_then(|said| said.value().copied()),
        Some(8)
    );
    assert_eq!(add("horsepower", "HP"), Err(InvalidSynonyms::Unknown("horsepower".to_owned())));
    assert!(matches!(add("cores", "RAM"), Err(InvalidSynonyms::Clash(..))));
}

const FIXTURES: [&str; 13] = [
    "vpsbenchmarks/plan-table.html",
    "vpsbenchmarks/plan-dl.html",
    "vpsbenchmarks/plan-cards.html",
    "vpsbenchmarks/plan-json.html",
    "vpsbenchmarks/hoster-table.html",
    "vpsbenchmarks/hoster-cards.html",
    "vpsbenchmarks/trial-dl.html",
    "vpsbenchmarks/yabs-table.html",
    "serververify/list-table.html",
    "serververify/list-dl.html",
    "serververify/benchmark-cards.html",
    "odd/not-available.html",
    "odd/challenge.html",
];

/// What happens to a page on its way: a piece is cut out, doubled, moved to another place, or replaced by other bytes.
fn damage(mut html: Vec<u8>, cuts: &[(usize, usize, usize, Vec<u8>)]) -> Vec<u8> {
    for (from, length, to, bytes) in cuts {
        let from = from % (html.len() + 1);
        let until = (from + length % 200).min(html.len());
        let piece: Vec<u8> = html.drain(from..until).collect();
        let to = to % (html.len() + 1);
        html.splice(to..to, piece.into_iter().chain(bytes.iter().copied()));
    }
    html
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        read_in_every_way(&bytes);
    }

    #[test]
    fn no_heap_of_tags_makes_a_parser_panic(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "<table>", "</table>", "<tr>", "<td>", "</td>", "<th>", "<dl>", "<dt>", "<dd>", "</dl>", "<p>", "</p>", "<div>", "</div>",
            "<a href=/benchmarks/5c644141-aa29-488a-ae48-bd646d3b07b5>", "<a href='/hosters/a/plans/b'>", "</a>", "<h1>", "</h1>",
            "<br>", "<b>", "</b>", "Num Cores", "Memory:", "Score", "CPU", "A", "8", "$1.324", ":", " ", "\u{a0}", "<script>", "</script>",
            "<script type=application/json>", "{\"cores\":8,\"memory\":null}", "<!--", "-->", "<td data-label=Score>", "<html>", "</html>",
            "<thead>", "</thead>", "<li>", "<ul>", "</ul>", "<svg/>", "<option>",
        ]), 0..120)
    ) {
        read_in_every_way(pieces.concat().as_bytes());
    }

    #[test]
    fn no_damage_to_a_page_makes_a_parser_panic(
        name in proptest::sample::select(FIXTURES.to_vec()),
        cuts in proptest::collection::vec((any::<usize>(), any::<usize>(), any::<usize>(), proptest::collection::vec(any::<u8>(), 0..6)), 1..8)
    ) {
        read_in_every_way(&damage(fixture(name), &cuts));
    }

    #[test]
    fn a_page_cut_anywhere_is_cut_off_or_says_nothing_else_than_the_whole(at in 0_usize..1_960) {
        let whole = fixture("vpsbenchmarks/plan-table.html");
        let cut = whole.get(..at.min(whole.len().saturating_sub(9))).unwrap_or_default();
        prop_assert!(Page::read(cut).flaw().is_some());
    }
}
