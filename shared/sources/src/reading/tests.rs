use proptest::prelude::*;
use trust::claims::{Figure, Source};

use super::*;
use crate::{configuration::Configuration, rated::Kind};

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
    assert!(matches!(facts, Facts::Plans { plans } if plans.len() == 2));
    assert!(matches!(
        read(Reader::VpsbenchmarksPlans, b"<html>", Some("hetzner")),
        ParseOutcome::Unrecognised { why: Unrecognised::Format, .. }
    ));
}

#[test]
fn a_price_list_is_kept_under_its_source_and_asked_for_anew_even_if_it_has_not_changed() {
    let list = br#"[{"provider": "Vultr"}]"#;
    assert!(!Reader::VpsPriceIndex.is_content_with_unchanged());
    assert!(Reader::VpsbenchmarksTrial.is_content_with_unchanged());
    assert!(matches!(read(Reader::VpsPriceIndex, list, None), ParseOutcome::Unrecognised { .. }));
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

proptest! {
    #[test]
    fn any_bytes_have_an_outcome_whoever_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..2048), reader in 0..READERS.len()) {
        let subjects = [None, Some("hetzner"), Some("hetzner.cx23"), Some(RESULT)];
        for subject in subjects {
            read(READERS[reader], &bytes, subject);
        }
    }
}
