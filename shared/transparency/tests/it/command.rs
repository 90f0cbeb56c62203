//! `verify-uptime` as whoever has a bundle and a key runs it.

use std::{
    fs,
    process::{Command, Output},
};

use tempfile::TempDir;
use transparency::PublicKey;

use crate::{
    made::{good, uncosigned, week, witness},
    tampered::bad,
};

/// Runs the command on a bundle.
fn run(bundle: &[u8], keys: &[PublicKey], more: &[&str]) -> Output {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bundle");
    fs::write(&path, bundle).unwrap();
    let keys = keys.iter().flat_map(|key| ["--key".to_owned(), key.to_string()]);
    command().arg(path).args(keys).args(more).output().unwrap()
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_verify-uptime"))
}

/// What it printed, and what it said of doubts and mistakes.
fn said(output: &Output) -> (Option<i32>, &str, &str) {
    let text = |bytes| str::from_utf8(bytes).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_good_bundle_is_printed_as_the_uptime_recomputed_from_it() {
    let sample = &good()[0];
    let output = run(sample.text.as_bytes(), &sample.keys, &["--days", "30", "--until", "2028-03-10"]);
    let expected = "\
log log.example/uptime of size 223

monitor web: 30 days, 2028-02-10 to 2028-03-10
  uptime 99.94 %, bounds 99.88 % to 99.94 %, coverage 99.94 %
    of 43185 slots 43095 up, 25 down, 25 unknown, 40 maintenance
  raw uptime 99.93 %, bounds 99.84 % to 99.93 %, coverage 99.91 %
    of 43185 slots 43120 up, 30 down, 35 unknown, 0 maintenance

all 1 monitor: 30 days, 2028-02-10 to 2028-03-10
  uptime 99.94 %, bounds 99.88 % to 99.94 %, coverage 99.94 %
    of 43185 slots 43095 up, 25 down, 25 unknown, 40 maintenance
  raw uptime 99.93 %, bounds 99.84 % to 99.93 %, coverage 99.91 %
    of 43185 slots 43120 up, 30 down, 35 unknown, 0 maintenance
";
    assert_eq!(said(&output), (Some(0), expected, ""));
}

#[test]
fn every_good_bundle_is_accepted() {
    for sample in good() {
        let output = run(sample.text.as_bytes(), &sample.keys, &["--days", "30"]);
        let (code, printed, doubt) = said(&output);
        assert_eq!((code, doubt), (Some(0), ""), "{}", sample.name);
        assert!(printed.contains(": 30 days, 2028-02-10 to 2028-03-10\n"), "{}: {printed}", sample.name);
    }
}

/// Each for its own reason, so that no check hides behind another.
#[test]
fn every_tampered_bundle_is_refused_for_what_was_done_to_it() {
    let refused: Vec<String> = bad()
        .iter()
        .map(|sample| {
            let output = run(sample.text.as_bytes(), &sample.keys, &["--days", "30"]);
            let (code, printed, doubt) = said(&output);
            assert_eq!((code, printed), (Some(1), ""), "{}", sample.name);
            format!("{}: {doubt}", sample.name)
        })
        .collect();
    insta::assert_snapshot!(refused.concat());
}

#[test]
fn a_tampered_bundle_is_refused_whatever_is_expected_of_it() {
    // Those whose name begins so are what they are; only who knows the days he asked for can tell.
    for sample in bad().iter().filter(|sample| !sample.name.starts_with("only-")) {
        let output = run(sample.text.as_bytes(), &sample.keys, &[]);
        assert_eq!(said(&output).0, Some(1), "{}", sample.name);
    }
}

#[test]
fn a_bundle_about_other_days_or_monitors_than_expected_is_refused() {
    let sample = &good()[0];
    for (more, reason) in [
        (["--days", "31"], "the number of days is 30, not 31"),
        (["--days", "29"], "the number of days is 30, not 29"),
        (["--until", "2028-03-11"], "the bundle's last day is 2028-03-10, not 2028-03-11"),
        (["--monitor", "ssh"], "the monitor ssh is not in the bundle"),
    ] {
        let output = run(sample.text.as_bytes(), &sample.keys, &more);
        assert_eq!(said(&output), (Some(1), "", &*format!("not proven: {reason}\n")));
    }
    let output = run(sample.text.as_bytes(), &sample.keys, &["--monitor", "web"]);
    assert_eq!(said(&output).0, Some(0));
}

#[test]
fn a_bundle_that_is_to_be_witnessed_says_until_when_or_is_refused() {
    let [first, second] = [1, 2].map(|number| witness(number).to_string());
    let both = ["--witness", &*first, "--witness", &*second];
    let cosigned = good().into_iter().find(|sample| sample.name == "cosigned").unwrap();
    let output = run(cosigned.text.as_bytes(), &cosigned.keys, &both);
    let (code, printed, doubt) = said(&output);
    assert_eq!((code, doubt), (Some(0), ""));
    let unwitnessed = run(cosigned.text.as_bytes(), &cosigned.keys, &[]);
    let lines = "\nwitnessed by witness.example/w1 until 2028-03-11T03:00:00Z\n\
                 witnessed by witness.example/w2 until 2028-03-11T03:01:00Z\n";
    assert_eq!(printed, format!("{}{lines}", said(&unwitnessed).1));
    for sample in uncosigned() {
        // Nobody has to know witnesses.
        assert_eq!(said(&run(sample.text.as_bytes(), &sample.keys, &[])).0, Some(0), "{}", sample.name);
        let output = run(sample.text.as_bytes(), &sample.keys, &both);
        let (code, printed, doubt) = said(&output);
        assert_eq!((code, printed), (Some(1), ""), "{}", sample.name);
        assert!(doubt.starts_with("not proven: the "), "{}: {doubt}", sample.name);
        assert!(doubt.contains("cosign"), "{}: {doubt}", sample.name);
    }
    let log = cosigned.keys[0].to_string();
    let output = run(cosigned.text.as_bytes(), &cosigned.keys, &["--witness", &log]);
    assert_eq!(said(&output).0, Some(2));
}

#[test]
fn keys_may_come_from_a_file_and_a_bundle_from_standard_input() {
    let both = good().into_iter().find(|sample| sample.keys.len() == 2).unwrap();
    let directory = TempDir::new().unwrap();
    let (keys, bundle) = (directory.path().join("keys"), directory.path().join("bundle"));
    fs::write(&keys, format!("{}\n\n{}\n", both.keys[0], both.keys[1])).unwrap();
    fs::write(&bundle, &both.text).unwrap();
    let input = fs::File::open(&bundle).unwrap();
    let file = format!("@{}", keys.display());
    let output = command().args(["-", "--key", &file]).stdin(input).output().unwrap();
    assert_eq!(said(&output).0, Some(0));
}

#[test]
fn what_could_not_be_checked_is_not_said_to_be_wrong() {
    let sample = &good()[0];
    let key = sample.keys[0].to_string();
    let absent = command().args(["/nowhere/bundle", "--key", &key]).output().unwrap();
    let no_key = run(sample.text.as_bytes(), &[], &[]);
    let bad_key = run(sample.text.as_bytes(), &[], &["--key", &key[1..]]);
    let empty_file = run(sample.text.as_bytes(), &[], &["--key", "@/dev/null"]);
    let no_days = run(sample.text.as_bytes(), &sample.keys, &["--days", "0"]);
    for output in [absent, no_key, bad_key, empty_file, no_days] {
        let (code, printed, mistake) = said(&output);
        assert_eq!((code, printed), (Some(2), ""), "{mistake}");
        assert!(mistake.starts_with("error: "), "{mistake}");
    }
}

#[test]
fn bytes_that_are_no_text_are_no_bundle() {
    let sample = &good()[0];
    for bytes in [&b"\xff"[..], &[sample.text.as_bytes(), b"\xff"].concat(), &[0; 1000]] {
        assert_eq!(said(&run(bytes, &sample.keys, &[])).0, Some(1));
    }
}

/// Once published, a bundle has to be read for ever: if this test fails, a new version of the format is due.
#[test]
fn the_sample_of_a_week_is_written_and_read_as_ever() {
    let (bundle, lines) = (include_str!("../../samples/week.bundle"), include_str!("../../samples/week.txt"));
    let key = include_str!("../../samples/log.key").trim_end().parse().unwrap();
    assert_eq!(week().text, bundle);
    assert_eq!(said(&run(bundle.as_bytes(), &[key], &["--days", "7"])), (Some(0), lines, ""));
}
