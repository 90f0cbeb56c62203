use std::{path::PathBuf, time::Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Real outputs of the script, of several versions.
fn sample(name: &str) -> Vec<u8> {
    let shared = std::env::var_os("SHARED_DATA").map_or_else(
        || {
            let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
            let mut above = here.ancestors().map(|place| place.join("shared/data"));
            above.find(|place| place.join("yabs").is_dir()).expect("shared/data beside the repository")
        },
        PathBuf::from,
    );
    let path = shared.join("yabs").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(document: &Value) -> Run {
    Run::read(document.to_string().as_bytes()).unwrap()
}

fn mbit(rate: Option<BitRate>) -> Option<f64> {
    rate.map(BitRate::as_mbit_per_second)
}

#[test]
fn a_whole_run_of_2023_is_read_in_its_units() {
    let run = Run::read(&sample("yabs-example-masonr-bin.json")).unwrap();
    assert_eq!(run.script.as_ref().map(Label::as_str), Some("v2023-04-23"));
    assert_eq!(run.started, Moment::from_unix(1_682_271_674));
    assert_eq!((run.repaired, run.cores, run.asn), (Repaired::No, Some(12), Some(62_240)));
    assert_eq!((run.memory, run.disk), (Some(Size::kib(16_246_580)), Some(Size::kib(906_519_496))));
    assert_eq!(run.virtualisation, Some(Virtualisation::None));
    assert_eq!(run.country, Some(Country::try_from("US".to_owned()).unwrap()));
    assert_eq!((run.disks.len(), run.network.len(), run.geekbench.len()), (4, 6, 3));
    assert_eq!((run.disks[0].block, run.disks[0].operations), (Size::kib(4), 202_975));
    assert_eq!(run.disks[3].both(), ByteRate::kib_per_second(394_550 + 420_827));
    // Busy is no rate.
    assert_eq!((mbit(run.network[1].sent), mbit(run.network[1].received)), (None, Some(2250.0)));
    assert_eq!(run.geekbench[2], Geekbench { version: 6, single: 1549, multi: 5278 });
    assert!(run.void.is_empty(), "{:?}", run.void);
}

#[test]
fn every_version_of_the_script_is_read() {
    for (name, cores, disks, sites, geekbench) in [
        ("yabs-example-legacy-v2022-08-15.json", 12, 4, 3, 2),
        ("yabs-example-v2022-08-16.json", 12, 4, 3, 2),
        ("yabs-example-v2023-02-27.json", 12, 4, 14, 3),
        ("yabs-example-masonr-bin.json", 12, 4, 6, 3),
        // Its scores are null.
        ("yabs-example-synthetic-v2026-07-03-nulls.json", 2, 2, 2, 0),
    ] {
        let run = Run::read(&sample(name)).unwrap();
        assert_eq!(run.cores, Some(cores), "{name}");
        assert_eq!((run.disks.len(), run.network.len()), (disks, sites), "{name}");
        assert_eq!(run.geekbench.len(), geekbench, "{name}");
        assert!(run.memory.is_some() && run.disk.is_some(), "{name}");
        assert_eq!((run.repaired, run.void.as_slice()), (Repaired::No, [].as_slice()), "{name}");
    }
}

#[test]
fn what_a_run_found_is_the_best_of_each() {
    let run = Run::read(&sample("yabs-example-masonr-bin.json")).unwrap();
    let findings: Vec<Figure> = run.findings().iter().cloned().collect();
    for figure in [
        Figure::Vcpus(12),
        Figure::DiskOperations(202_975),
        Figure::NetworkRate(BitRate::mbit_per_second(9100)),
        // The 64k test: 407,967 + 410,114 KiB/s.
        Figure::DiskRate(ByteRate::kib_per_second(818_081)),
        Figure::Virtualisation(Virtualisation::None),
        Figure::Network(NetworkName::of("Clouvider Limited").unwrap()),
    ] {
        assert!(findings.contains(&figure), "{figure:?} in {findings:?}");
    }
}

#[test]
fn what_a_runs_network_and_its_seller_are_called_is_read_and_who_holds_the_address_is_not() {
    let of = |address: Value| {
        let run = read(&json!({ "version": "v2026-07-03", "mem": { "ram": 1000 }, "ip_info": address }));
        let names: Vec<String> = run.network_names.iter().map(|name| name.as_str().to_owned()).collect();
        (run.asn, names)
    };
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        of(json!({ "asn": "AS64500 ACME-SERVERS", "isp": "Acme Servers Ltd.", "org": "Jo Bloggs" })),
        (Some(64_500), named(&["acme servers", "acme servers ltd"]))
    );
    assert_eq!(of(json!({ "asn": "", "isp": "Carrier" })), (None, named(&["carrier"])));
    // A number alone is no name, and what is no text is none.
    assert_eq!(of(json!({ "asn": "AS64500" })), (Some(64_500), Vec::new()));
    assert_eq!(of(json!({ "asn": 64500, "isp": null, "org": ["Acme Servers"] })), (None, Vec::new()));
    assert_eq!(of(json!("Acme Servers")), (None, Vec::new()));
}

#[test]
fn what_the_script_is_known_to_break_is_mended_and_said() {
    for (broken, missing) in [
        (r#"{"version":"v2023-11-30","mem":{"ram":1000,"disk":,"swap":0},"cpu":{"cores":2}}"#, "disk"),
        (
            r#"{"version":"v2023-11-30","mem":{"ram":1000,"disk":5},"cpu":{"model":"x","cores":,"aes":true}}"#,
            "cores",
        ),
        (r#"{"version":"v2023-11-30","mem":{"ram":1000,"disk":5},"cpu":{"cores":2},"iperf":]}"#, "iperf"),
        (
            r#"{"version":"v2023-11-30","mem":{"ram":1000,"disk":5},"cpu":{"cores":2},"fio":[{"bs":"4k","speed_r":,"iops_r":}]}"#,
            "fio",
        ),
        (
            r#"{"version":"v2023-11-30","mem":{"ram":1000,"disk":5},"cpu":{"cores":2},"geekbench":[{"version":6,"single":,"multi":,"url":"u"}]}"#,
            "geekbench",
        ),
        (
            "{\"version\":\"v2023-11-30\",\"mem\":{\"ram\":1000,\"disk\":5},\"cpu\":{\"cores\":2,\"model\":\"a\nb\"},}",
            "",
        ),
    ] {
        let run = Run::read(broken.as_bytes()).unwrap();
        assert_eq!((run.repaired, run.memory), (Repaired::Yes, Some(Size::kib(1000))), "{broken}");
        assert_eq!(run.disk.is_none(), missing == "disk", "{broken}");
        assert_eq!(run.cores.is_none(), missing == "cores", "{broken}");
        assert!(run.network.is_empty() && run.disks.is_empty() && run.geekbench.is_empty(), "{broken}");
        let is_told = matches!(missing, "disk" | "cores" | "fio");
        assert_eq!(run.void, if is_told { vec![Void::Unreadable] } else { vec![] }, "{broken}");
    }
}

#[test]
fn what_is_there_and_does_not_read_is_told_and_what_is_absent_is_not() {
    let sound = json!({ "bs": "1m", "speed_r": 500_000, "speed_w": 500_000, "iops_rw": 976 });
    let iperf = |sent: Value| json!([{ "loc": "London, UK (10G)", "send": sent, "recv": "1 Gbits/sec" }]);
    for (part, value, void) in [
        ("cpu", json!({ "cores": "2" }), vec![Void::Unreadable]),
        ("cpu", json!({ "cores": 5_000_000_000_u64 }), vec![Void::Impossible]),
        ("cpu", json!({ "cores": 0 }), vec![Void::Impossible]),
        ("cpu", json!({ "model": "x" }), vec![]),
        ("mem", json!({ "ram": 0, "disk": 5 }), vec![Void::Impossible]),
        ("mem", json!({ "ram": 5, "disk": 0 }), vec![Void::Impossible]),
        ("mem", json!({ "ram": null, "disk": 0 }), vec![Void::Impossible, Void::Unreadable]),
        ("mem", json!({ "swap": 0 }), vec![]),
        ("fio", json!([sound, { "bs": "4k", "speed_r": null, "iops_r": null }]), vec![Void::Unreadable]),
        ("fio", json!([sound, 7]), vec![Void::Unreadable]),
        ("fio", json!("died"), vec![Void::Unreadable]),
        ("fio", json!([]), vec![]),
        ("iperf", iperf(json!("busy ")), vec![]),
        ("iperf", iperf(json!(null)), vec![Void::Unreadable]),
        ("iperf", iperf(json!("9 Gbytes/sec")), vec![Void::Unreadable]),
        ("iperf", json!([{ "send": "1 Gbits/sec" }]), vec![Void::Unreadable]),
        ("geekbench", json!([{ "version": 6, "single": null, "multi": null }]), vec![]),
        ("geekbench", json!([{ "version": 6, "single": 900, "multi": "many" }]), vec![Void::Unreadable]),
    ] {
        let mut document = json!({ "version": "v1", "cpu": {} });
        document[part] = value;
        let run = read(&document);
        assert_eq!(run.void, void, "{document}");
        assert!(run.network.iter().all(|test| test.received.is_some()), "the other rate stands: {document}");
    }
}

#[test]
fn no_label_of_a_site_lets_a_network_be_faster_than_any() {
    for (site, sent, void) in [
        ("London, UK (65535x65535G)", "200 Gbits/sec", vec![Void::NetworkTooFast]),
        ("London, UK (65535x65535G)", "99 Gbits/sec", vec![]),
        ("London, UK (2x10G)", "19 Gbits/sec", vec![]),
        ("London, UK (2x10G)", "22 Gbits/sec", vec![Void::NetworkTooFast]),
    ] {
        let run = read(
            &json!({ "version": "v1", "cpu": {}, "iperf": [{ "loc": site, "send": sent, "recv": "busy " }] }),
        );
        assert_eq!(run.void, void, "{site} {sent}");
    }
}

#[test]
fn what_is_in_a_string_is_not_mended() {
    let run =
        Run::read(br#"{"version":"v1","cpu":{"cores":2,"model":"a:,b,]\":,"},"mem":{"ram":,}}"#).unwrap();
    assert_eq!(run.cpu.as_ref().map(Label::as_str), Some(r#"a:,b,]":,"#));
}

#[test]
fn what_is_no_run_is_refused_with_the_reason() {
    assert_eq!(Run::read(&vec![b' '; LONGEST + 1]), Err(NoRun::TooLong));
    for text in ["", "{", "<html>", "{\"version\": nonsense}"] {
        assert!(matches!(Run::read(text.as_bytes()), Err(NoRun::NotJson(_))), "{text}");
    }
    for document in
        [json!(null), json!([]), json!({}), json!({ "version": "v1" }), json!({ "version": 3, "cpu": {} })]
    {
        assert_eq!(Run::read(document.to_string().as_bytes()), Err(NoRun::NotYabs), "{document}");
    }
}

/// A machine with one test of the disk and one of the network.
fn measured(partition: &str, (read, write, operations): (u64, u64, u64), sent: &str) -> Value {
    json!({
        "version": "v2026-07-03", "cpu": { "cores": 2 }, "mem": { "ram": 4_015_920, "disk": 39_250_496 },
        "partition": partition,
        "fio": [{ "bs": "1m", "speed_r": read, "speed_w": write, "iops_rw": operations }],
        "iperf": [{ "mode": "IPv4", "loc": "London, UK (10G)", "send": sent, "recv": "busy " }],
    })
}

#[test]
fn a_figure_that_can_not_be_voids_itself_and_not_the_run() {
    let sound = (500_000, 500_000, 976);
    for (document, void) in [
        (measured("/dev/vda1", sound, "9.4 Gbits/sec"), vec![]),
        (measured("tmpfs", sound, "9.4 Gbits/sec"), vec![Void::DiskInMemory]),
        (measured("/dev/zram0", sound, "9.4 Gbits/sec"), vec![Void::DiskInMemory]),
        (measured("/dev/vda1", (6_000_000, 6_550_000, 12_255), "1 Gbits/sec"), vec![Void::DiskTooFast]),
        (measured("/dev/vda1", (500_000, 500_000, 97), "1 Gbits/sec"), vec![Void::DiskDoesNotAddUp]),
        (measured("/dev/vda1", sound, "11.2 Gbits/sec"), vec![Void::NetworkTooFast]),
    ] {
        let run = read(&document);
        assert_eq!(run.void, void, "{document}");
        let disk = void.iter().any(|void| *void != Void::NetworkTooFast);
        assert_eq!(run.disks.is_empty(), disk, "{document}");
        assert_eq!(run.network.is_empty(), void.contains(&Void::NetworkTooFast), "{document}");
        assert_eq!((run.cores, run.memory), (Some(2), Some(Size::kib(4_015_920))), "{document}");
    }
    let run = read(&json!({ "version": "v1", "cpu": { "cores": 0 }, "mem": { "ram": u64::MAX, "disk": 5 } }));
    assert_eq!((run.cores, run.memory, run.disk), (None, None, Some(Size::kib(5))));
    assert_eq!(run.void, [Void::Impossible]);
}

#[test]
fn rates_are_read_in_their_units_and_what_is_none_is_not_guessed() {
    for (text, expected) in [
        ("1.61 Gbits/sec", Some(1610.0)),
        ("665 Mbits/sec", Some(665.0)),
        ("150 Kbits/sec", Some(0.15)),
        ("0.00 bits/sec", Some(0.0)),
        ("busy ", None),
        ("-1 Gbits/sec", None),
        ("1.6e3 Mbits/sec", None),
        ("1,6 Gbits/sec", None),
        ("9 Gbytes/sec", None),
        ("99999999999999999999 Gbits/sec", None),
    ] {
        let run = read(&measured("/dev/vda1", (500_000, 500_000, 976), text));
        assert_eq!(mbit(run.network[0].sent), expected, "{text}");
    }
}

#[test]
fn no_city_and_no_organisation_that_holds_an_address_is_kept() {
    let run = Run::read(&sample("yabs-example-masonr-bin.json")).unwrap();
    let kept = format!("{run:?}");
    for word in ["New York", "USA Network"] {
        assert!(!kept.contains(word), "{word}");
    }
}

#[test]
fn deep_and_large_bodies_cost_little() {
    let deep = [b"{\"version\":\"v1\",\"cpu\":".as_slice(), &vec![b'['; LONGEST - 100]].concat();
    let colons = vec![b':'; LONGEST];
    let spaces = [b"{\"a\":".as_slice(), &vec![b' '; LONGEST - 100]].concat();
    let commas = [b"[".as_slice(), b", ".repeat(LONGEST / 2 - 10).as_slice()].concat();
    for body in [deep, colons, spaces, commas] {
        let started = Instant::now();
        assert!(Run::read(&body).is_err());
        assert!(started.elapsed().as_millis() < 1000);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Run::read(&body);
    }

    #[test]
    fn no_change_of_a_real_run_makes_it_panic_and_what_it_reads_adds_up(
        place in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..6), cut in 0..8usize
    ) {
        let mut body = sample("yabs-example-masonr-bin.json");
        let place = place.index(body.len());
        let end = (place + cut).min(body.len());
        body.splice(place..end, bytes);
        if let Ok(run) = Run::read(&body) {
            prop_assert!(run.findings().iter().count() <= 13);
            prop_assert!(run.disks.iter().all(|test| test.both() <= ByteRate::mb_per_second(10_000)));
        }
    }

    #[test]
    fn a_repair_of_what_is_sound_changes_nothing_that_is_read(
        model in "[ -~äß]{1,40}", cores in 1..200u32, ram in 1..1_000_000_000u64
    ) {
        let document = json!({ "version": "v2026-07-03", "cpu": { "model": model, "cores": cores }, "mem": { "ram": ram } });
        let strict = Run::read(document.to_string().as_bytes()).unwrap();
        let broken = document.to_string().replacen("\"mem\":", "\"iperf\":],\"mem\":", 1);
        prop_assume!(broken.matches("\"iperf\":]").count() == 1);
        let mended = Run::read(broken.as_bytes()).unwrap();
        prop_assert_eq!(mended.repaired, Repaired::Yes);
        prop_assert_eq!(Run { repaired: Repaired::No, ..mended }, strict);
    }
}
