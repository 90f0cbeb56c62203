use proptest::prelude::*;
use serde_json::Value;
use trust::claims::{Figure, Source};

use super::*;
use crate::{configuration::Configuration, page::Said, rated::Kind};

const READERS: [Reader; 17] = [
    Reader::EcbRates,
    Reader::FrankfurterRates,
    Reader::VultrPrices,
    Reader::LinodePrices,
    Reader::ScalewayPrices,
    Reader::LightsailPrices,
    Reader::OvhPrices,
    Reader::VpsPriceIndex,
    Reader::ServerPricing,
    Reader::VpsbenchmarksHosters,
    Reader::VpsbenchmarksPlans,
    Reader::VpsbenchmarksHoster,
    Reader::VpsbenchmarksPlan,
    Reader::VpsbenchmarksTrial,
    Reader::VpsbenchmarksYabs,
    Reader::SerververifyList,
    Reader::SerververifyResult,
];

/// A result that `ServerVerify` may have.
const RESULT: &str = "5c644141-aa29-488a-ae48-bd646d3b07b5";

fn on() -> Day {
    Day::parse("2026-11-23").unwrap()
}

fn read(reader: Reader, bytes: &[u8], subject: Option<&str>) -> ParseOutcome<Gleaned> {
    let source = "vpsbenchmarks".parse().unwrap();
    let subject = subject.map(|subject| subject.parse().unwrap());
    let labels = BTreeMap::new();
    let address = "https://www.vpsbenchmarks.com/x";
    reader.read(
        bytes,
        &About { source: &source, subject: subject.as_ref(), address, on: on(), labels: &labels },
    )
}

fn gleaned(reader: Reader, bytes: &[u8], subject: Option<&str>) -> Gleaned {
    match read(reader, bytes, subject) {
        ParseOutcome::Recognised { facts, .. } => facts,
        ParseOutcome::Unrecognised { why, .. } => panic!("{reader:?}: {why:?}"),
    }
}

#[test]
fn the_built_in_sources_use_every_reader() {
    let configuration = Configuration::named("sources/1", None).unwrap();
    let pages = configuration.sources.values().flat_map(|source| source.pages.values());
    let mut used: Vec<Reader> = pages.map(|pages| pages.reader).collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used, READERS);
}

#[test]
fn a_plans_page_is_an_offer_on_the_terms_that_the_site_lists() {
    let page = include_bytes!("../../tests/fixtures/vpsbenchmarks/plan-table.html");
    let Gleaned { offers, seen, .. } = gleaned(Reader::VpsbenchmarksPlan, page, Some("hostinger.kvm-8"));
    let offers = offers.unwrap();
    assert_eq!((offers.source.as_str(), offers.left_out), ("vpsbenchmarks.hostinger.kvm-8", 0));
    let [offer] = offers.offers.as_slice() else { panic!("{offers:?}") };
    assert_eq!((offer.seller.name(), offer.name.as_str()), ("hostinger", "KVM 8"));
    assert_eq!((offer.machine.vcpus.get(), offer.machine.memory.as_gib()), (8, 32.0));
    assert_eq!((offer.monthly.millionths, offer.priced_on), (73_990_000, on()));
    assert_eq!(seen, [], "what a site lists of a plan is the provider's word");
}

#[test]
fn what_people_are_shown_of_a_page_leads_to_where_it_stands() {
    let page = include_bytes!("../../tests/fixtures/vpsbenchmarks/hoster-table.html");
    let rated = gleaned(Reader::VpsbenchmarksHoster, page, Some("verpex")).rated;
    let trials: Vec<(&str, String)> = rated
        .iter()
        .filter(|line| line.kind == Kind::Trial)
        .map(|line| (line.address.as_deref().unwrap(), line.measured_on.unwrap().to_string()))
        .collect();
    let trial = |day: &str| format!("https://www.vpsbenchmarks.com/trials/verpex_performance_trial_{day}");
    assert_eq!(trials[0], (trial("12Sep2026").as_str(), "2026-09-12".to_owned()), "the latest comes first");
    assert_eq!(trials.len(), 3);
    let plans: Vec<&Rated> = rated.iter().filter(|line| line.kind == Kind::Plan).collect();
    assert!(plans.iter().all(|line| line.name.is_some()), "{plans:?}");
    assert_eq!(plans[0].address.as_deref(), Some("https://www.vpsbenchmarks.com/hosters/verpex/plans/ls-s1"));
}

#[test]
fn a_trial_is_evidence_of_the_cpu_that_the_site_saw_and_not_of_what_the_provider_lists() {
    let page = include_str!("../../tests/fixtures/vpsbenchmarks/trial-dl.html").replace(
        "<dt>Hyperthreading",
        "<dt>Port speed:<dd> 2.5 Gbps\n<dt>Num Cores:<dd> 8\n<dt>Hyperthreading",
    );
    let slug = "ovhcloud_performance_trial_09Dec2025";
    let Gleaned { seen, facts, .. } = gleaned(Reader::VpsbenchmarksTrial, page.as_bytes(), Some(slug));
    let Facts::Trial(trial) = facts else { panic!("{facts:?}") };
    assert!(trial.plan.machine.network_rate.is_some_and(|rate| rate.value().is_some()));
    let [Evidence { source: Source::Benchmark { site, .. }, figure, seen_on }] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!((site.as_str(), seen_on.to_string().as_str()), ("vpsbenchmarks", "2025-12-09"));
    assert_eq!(*figure, Figure::CpuModel("AMD EPYC 9354P".to_owned().try_into().unwrap()));
}

#[test]
fn an_uploaded_run_of_a_disk_faster_than_any_is_no_evidence_of_that_rate() {
    let page = include_str!("../../tests/fixtures/vpsbenchmarks/yabs-table.html");
    let disk = |fastest: &str| {
        let page = page.replace("1.98 GB/s", fastest);
        let seen =
            gleaned(Reader::VpsbenchmarksYabs, page.as_bytes(), Some("hetzner-16c-31gb-20251125-8f0aa2"))
                .seen;
        seen.into_iter().find_map(|seen| match seen.figure {
            Figure::DiskRate(rate) => Some(rate.as_bytes_per_second()),
            _ => None,
        })
    };
    assert_eq!(disk("10 GB/s"), Some(10_000_000_000));
    assert_eq!(
        disk("12.55 GB/s"),
        Some(57_500_000),
        "that is a cache, and the test with small blocks stands"
    );
}

#[test]
fn an_uploaded_run_is_evidence_of_its_day_and_of_the_lowest_rank() {
    let page = include_bytes!("../../tests/fixtures/vpsbenchmarks/yabs-table.html");
    let slug = "hetzner-16c-31gb-20251125-8f0aa2";
    let seen = gleaned(Reader::VpsbenchmarksYabs, page, Some(slug)).seen;
    assert!(!seen.is_empty());
    for evidence in &seen {
        assert!(matches!(&evidence.source, Source::Upload { site, .. } if site == "vpsbenchmarks"));
        assert!(!matches!(evidence.figure, Figure::Memory(_)), "whole GiB, rounded down, prove nothing");
    }
}

#[test]
fn an_answer_of_a_tool_is_read_like_a_page() {
    let answer = br#"{"plans": [
        {"plan_name": "CX23", "num_cores": 2, "memory_gb": 4, "disk_gb": 40, "monthly_price": 3.79, "currency": "EUR", "dedicated_cpu": false},
        {"plan_name": "CX33", "num_cores": 4, "memory_gb": 8, "disk_gb": 80}
    ]}"#;
    let Gleaned { offers, facts, .. } = gleaned(Reader::VpsbenchmarksPlans, answer, Some("hetzner"));
    let offers = offers.unwrap();
    assert_eq!(
        (offers.source.as_str(), offers.offers.len(), offers.left_out),
        ("vpsbenchmarks.hetzner", 1, 1)
    );
    assert!(matches!(facts, Facts::Plans { plans, others: 0 } if plans.len() == 2));
    assert!(matches!(
        read(Reader::VpsbenchmarksPlans, b"<html>", Some("hetzner")),
        ParseOutcome::Unrecognised { why: Unrecognised::Format, .. }
    ));
}

#[test]
fn plans_of_others_are_left_out_of_the_offers_and_counted() {
    let answer = br#"[
        {"plan_name": "CX23", "hoster": "Hetzner", "num_cores": 2, "memory_gb": 4, "monthly_price": "3.79 EUR", "dedicated_cpu": false},
        {"plan_name": "VPS 10", "hoster": "Contabo", "num_cores": 3, "memory_gb": 8, "monthly_price": "4.50 EUR", "dedicated_cpu": false}
    ]"#;
    let Gleaned { offers, facts, rated, .. } = gleaned(Reader::VpsbenchmarksPlans, answer, Some("hetzner"));
    let offers = offers.unwrap();
    assert_eq!((offers.offers.len(), offers.left_out, rated.len()), (1, 1, 1));
    assert!(matches!(facts, Facts::Plans { others: 1, .. }));
}

#[test]
fn the_pages_of_a_price_list_are_kept_apart_and_are_one_list() {
    let page = br#"{"servers": {"DEV1-S": {"hourly_price": 0.01, "ncpus": 2, "ram": 2147483648}}}"#;
    let read = |subject| gleaned(Reader::ScalewayPrices, page, subject).offers.unwrap();
    let [first, second] = ["1", "2"].map(|number| read(Some(number)));
    assert_ne!(first.source, second.source);
    assert_eq!(first.offers, second.offers);
    assert_eq!(first.offers[0].source, read(None).source);
}

/// A page of each reader that yields one.
const PAGES: [(Reader, &[u8], Option<&str>); 8] = [
    (
        Reader::VultrPrices,
        br#"{"plans": [{"id": "vc2-1c-2gb", "vcpu_count": 1, "ram": 2048, "disk": 40, "bandwidth": 2000, "monthly_cost": 10, "type": "vc2"}]}"#,
        None,
    ),
    (
        Reader::VpsbenchmarksPlans,
        br#"[{"plan_name": "A", "num_cores": 2, "memory_gb": 4, "monthly_price": "3.79 EUR", "dedicated_cpu": false}]"#,
        Some("hetzner"),
    ),
    (
        Reader::VpsbenchmarksHoster,
        b"<h1>A</h1><table><tr><th>Plan<th>Cores<th>RAM<th>Price<th>Dedicated CPU<tr><td><a href=/hosters/a/plans/b>B</a><td>2<td>4 GB<td>$5<td>No</table>",
        Some("a"),
    ),
    (
        Reader::VpsbenchmarksPlan,
        include_bytes!("../../tests/fixtures/vpsbenchmarks/plan-table.html"),
        Some("hostinger.kvm-8"),
    ),
    (
        Reader::VpsbenchmarksTrial,
        include_bytes!("../../tests/fixtures/vpsbenchmarks/trial-table.html"),
        Some("ovhcloud_performance_trial_09Dec2025"),
    ),
    (
        Reader::VpsbenchmarksYabs,
        include_bytes!("../../tests/fixtures/vpsbenchmarks/yabs-table.html"),
        Some("hetzner-16c-31gb-20251125-8f0aa2"),
    ),
    (Reader::SerververifyList, include_bytes!("../../tests/fixtures/serververify/list-table.html"), None),
    (
        Reader::SerververifyResult,
        include_bytes!("../../tests/fixtures/serververify/benchmark-table.html"),
        Some(RESULT),
    ),
];

#[test]
fn a_page_with_prices_is_asked_for_anew_even_if_it_has_not_changed() {
    for (reader, page, subject) in PAGES {
        let has_prices = gleaned(reader, page, subject).offers.is_some();
        assert_eq!(reader.is_content_with_unchanged(), !has_prices, "{reader:?}");
    }
    let price_lists = READERS.into_iter().filter(|reader| reader.layout().is_some());
    assert!(
        price_lists.clone().count() == 7
            && price_lists.into_iter().all(|list| !list.is_content_with_unchanged())
    );
}

#[test]
fn an_answer_that_would_fill_the_memory_is_too_large() {
    let heavy = format!("[{}0]", "{\"\":0},".repeat(300_000));
    for (reader, subject) in [(Reader::VpsbenchmarksPlans, Some("hetzner")), (Reader::VultrPrices, None)] {
        let outcome = read(reader, heavy.as_bytes(), subject);
        assert!(
            matches!(outcome, ParseOutcome::Unrecognised { why: Unrecognised::TooLarge, .. }),
            "{reader:?}"
        );
    }
}

#[test]
fn facts_read_back_as_they_are_kept() {
    let page = include_bytes!("../../tests/fixtures/vpsbenchmarks/hoster-table.html");
    let facts = gleaned(Reader::VpsbenchmarksHoster, page, Some("verpex")).facts;
    let kept = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<Facts>(&kept).unwrap(), facts);
}

#[test]
fn a_reader_takes_the_subjects_that_its_site_has() {
    for (reader, good, bad) in [
        (Reader::VpsbenchmarksHoster, "ovhcloud_us", "Hetzner"),
        (Reader::VpsbenchmarksPlan, "netcup.2240", "netcup"),
        (Reader::VpsbenchmarksTrial, "ovhcloud_performance_trial_09Dec2025", "ovhcloud"),
        (Reader::VpsbenchmarksYabs, "hetzner-2c-4gb-e277e9", "hetzner"),
        (Reader::SerververifyResult, RESULT, "5c644141"),
    ] {
        assert!(reader.takes(Some(&good.parse().unwrap())), "{reader:?} {good}");
        assert!(!reader.takes(Some(&bad.parse().unwrap())), "{reader:?} {bad}");
        assert!(!reader.takes(None), "{reader:?}");
    }
}

/// JSON that has the keys and values of answers and price lists, put together by chance.
fn nearly_right() -> impl Strategy<Value = serde_json::Value> {
    let key = prop::sample::select(vec![
        "plans",
        "data",
        "servers",
        "offers",
        "products",
        "terms",
        "result",
        "providers",
        "plan_name",
        "plan",
        "name",
        "hoster",
        "provider",
        "slug",
        "website",
        "num_cores",
        "vcpus",
        "vcpu",
        "vcpu_count",
        "memory_gb",
        "memory",
        "ram",
        "ram_gb",
        "disk_gb",
        "disk",
        "storage",
        "data_transfer",
        "bandwidth",
        "monthly_price",
        "monthly_cost",
        "price",
        "monthly",
        "currency",
        "dedicated_cpu",
        "class",
        "type",
        "id",
        "label",
        "score",
        "grade",
        "cpu",
        "locale",
        "pricings",
        "generated_utc",
        "attributes",
        "region_prices",
        "hourly_price",
        "ncpus",
    ]);
    let text = prop::sample::select(vec![
        "",
        "N/A",
        "busy ",
        "hetzner",
        "Hetzner",
        "Contabo",
        "https://hetzner.com",
        "192.0.2.1",
        "KVM 8",
        "8",
        "32 GB",
        "32,000",
        "1.324",
        "$73.99",
        "17.48 EUR",
        "USD",
        "CAD",
        "A",
        "yes",
        "no",
        "vc2",
        "standard",
        "-1",
        "99999999999999999999",
        "2026-11-23T00:00:00Z",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![Just(0.0), Just(-1.0), Just(1.324), Just(1e300), 0.0..1e6].prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_u64..64).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 96, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..12).prop_map(|members| {
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn nearly_right_answers_and_lists_have_an_outcome_and_nothing_of_others(document in nearly_right(), reader in 0..READERS.len()) {
        let reader = READERS[reader];
        let list = serde_json::json!({ "plans": [document], "data": [document], "offers": [document] });
        for document in [&document, &list] {
            let bytes = serde_json::to_vec(document).unwrap();
            for subject in [None, Some("hetzner")] {
                let ParseOutcome::Recognised { facts, recognition } = read(reader, &bytes, subject) else { continue };
                prop_assert!(recognition.found <= recognition.of);
                if let Facts::Plans { plans, .. } = &facts.facts {
                    let is_anothers = |plan: &Plan| plan.provider.as_ref().and_then(Said::value).is_some_and(|said| said.as_str() == "Contabo");
                    prop_assert!(!plans.is_empty() && (subject.is_none() || !plans.iter().any(is_anothers)));
                }
                if let Some(offers) = &facts.offers {
                    prop_assert!(offers.offers.iter().all(|offer| offer.machine.vcpus.get() > 0));
                }
                let kept = serde_json::to_string(&facts.facts).unwrap();
                prop_assert_eq!(serde_json::from_str::<Facts>(&kept).unwrap(), facts.facts);
            }
        }
    }

    #[test]
    fn any_bytes_have_an_outcome_whoever_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..2048), reader in 0..READERS.len()) {
        let subjects = [None, Some("hetzner"), Some("hetzner.cx23"), Some(RESULT)];
        for subject in subjects {
            read(READERS[reader], &bytes, subject);
        }
    }
}
