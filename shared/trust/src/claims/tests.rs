use std::num::NonZeroU32;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    offering::{Country, DiskKind, Label, Virtualisation},
    time::Day,
    units::{BitRate, ByteRate, Size},
};

fn today() -> Day {
    Day::parse("2026-11-23").unwrap()
}

fn claim(of: serde_json::Value) -> Specification {
    serde_json::from_value(of).unwrap()
}

fn label(text: &str) -> Label {
    Label::try_from(text.to_owned()).unwrap()
}

fn cpu(text: &str) -> Figure {
    Figure::CpuModel(label(text))
}

fn country(code: &str) -> Figure {
    Figure::Country(Country::try_from(code.to_owned()).unwrap())
}

fn asn(number: u32) -> Figure {
    Figure::Asn(NonZeroU32::new(number).unwrap())
}

fn renter(number: u32) -> Source {
    Source::Renter { renter: format!("r{number}").parse().unwrap() }
}

fn site() -> Source {
    Source::Benchmark { site: "bench.example".to_owned(), url: "https://bench.example/1".to_owned() }
}

fn upload() -> Source {
    Source::Upload { site: "anybody.example".to_owned(), url: "https://anybody.example/1".to_owned() }
}

fn seen(source: Source, figure: Figure) -> Evidence {
    Evidence { source, seen_on: today().minus(3), figure }
}

fn verdict(claim: &Specification, evidence: &[Evidence]) -> Verdict {
    judge(claim, evidence, today()).first().map_or(Verdict::Unverified, |judged| judged.verdict)
}

#[test]
fn each_figure_means_what_its_tolerance_says() {
    use Reading::{Compatible, Confirms, Contradicts, Doubts};
    let bare = json!({ "class": "bare-metal", "vcpus": 16 });
    let mib = |count: u64| Figure::Memory(Size::kib(count * 1024));
    for (of, figure, reading) in [
        (json!({ "vcpus": 4 }), Figure::Vcpus(4), Confirms),
        (json!({ "vcpus": 4 }), Figure::Vcpus(8), Confirms),
        (json!({ "vcpus": 4 }), Figure::Vcpus(9), Compatible),
        (json!({ "vcpus": 4 }), Figure::Vcpus(3), Contradicts),
        (bare.clone(), Figure::Vcpus(8), Compatible),
        (bare, Figure::Vcpus(7), Contradicts),
        // 4 GiB as a real one shows it, and 4 GB sold as 4 GiB.
        (json!({ "memory_mib": 4096 }), Figure::Memory(Size::kib(4_015_920)), Confirms),
        (json!({ "memory_mib": 4096 }), mib(3814), Confirms),
        (json!({ "memory_mib": 4096 }), mib(3500), Compatible),
        (json!({ "memory_mib": 4096 }), mib(3000), Contradicts),
        (json!({ "memory_mib": 512 }), mib(460), Confirms),
        (json!({ "memory_mib": 4096 }), mib(8191), Confirms),
        (json!({ "memory_mib": 4096 }), mib(8194), Compatible),
        // 40 GB sold: 39,250,496 KiB are mounted.
        (json!({ "disk_gb": 40 }), Figure::Disk(Size::kib(39_250_496)), Confirms),
        (json!({ "disk_gb": 80 }), Figure::Disk(Size::kib(39_250_496)), Compatible),
        (json!({ "disk_gb": 100 }), Figure::Disk(Size::kib(39_250_496)), Doubts),
        (json!({ "disk_kind": "nvme" }), Figure::DiskDevice(DiskKind::Nvme), Confirms),
        (json!({ "disk_kind": "ssd" }), Figure::DiskDevice(DiskKind::Nvme), Confirms),
        (json!({ "disk_kind": "nvme" }), Figure::DiskOperations(60_000), Compatible),
        (json!({ "disk_kind": "nvme" }), Figure::DiskOperations(249), Contradicts),
        (json!({ "disk_kind": "ssd" }), Figure::DiskOperations(5000), Confirms),
        (json!({ "disk_kind": "ssd" }), Figure::DiskOperations(4999), Compatible),
        (json!({ "disk_kind": "ssd" }), Figure::DiskOperations(120), Contradicts),
        (json!({ "disk_kind": "hdd" }), Figure::DiskOperations(120), Compatible),
        (json!({ "disk_mb_per_second": 1000 }), Figure::DiskRate(ByteRate::mb_per_second(900)), Confirms),
        (json!({ "disk_mb_per_second": 1000 }), Figure::DiskRate(ByteRate::mb_per_second(899)), Compatible),
        (json!({ "disk_mb_per_second": 1000 }), Figure::DiskRate(ByteRate::mb_per_second(249)), Doubts),
        (
            json!({ "network_mbit_per_second": 1000 }),
            Figure::NetworkRate(BitRate::mbit_per_second(800)),
            Confirms,
        ),
        (
            json!({ "network_mbit_per_second": 1000 }),
            Figure::NetworkRate(BitRate::mbit_per_second(799)),
            Compatible,
        ),
        (
            json!({ "network_mbit_per_second": 1000 }),
            Figure::NetworkRate(BitRate::mbit_per_second(249)),
            Doubts,
        ),
        (json!({ "virtualisation": "kvm" }), Figure::Virtualisation(Virtualisation::Kvm), Confirms),
        (json!({ "virtualisation": "kvm" }), Figure::Virtualisation(Virtualisation::Openvz), Contradicts),
        (json!({ "virtualisation": "kvm" }), Figure::Virtualisation(Virtualisation::None), Compatible),
        (json!({ "virtualisation": "none" }), Figure::Virtualisation(Virtualisation::Kvm), Contradicts),
        (json!({ "country": "DE" }), country("DE"), Confirms),
        (json!({ "country": "DE" }), country("US"), Doubts),
        (json!({ "asn": 64500 }), asn(64500), Confirms),
        (json!({ "asn": 64500 }), asn(64501), Contradicts),
    ] {
        assert_eq!(read(&claim(of.clone()), &figure), Some(reading), "{of} {figure:?}");
        assert_eq!(read(&Specification::default(), &figure), None);
    }
}

#[test]
fn names_of_cpus_are_compared_by_what_tells_them_apart() {
    use Reading::{Compatible, Confirms, Contradicts};
    for (claimed, seen, reading) in [
        ("AMD EPYC 9354P", "AMD EPYC 9354P 32-Core Processor", Confirms),
        ("Ryzen 9 7950X", "AMD Ryzen 9 7950X 16-Core Processor", Confirms),
        ("AMD EPYC", "AMD EPYC 7543 32-Core Processor", Confirms),
        ("Intel Xeon E-2276G", "Intel(R) Xeon(R) E-2276G CPU @ 3.80GHz", Confirms),
        ("AMD EPYC 9354P", "AMD EPYC-Rome Processor", Compatible),
        ("AMD EPYC 9354P", "QEMU Virtual CPU version 2.5+", Compatible),
        ("AMD EPYC 9354P", "pc-i440fx-7.2", Compatible),
        ("AMD EPYC Milan", "AMD EPYC 7543 32-Core Processor", Compatible),
        ("AMD EPYC 9754", "AMD EPYC 7742 128-Core Processor", Contradicts),
        ("AMD EPYC 9354P", "Intel(R) Xeon(R) Gold 6230R CPU @ 2.10GHz", Contradicts),
        ("AMD EPYC 9354P", "Intel Xeon Processor (Skylake, IBRS)", Contradicts),
        ("Intel Xeon E5-2680 v4", "Intel(R) Xeon(R) CPU E5-2680 v2 @ 2.80GHz", Contradicts),
        ("Intel Xeon E5-2680 v4", "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", Confirms),
        ("-", "AMD EPYC 7543", Compatible),
        ("Intel Xeon E5-2680v4", "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", Confirms),
        ("Intel Xeon E5-2680v4 14 cores", "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", Confirms),
        ("Intel Xeon E5-2680v4", "Intel(R) Xeon(R) CPU E5-2680 v2 @ 2.80GHz", Contradicts),
        // A series is none of its models.
        ("AMD EPYC 9004 series", "AMD EPYC 9354P 32-Core Processor", Compatible),
        ("AMD EPYC 7003", "AMD EPYC 7543 32-Core Processor", Compatible),
        ("Intel Xeon E5-2600 v4", "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", Compatible),
        ("AMD Ryzen 7000", "AMD Ryzen 9 7950X 16-Core Processor", Compatible),
        ("AMD EPYC 9004 series", "Intel(R) Xeon(R) Gold 6230R CPU @ 2.10GHz", Contradicts),
        ("Intel Core i7-8700", "Intel(R) Core(TM) i7-7700 CPU @ 3.60GHz", Contradicts),
        ("Intel Core i7-8700, 6 cores", "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", Confirms),
        // It excuses only what can be of it, and what is no series excuses nothing.
        ("AMD EPYC 9654, DDR5-4800", "AMD EPYC 7282 16-Core Processor", Contradicts),
        ("AMD EPYC 9654 (9004 series)", "AMD EPYC 7282 16-Core Processor", Contradicts),
        ("AMD EPYC 9654 (9004 series)", "AMD EPYC 9354P 32-Core Processor", Compatible),
        ("AMD EPYC 9654 or 7003", "AMD EPYC 7R13 Processor", Compatible),
        ("Intel Xeon Gold 6140, DDR4-3200", "Intel(R) Xeon(R) CPU E5-2620 v2 @ 2.10GHz", Contradicts),
        ("Intel Xeon E5-2690 v2, DDR3-1600", "Intel(R) Xeon(R) CPU E5-1620 v2 @ 3.70GHz", Contradicts),
        ("Intel Xeon Gold 6140 or E5-2600", "Intel(R) Xeon(R) CPU E5-2687W v4 @ 3.00GHz", Compatible),
        ("AMD Ryzen 9 7950X (7000 series)", "AMD Ryzen 5 3600 6-Core Processor", Contradicts),
        ("AMD Ryzen 9 7950X (7000 series)", "AMD Ryzen 9 7900X 12-Core Processor", Compatible),
        ("Intel Core i7-8700, 1000 Mbit", "Intel(R) Core(TM) i7-7700 CPU @ 3.60GHz", Contradicts),
        ("Intel N100", "Intel(R) Celeron(R) N5105 @ 2.00GHz", Contradicts),
        ("Intel Xeon 6700P", "Intel(R) Xeon(R) 6787P", Compatible),
        ("AMD Ryzen 5000X", "AMD Ryzen 9 5950X 16-Core Processor", Compatible),
        // One of two generations.
        ("Intel Xeon E5-2690 v3/v4", "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz", Confirms),
        ("Intel Xeon E5-2690v3/E5-2690v4", "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz", Confirms),
        ("Intel Xeon E5-2690 v3/v4", "Intel(R) Xeon(R) CPU E5-2690 v2 @ 3.00GHz", Contradicts),
        // A number of something is no model, unless there can not be so many.
        ("AMD EPYC 192 vCPU", "AMD EPYC 9654 96-Core Processor", Compatible),
        ("AMD EPYC 192vCPU", "AMD EPYC 9654 96-Core Processor", Compatible),
        ("AMD EPYC, 128 threads", "AMD EPYC 7543 32-Core Processor", Compatible),
        ("AMD EPYC, 2666 MHz", "AMD EPYC 7543 32-Core Processor", Compatible),
        ("AMD EPYC, DDR4-2666", "AMD EPYC 7543 32-Core Processor", Compatible),
        ("AMD EPYC 9654 vCPU", "AMD EPYC 7282 16-Core Processor", Contradicts),
        ("AWS Graviton3", "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", Contradicts),
        ("AmpereOne", "AMD EPYC 7282 16-Core Processor", Contradicts),
        // One of two makers.
        ("AMD EPYC or Intel Xeon", "Intel(R) Xeon(R) Gold 6230R CPU @ 2.10GHz", Compatible),
        ("AMD EPYC or Intel Xeon", "Neoverse-N1", Contradicts),
        // Whoever hides the name, or has one that nobody knows, has said of no model that it is another.
        ("Intel Xeon Gold 6230R", "Virtual CPU 82d9ed4018dd", Compatible),
        ("Intel Xeon Gold 6230R", "Virtual CPU 714389bda930", Compatible),
        ("Intel Xeon Gold 6230R", "Special 12345", Compatible),
    ] {
        let of = claim(json!({ "cpu_model": claimed }));
        assert_eq!(read(&of, &cpu(seen)), Some(reading), "{claimed} / {seen}");
    }
}

#[test]
fn a_name_is_shown_only_where_it_is_made_of_what_names_of_cpus_are_made_of() {
    for name in [
        "AMD EPYC 9354P 32-Core Processor",
        "AMD EPYC-Rome Processor",
        "AMD Ryzen 9 7950X3D 16-Core Processor",
        "AMD Ryzen Threadripper PRO 5995WX 64-Cores",
        "Intel(R) Xeon(R) Gold 6230R CPU @ 2.10GHz",
        "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz",
        "Intel Xeon Processor (Skylake, IBRS)",
        "Intel Xeon Processor (Cascadelake)",
        "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz",
        "Neoverse-N1",
        "Common KVM processor",
        "QEMU Virtual CPU version 2.5+",
        "Virtual CPU 82d9ed4018dd",
        "pc-i440fx-7.2",
        "12th Gen Intel(R) Core(TM) i5-12500",
        "13th Gen Intel(R) Core(TM) i9-13900K",
        "AMD Ryzen 7 1700X Eight-Core Processor",
        "AMD Ryzen 5 1600 Six-Core Processor",
        "DO-Premium-AMD",
        "DO-Premium-Intel",
        "AMD Opteron 63xx class CPU",
        "QEMU Virtual CPU version (cpu64-rhel6)",
        "Intel Xeon Processor (SierraForest)",
        "Intel Core Processor (Haswell, no TSX)",
        "Genuine Intel(R) CPU 0000 @ 2.40GHz",
        "AWS Graviton3",
    ] {
        assert!(cpu(name).is_of_known_form(), "{name}");
    }
    for name in [
        "SCAM, rent at cheap.example",
        "AMD SCAM, rent at cheap.example",
        "Intel Xeon, cheaper at b4d.example",
        "Virtual CPU of liars",
        "AMD EPYC @ cheap.example",
        "AMD EPYC b4dh0st3rz1",
        "AMD EPYC \u{430}\u{431}1",
        "No genuine AMD Processor",
        "No AMD",
        "Do AMD",
        "AMD SC4M",
        "12345",
        "-",
    ] {
        assert!(!cpu(name).is_of_known_form(), "{name}");
    }
    assert!(asn(1).is_of_known_form());
}

#[test]
fn who_ranks_higher_decides_and_among_equals_the_majority() {
    use Verdict::{Contradicted, Plausible, Unverified, Verified};
    let of = claim(json!({ "vcpus": 4 }));
    let (right, wrong) = (Figure::Vcpus(4), Figure::Vcpus(2));
    for (evidence, expected) in [
        (vec![], Unverified),
        (vec![(renter(1), &right)], Verified),
        (vec![(renter(1), &wrong)], Contradicted),
        (vec![(renter(1), &right), (renter(2), &wrong)], Plausible),
        (vec![(renter(1), &right), (renter(2), &wrong), (renter(3), &right)], Verified),
        (vec![(renter(1), &wrong), (site(), &right)], Contradicted),
        (vec![(renter(1), &right), (site(), &wrong)], Verified),
        (vec![(site(), &wrong)], Contradicted),
        (vec![(site(), &wrong), (upload(), &right)], Contradicted),
        (vec![(upload(), &right)], Plausible),
        (vec![(upload(), &wrong)], Unverified),
        // He has measured twice, and what was there once is there.
        (vec![(renter(1), &right), (renter(1), &wrong)], Verified),
    ] {
        let evidence: Vec<Evidence> =
            evidence.into_iter().map(|(source, figure)| seen(source, figure.clone())).collect();
        assert_eq!(verdict(&of, &evidence), expected, "{evidence:?}");
    }
}

#[test]
fn a_low_measurement_contradicts_only_where_three_parties_have_it_and_none_another() {
    let of = claim(json!({ "network_mbit_per_second": 10_000 }));
    let rate = |mbit| Figure::NetworkRate(BitRate::mbit_per_second(mbit));
    let low = |count: u32| (0..count).map(|number| seen(renter(number), rate(90))).collect::<Vec<_>>();
    assert_eq!(verdict(&of, &low(1)), Verdict::Unverified);
    assert_eq!(verdict(&of, &low(2)), Verdict::Unverified);
    assert_eq!(verdict(&of, &low(3)), Verdict::Contradicted);
    let with = |mbit| [low(9), vec![seen(renter(10), rate(mbit))]].concat();
    assert_eq!(verdict(&of, &with(3000)), Verdict::Plausible);
    assert_eq!(verdict(&of, &with(9000)), Verdict::Verified);
}

#[test]
fn evidence_says_nothing_any_more_after_its_time_nor_before_it_has_come() {
    let of = claim(json!({ "vcpus": 4 }));
    let at = |seen_on| [Evidence { source: renter(1), seen_on, figure: Figure::Vcpus(4) }];
    assert_eq!(verdict(&of, &at(today())), Verdict::Verified);
    assert_eq!(verdict(&of, &at(today().minus(359))), Verdict::Verified);
    assert_eq!(verdict(&of, &at(today().minus(360))), Verdict::Unverified);
    assert_eq!(verdict(&of, &at(today().next())), Verdict::Unverified);
}

#[test]
fn only_what_is_claimed_is_judged() {
    let of = claim(json!({ "vcpus": 4, "country": "DE" }));
    let judged = judge(&of, &[seen(renter(1), asn(1)), seen(renter(1), country("DE"))], today());
    let judged: Vec<_> = judged.iter().map(|one| (one.property, one.verdict, one.evidence.len())).collect();
    assert_eq!(
        judged,
        [(Property::Vcpus, Verdict::Unverified, 0), (Property::Country, Verdict::Verified, 1)]
    );
}

pub(super) fn any_figure() -> impl Strategy<Value = Figure> {
    let kinds = prop::sample::select(vec![DiskKind::Hdd, DiskKind::Ssd, DiskKind::Nvme]);
    let names =
        prop::sample::select(vec!["AMD EPYC 9354P 32-Core Processor", "QEMU Virtual CPU", "Intel Xeon"]);
    let virtualisations =
        prop::sample::select(vec![Virtualisation::Kvm, Virtualisation::None, Virtualisation::Lxc]);
    prop_oneof![
        (0..70u32).prop_map(Figure::Vcpus),
        any::<u64>().prop_map(|bytes| Figure::Memory(Size::bytes(bytes))),
        (0..70u64).prop_map(|gb| Figure::Memory(Size::gb(gb))),
        (0..1000u64).prop_map(|gb| Figure::Disk(Size::gb(gb))),
        kinds.prop_map(Figure::DiskDevice),
        (0..9000u32).prop_map(Figure::DiskOperations),
        (0..2000u64).prop_map(|mb| Figure::DiskRate(ByteRate::mb_per_second(mb))),
        (0..2000u64).prop_map(|mbit| Figure::NetworkRate(BitRate::mbit_per_second(mbit))),
        names.prop_map(cpu),
        virtualisations.prop_map(Figure::Virtualisation),
        prop::sample::select(vec!["DE", "US", "FR"]).prop_map(country),
        (1..6u32).prop_map(asn),
        prop::sample::select(vec!["Acme", "Carrier", "OVH SAS", "Host", "x"])
            .prop_map(|name| Figure::Network(NetworkName::of(name).unwrap())),
    ]
}

pub(super) fn whole() -> Specification {
    claim(json!({
        "vcpus": 4, "memory_mib": 8192, "disk_gb": 160, "disk_kind": "nvme", "disk_mb_per_second": 1000,
        "network_mbit_per_second": 1000, "cpu_model": "AMD EPYC 9354P", "virtualisation": "kvm", "country": "DE",
        "asn": 3,
    }))
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let sources = prop_oneof![(0..6u32).prop_map(renter), Just(site()), Just(upload())];
    (sources, 0..400u16, any_figure()).prop_map(|(source, ago, figure)| Evidence {
        source,
        seen_on: today().minus(ago),
        figure,
    })
}

proptest! {
    #[test]
    fn order_and_doubling_of_evidence_change_nothing(
        (story, shuffled) in prop::collection::vec(any_evidence(), 0..30).prop_flat_map(|story| {
            let doubled: Vec<_> = story.iter().chain(story.iter().take(5)).cloned().collect();
            (Just(story), Just(doubled).prop_shuffle())
        })
    ) {
        prop_assert_eq!(judge(&whole(), &story, today()), judge(&whole(), &shuffled, today()));
    }

    #[test]
    fn another_renter_who_confirms_never_makes_a_verdict_worse_nor_one_who_contradicts_better(
        story in prop::collection::vec(any_evidence(), 0..30)
    ) {
        let goodness = |verdict| match verdict {
            Verdict::Verified => 3,
            Verdict::Plausible | Verdict::Unverified => 2,
            Verdict::Contradicted => 1,
        };
        let of = claim(json!({ "vcpus": 4 }));
        let with = |vcpus| [story.clone(), vec![seen(renter(99), Figure::Vcpus(vcpus))]].concat();
        let before = goodness(verdict(&of, &story));
        // From unverified to verified is a step up, from nothing to contradicted one down.
        prop_assert!(goodness(verdict(&of, &with(4))) >= before);
        prop_assert!(goodness(verdict(&of, &with(1))) <= before);
    }

    #[test]
    fn every_figure_can_be_read_against_every_claim_that_it_is_evidence_of(figure in any_figure()) {
        prop_assert_eq!(read(&whole(), &figure).is_some(), figure.property().is_some());
        prop_assert_eq!(figure.property().is_none(), matches!(figure, Figure::Network(_)));
        prop_assert!(figure.property().is_none_or(|property| property.is_claimed(&whole())));
    }

    #[test]
    fn findings_are_the_same_for_any_order_and_stay_small(
        (story, shuffled) in prop::collection::vec(any_figure(), 0..60).prop_flat_map(|story| {
            let doubled: Vec<_> = story.iter().chain(story.iter().take(9)).cloned().collect();
            (Just(story), Just(doubled).prop_shuffle())
        }),
        cut in any::<prop::sample::Index>()
    ) {
        let whole: Findings = story.iter().cloned().collect();
        prop_assert_eq!(&whole, &shuffled.iter().cloned().collect());
        let cut = cut.index(story.len() + 1);
        let mut joined: Findings = story[cut..].iter().cloned().collect();
        joined.join(&story[..cut].iter().cloned().collect());
        prop_assert_eq!(&whole, &joined);
        prop_assert!(whole.iter().count() <= 6 + 6 * 3);
    }
}
