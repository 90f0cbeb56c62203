//! Bundles that bear no claim, each for one reason, which is its name. The first were tampered with after the log had signed; in the
//! others it is the log that lies: all of it was logged and signed, and contradicts itself.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use transparency::{Bundle, SecretKey};

use crate::{
    log::{Log, ORIGIN, key},
    made::{self, OLD, SSH, Sample, WEB, end, good, log, monitor_record, sample, three, web},
    record::{Series, date, thin},
};

/// All that are bad.
pub(crate) fn bad() -> Vec<Sample> {
    let all = [edited(), rearranged(), checkpoints(), texts(), lies_in_a_record(), lies_in_a_series()];
    all.into_iter().flatten().collect()
}

/// A leaf's part of a bundle.
#[derive(Clone)]
struct Part {
    leaf: String,
    index: u64,
    proof: Vec<String>,
}

impl Part {
    /// Changes the record itself.
    fn edit(&mut self, from: &str, to: &str) {
        assert!(self.leaf.contains(from), "{from:?} is not in {}", self.leaf);
        self.leaf = self.leaf.replacen(from, to, 1);
    }
}

/// A bundle's text in parts that can be moved about.
#[derive(Clone)]
struct Parts {
    leaves: Vec<Part>,
    checkpoint: String,
}

impl Parts {
    fn of(bundle: &str) -> Self {
        let count = Bundle::parse(bundle).unwrap().count();
        let mut parts = bundle.splitn(count + 2, "\n\n").skip(1);
        let leaves = parts.by_ref().take(count).map(|part| {
            let mut lines = part.lines();
            let leaf = STANDARD.decode(lines.next().unwrap().strip_prefix("leaf ").unwrap()).unwrap();
            let index = lines.next().unwrap().strip_prefix("index ").unwrap().parse().unwrap();
            Part { leaf: String::from_utf8(leaf).unwrap(), index, proof: lines.map(str::to_owned).collect() }
        });
        Self { leaves: leaves.collect(), checkpoint: parts.next().unwrap().to_owned() }
    }

    fn text(&self) -> String {
        let leaf = |Part { leaf, index, proof }: &Part| {
            let lines = [format!("leaf {}", STANDARD.encode(leaf)), format!("index {index}")];
            lines.into_iter().chain(proof.iter().cloned()).collect::<Vec<_>>().join(
                "
",
            )
        };
        let first = format!(
            "transparency-bundle/1
leaves {}",
            self.leaves.len()
        );
        let parts = [first].into_iter().chain(self.leaves.iter().map(leaf)).chain([self.checkpoint.clone()]);
        parts.collect::<Vec<_>>().join(
            "

",
        )
    }

    /// Where a monitor's day is among the leaves.
    fn find(&self, monitor: &str, day: usize) -> usize {
        let (monitor, day) = (format!("\nmonitor {monitor}\n"), format!("\nday {}\n", date(day)));
        self.leaves.iter().position(|part| part.leaf.contains(&monitor) && part.leaf.contains(&day)).unwrap()
    }

    fn day(&mut self, monitor: &str, day: usize) -> &mut Part {
        let at = self.find(monitor, day);
        &mut self.leaves[at]
    }

    fn drop(&mut self, monitor: &str, day: usize) {
        self.leaves.remove(self.find(monitor, day));
    }
}

/// The good bundle of this name.
fn good_one(name: &str) -> Sample {
    static GOOD: OnceLock<Vec<Sample>> = OnceLock::new();
    GOOD.get_or_init(good).iter().find(|sample| sample.name == name).unwrap().clone()
}

/// The good bundle of this name after something was done to it.
fn after(name: &'static str, of: &str, tamper: impl FnOnce(&mut Parts)) -> Sample {
    let honest = good_one(of);
    let mut parts = Parts::of(&honest.text);
    assert_eq!(parts.text(), honest.text);
    tamper(&mut parts);
    let text = parts.text();
    assert_ne!(text, honest.text, "{name}");
    Sample { name, text, ..honest }
}

/// Records that are not what was logged, and proofs that are not theirs.
fn edited() -> Vec<Sample> {
    let of_three = |name, tamper: fn(&mut Parts)| after(name, "three-monitors", tamper);
    vec![
        of_three("slots-flipped-from-down-to-up", |p| p.day("web", 7).edit("2t", "2u")),
        of_three("slots-declared-maintenance", |p| p.day("web", 7).edit("2t", "2T")),
        of_three("counts-of-a-vantage-altered", |p| p.day("web", 7).edit("1438 2 0", "1440 0 0")),
        of_three("latency-altered", |p| p.day("web", 7).edit("41 180", "4 18")),
        of_three("sequence-renumbered", |p| p.day("web", 7).edit("sequence 14", "sequence 15")),
        of_three("date-changed", |p| {
            let (from, to) = (date(7).to_string(), date(8).to_string());
            p.day("web", 7).edit(&from, &to);
        }),
        of_three("previous-hash-of-another-record", |p| {
            let other = p.day("web", 8).leaf.lines().nth(3).unwrap().to_owned();
            let own = p.day("web", 7).leaf.lines().nth(3).unwrap().to_owned();
            p.day("web", 7).edit(&own, &other);
        }),
        of_three("monitor-renamed", |p| p.day("ssh", 14).edit("monitor ssh", "monitor web")),
        of_three("leaf-kind-changed", |p| p.day("web", 7).edit("day/1", "score/1")),
        of_three("leaf-of-an-unknown-kind", |p| p.day("web", 7).edit("day/1", "day/2")),
        of_three("interval-of-one-day-changed", |p| p.day("web", 7).edit("interval 60", "interval 120")),
        of_three("end-of-a-monitor-moved", |p| p.leaves.last_mut().unwrap().edit("T18:", "T12:")),
        of_three("leaves-of-two-days-swapped", |p| {
            let (one, other) = (p.find("web", 6), p.find("web", 7));
            let leaf = p.leaves[one].leaf.clone();
            p.leaves[one].leaf = std::mem::replace(&mut p.leaves[other].leaf, leaf);
        }),
        of_three("leaves-of-two-monitors-swapped", |p| {
            let (one, other) = (p.find("web", 14), p.find("ssh", 14));
            let leaf = p.leaves[one].leaf.clone();
            p.leaves[one].leaf = std::mem::replace(&mut p.leaves[other].leaf, leaf);
        }),
        of_three("index-shifted", |p| p.day("web", 7).index += 1),
        of_three("index-beyond-the-tree", |p| p.leaves.last_mut().unwrap().index = 100_000),
        of_three("index-of-2-to-the-53-and-one", |p| p.leaves.last_mut().unwrap().index = (1 << 53) + 1),
        of_three("proof-hash-changed", |p| p.day("web", 7).proof[0] = p.day("web", 9).proof[0].clone()),
        of_three("proof-hashes-swapped", |p| p.day("web", 7).proof.swap(0, 1)),
        of_three("proof-hash-dropped", |p| drop(p.day("web", 7).proof.pop())),
        of_three("proof-hash-added", |p| {
            let more = p.day("web", 7).proof[0].clone();
            p.day("web", 7).proof.push(more);
        }),
        of_three("proof-emptied", |p| p.day("web", 7).proof.clear()),
    ]
}

/// Parts that are all of the log, left out or moved about.
fn rearranged() -> Vec<Sample> {
    let of_three = |name, tamper: fn(&mut Parts)| after(name, "three-monitors", tamper);
    let of_one = |name, tamper: fn(&mut Parts)| after(name, "one-monitor", tamper);
    vec![
        of_three("day-missing-at-the-start", |p| p.drop("web", 0)),
        of_three("day-missing-in-the-middle", |p| p.drop("web", 15)),
        of_three("day-missing-at-the-end", |p| p.drop("web", 29)),
        of_three("first-record-of-a-monitor-missing", |p| p.drop("ssh", 12)),
        of_three("last-day-of-a-young-monitor-missing", |p| p.drop("ssh", 29)),
        of_three("last-day-of-an-ended-monitor-missing", |p| p.drop("old.1", 19)),
        of_three("end-of-a-monitor-missing", |p| drop(p.leaves.pop())),
        of_three("end-without-any-days-of-its-monitor", |p| {
            p.leaves.retain(|part| !part.leaf.contains("day/1\nmonitor old.1"));
        }),
        of_one("only-monitors-first-day-missing", |p| p.drop("web", 0)),
        of_one("only-monitors-last-day-missing", |p| p.drop("web", 29)),
        of_one("only-one-day-left", |p| p.leaves.truncate(1)),
        of_one("days-out-of-order", |p| p.leaves.swap(4, 5)),
        of_one("day-doubled", |p| p.leaves.insert(5, p.leaves[5].clone())),
        of_one("no-days", |p| p.leaves.clear()),
    ]
}

/// Checkpoints that the log has not signed, or not for this.
fn checkpoints() -> Vec<Sample> {
    let replaced = |name, from: &str, to: &str| {
        after(name, "one-monitor", |p| {
            assert!(p.checkpoint.contains(from));
            p.checkpoint = p.checkpoint.replacen(from, to, 1);
        })
    };
    let by = |keys: &[SecretKey], days: usize| {
        let series = [(0, Series { days, ..WEB }.honest())];
        log(keys, &series, &[]).checkpoint.note().to_owned()
    };
    let with = |name, note: String| after(name, "one-monitor", |p| p.checkpoint = note);
    let honest = by(&[key(ORIGIN, 1)], 30);
    let mut lines = honest.lines();
    let (size, root) = (lines.nth(1).unwrap(), lines.next().unwrap());
    let signature = format!("— {}", honest.split_once("— ").unwrap().1);
    let forged = by(&[key(ORIGIN, 9)], 30);
    let other_root = by(&[key(ORIGIN, 1)], 29).lines().nth(2).unwrap().to_owned();
    let cut = honest.len() - 20;
    vec![
        replaced("checkpoint-of-another-size", &format!("\n{size}\n"), "\n230\n"),
        replaced("checkpoint-with-another-root", root, &other_root),
        replaced("checkpoint-of-another-origin", ORIGIN, "log.example/better"),
        replaced("signature-under-another-name", "— log.example/uptime", "— log.example/better"),
        replaced("checkpoint-with-a-line-more", root, &format!("{root}\nmore")),
        replaced("checkpoint-size-with-a-leading-zero", &format!("\n{size}\n"), &format!("\n0{size}\n")),
        with("checkpoint-signed-by-another-key", forged.clone()),
        with("checkpoint-of-another-log-with-the-same-key", by(&[key("log.example/better", 1)], 30)),
        with("checkpoint-from-earlier", by(&[key(ORIGIN, 1)], 29)),
        with("checkpoint-of-an-empty-log", Log::of(&[key(ORIGIN, 1)]).checkpoint.note().to_owned()),
        with("signature-cut", format!("{}\n", &honest[..cut])),
        with(
            "signature-too-short",
            honest.replace(&signature, &line_of(&signature, |bytes| bytes.truncate(64))),
        ),
        with("signature-missing", honest.replace(&signature, "")),
        with("signature-without-a-line-end", honest.trim_end().to_owned()),
        with(
            "wrong-signature-beside-the-right-one",
            format!("{honest}{}", line_of(&signature, |bytes| bytes[60] ^= 1)),
        ),
        with("signatures-beyond-64", format!("{honest}{}", signature.repeat(64))),
        Sample {
            name: "known-by-another-key-only",
            keys: vec![key(ORIGIN, 2).public().clone()],
            ..good_one("one-monitor")
        },
        Sample {
            name: "signed-with-the-new-key-known-by-the-old",
            keys: vec![key(ORIGIN, 1).public().clone()],
            ..good_one("signed-with-the-new-key-known-by-both")
        },
    ]
}

/// A signature line whose bytes, the key's id and the signature, are changed.
fn line_of(line: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let (name, signature) = line.trim_end().rsplit_once(' ').unwrap();
    let mut bytes = STANDARD.decode(signature).unwrap();
    change(&mut bytes);
    format!("{name} {}\n", STANDARD.encode(bytes))
}

/// Texts that say the same in another way, or more.
fn texts() -> Vec<Sample> {
    let text = |name, change: &dyn Fn(&str) -> String| {
        let honest = good_one("one-monitor");
        let text = change(&honest.text);
        assert_ne!(text, honest.text, "{name}");
        Sample { name, text, ..honest }
    };
    vec![
        text("nothing-at-all", &|_| String::new()),
        text("trailing-line", &|text| format!("{text}\n")),
        text("trailing-data", &|text| format!("{text}and more\n")),
        text("line-ends-of-two-bytes", &|text| text.replace('\n', "\r\n")),
        text("byte-order-mark", &|text| format!("\u{feff}{text}")),
        text("of-another-version", &|text| text.replace("bundle/1", "bundle/2")),
        text("count-too-low", &|text| text.replace("leaves 30", "leaves 29")),
        text("count-too-high", &|text| text.replace("leaves 30", "leaves 31")),
        text("count-with-a-sign", &|text| text.replace("leaves 30", "leaves +30")),
        text("index-with-a-leading-zero", &|text| text.replacen("index ", "index 0", 1)),
        text("base64-with-a-blank", &|text| text.replacen("leaf ZGF5", "leaf ZGF5 ", 1)),
        text("base64-without-padding", &|text| text.replacen("=\n", "\n", 1)),
        text("base64-for-urls", &|text| text.replacen('/', "_", 3).replacen("bundle_1", "bundle/1", 1)),
        text("base64-with-stray-bits", &|text| {
            // The hashes end with the four bits that are left and one `=`; the last two bits of that letter are unused.
            let end = text.find("=\n").unwrap();
            let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let at = letters.find(&text[end - 1..end]).unwrap();
            format!("{}{}{}", &text[..end - 1], &letters[at + 1..at + 2], &text[end..])
        }),
        text("empty-line-between-hashes", &|text| text.replacen("=\n", "=\n\n", 1)),
        text("cut-in-the-middle", &|text| text[..text.len() / 2].to_owned()),
    ]
}

/// Records that were logged as they are, and are none.
fn lies_in_a_record() -> Vec<Sample> {
    let lie = |name, from: &'static str, to: &'static str| {
        sample(
            name,
            &web(&move |number, record| {
                assert!(number != 7 || record.contains(from), "{from:?} is not in {record}");
                if number == 7 { record.replacen(from, to, 1) } else { record }
            }),
            &[],
        )
    };
    vec![
        lie("logged-counts-that-do-not-sum-up", "1438 2 0", "1437 2 0"),
        lie("logged-slots-too-few", "719u\n", "718u\n"),
        lie("logged-slots-too-many", "719u\n", "720u\n"),
        lie("logged-slots-far-too-many", "719u\n", "99999999999999999999u\n"),
        lie("logged-slots-of-an-unknown-letter", "2t", "2x"),
        lie("logged-runs-that-are-one", "719u\n", "700u19u\n"),
        lie("logged-runs-of-none", "2t", "0g2t"),
        lie("logged-run-with-a-one", "2t719u\n", "2t718u1n\n"),
        lie("logged-run-with-a-leading-zero", "2t", "02t"),
        lie("logged-length-without-a-letter", "719u\n", "719u3\n"),
        lie("logged-interval-that-does-not-divide-a-day", "interval 60", "interval 420"),
        lie("logged-interval-of-another-length", "interval 60", "interval 120"),
        lie("logged-phase-beyond-the-interval", "phase 17", "phase 60"),
        lie("logged-number-with-a-leading-zero", "configuration 3", "configuration 03"),
        lie("logged-number-beyond-32-bits", "configuration 3", "configuration 4294967296"),
        lie("logged-day-that-there-is-not", "day 2028-02-17", "day 2027-02-29"),
        lie("logged-name-with-a-slash", "monitor web", "monitor w/b"),
        lie("logged-name-beyond-ascii", "monitor web", "monitor w\u{e9}b"),
        lie("logged-vantage-of-four-counts", "1438 2 0", "1438 2 0 0"),
        lie("logged-vantages-out-of-order", "vantage eu-central-1", "vantage zz-central-1"),
        lie("logged-vantage-doubled", "vantage eu-central-1", "vantage us-east-1"),
        lie("logged-latency-missing", "latency 41 180", "latency -"),
        lie("logged-latency-upside-down", "latency 41 180", "latency 181 180"),
        lie("logged-hash-in-capitals", "previous ", "previous A"),
        lie("logged-line-missing", "configuration 3\n", ""),
        lie("logged-text-after-the-end", "719u\n", "719u\n\n"),
        lie("logged-without-a-line-end", "719u\n", "719u"),
        lie("logged-line-ends-of-two-bytes", "phase 17\n", "phase 17\r\n"),
        lie("logged-blank-at-a-lines-end", "phase 17\n", "phase 17 \n"),
    ]
}

/// A correction on the first day of one that comes later.
fn too_early(name: &'static str) -> Sample {
    let others = WEB.honest();
    let right = made::right(&others, 7, thin);
    let with = |leaf| vec![(0, others.clone()), (0, vec![made::correction(leaf, &right)])];
    let leaf = log(&[key(ORIGIN, 1)], &with(0), &[]).place(&others[7]);
    sample(name, &with(leaf), &[])
}

/// Days that were logged as they are, and do not follow each other; and leaves that have no part in a claim.
fn lies_in_a_series() -> Vec<Sample> {
    let lie = |name, lie: &dyn Fn(usize, String) -> String| sample(name, &web(lie), &[]);
    let from_8_on = |shown: fn(usize) -> (String, String)| {
        move |number: usize, record: String| {
            if number < 8 {
                return record;
            }
            let (from, to) = shown(number);
            record.replacen(&from, &to, 1)
        }
    };
    let hash = |record: &str| record.lines().nth(3).unwrap().to_owned();
    let others = WEB.honest();
    let corrected_by =
        |name, leaf: u64, right: &str| sample(name, &[(0, WEB.honest())], &[made::correction(leaf, right)]);
    let three_with = |name, more: &[String]| sample(name, &three(), more);
    let fresh = Series { sequence: 0, ..WEB }.honest();
    let corrected = log(&[key(ORIGIN, 1)], &[(0, others.clone())], &[]).place(&others[7]);
    let right = made::right(&others, 7, thin);
    let slower = right.replacen("interval 60", "interval 120", 1).replacen("1320u120g", "660u60g", 1);
    let slower = slower.replacen("1438 2 0", "718 2 0", 1).replacen("1440 0 0", "720 0 0", 1);
    vec![
        lie(
            "logged-sequence-with-a-gap",
            &from_8_on(|n| (format!("sequence {}\n", n + 7), format!("sequence {}\n", n + 8))),
        ),
        lie("logged-day-skipped", &from_8_on(|n| (date(n).to_string(), date(n + 1).to_string()))),
        lie("logged-day-twice", &from_8_on(|n| (date(n).to_string(), date(n - 1).to_string()))),
        lie("logged-previous-hash-of-another-record", &|number, record| {
            let own = hash(&record);
            if number == 8 { record.replacen(&own, &hash(&others[12]), 1) } else { record }
        }),
        lie("logged-as-the-first-record-again", &|number, record| {
            if number == 8 {
                record.replacen(&hash(&record), "previous -", 1).replacen("sequence 15\n", "sequence 0\n", 1)
            } else {
                record
            }
        }),
        lie("logged-first-record-with-a-previous-one", &|number, record| {
            if number == 0 { record.replacen("sequence 7\n", "sequence 0\n", 1) } else { record }
        }),
        sample("logged-days-of-another-monitor-in-between", &[(0, {
            let mut mixed = others.clone();
            mixed[8] = mixed[8].replacen("monitor web", "monitor web.2", 1);
            mixed
        })], &[]),
        sample("logged-day-rewritten-later", &[(0, others.clone())], &[others[29].replacen("719u", "718uU", 1)]),
        sample("logged-day-rewritten-and-those-after-it", &[(0, {
            let mut rewritten = others.clone();
            rewritten[7] = rewritten[7].replacen("2t719u", "721u", 1).replacen("719u721u", "1440u", 1);
            rewritten
        })], &[]),
        sample("logged-chain-begun-anew", &[(0, [&others[..10], &fresh[10..]].concat())], &[]),
        three_with("logged-end-before-which-days-are-missing", &[end(20, "00:00:01")]),
        three_with("logged-monitor-that-has-not-ended", &[monitor_record("-")]),
        three_with("logged-end-twice", &[end(19, "18:00:00"), end(19, "19:00:00")]),
        three_with("logged-end-that-can-not-be-read", &[end(19, "18:00:00").replace("phase 17", "phase 3600")]),
        three_with(
            "logged-end-with-a-place-twice",
            &[end(19, "18:00:00").replace("panel eu-central-1", "panel us-east-1")],
        ),
        three_with("logged-end-before-the-beginning", &[monitor_record("2027-11-01T00:00:00Z")]),
        three_with("leaf-that-is-a-score", &[end(19, "18:00:00"), "score/1\n1\n".to_owned()]),
        three_with("leaf-that-is-maintenance", &[
            end(19, "18:00:00"),
            "maintenance/1\nmonitor web\nannounced 2028-02-01T10:00:00Z\nfrom 2028-02-13T01:00:00Z\nuntil 2028-02-13T03:00:00Z\n"
                .to_owned(),
        ]),
        corrected_by("day-that-is-only-said-to-be-wrong", corrected, ""),
        corrected_by("correction-of-something-else", 0, ""),
        corrected_by("correction-of-something-else-by-a-day", 0, &right),
        corrected_by("correction-of-a-leaf-that-is-not-there", 9_000, &right),
        too_early("correction-before-its-day"),
        corrected_by("corrected-by-a-day-of-another-monitor", corrected, &right.replacen("monitor web", "monitor web.2", 1)),
        corrected_by("corrected-by-another-day", corrected, &right.replacen("day 2028-02-17", "day 2028-02-18", 1)),
        corrected_by("corrected-by-a-day-of-another-number", corrected, &right.replacen("sequence 14", "sequence 15", 1)),
        corrected_by("corrected-by-a-day-after-another", corrected, &made::right(&others[1..], 7, thin)),
        corrected_by("corrected-by-a-day-of-another-phase", corrected, &right.replacen("phase 17", "phase 18", 1)),
        corrected_by("corrected-by-a-day-of-another-interval", corrected, &slower),
        corrected_by("corrected-by-a-day-with-a-slot-too-few", corrected, &right.replacen("slots 1320u", "slots 1319u", 1)),
        corrected_by("corrected-by-a-day-and-more", corrected, &format!("{right}\n")),
        corrected_by("corrected-by-a-day-whose-line-is-not-ended", corrected, right.trim_end()),
        made::sample("logged-days-that-begin-late", &[(0, others.clone()), (12, Series { sequence: 3, ..SSH }.honest())], &[]),
        made::sample("logged-days-that-end-early", &[(0, others), (0, Series { days: 29, ..OLD }.honest())], &[]),
    ]
}
