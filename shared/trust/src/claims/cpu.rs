//! Names of CPUs, as providers write them and as systems do: `Ryzen 9 7950X` and `AMD Ryzen 9 7950X 16-Core Processor` are one.
//!
//! A hypervisor may mask the name (`AMD EPYC-Rome Processor`, `QEMU Virtual CPU version 2.5+`). A masked name can not contradict a model,
//! only a maker.

use std::collections::BTreeSet;

/// How a name that was seen stands to one that was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// It says all that is claimed.
    Same,
    /// It says less, and nothing else.
    Unclear,
    /// It says another.
    Other,
}

/// Words that are in many names and tell none apart.
const FILLERS: [&str; 10] =
    ["r", "tm", "c", "cpu", "processor", "core", "cores", "technologies", "inc", "corporation"];

/// Words by which a hypervisor says that it is no CPU's name.
const MASKS: [&str; 4] = ["qemu", "kvm", "i440fx", "q35"];

/// The least digits of a number that names a model: `9354P`, `7950X`, `E5-2680`. Fewer, as in `Ryzen 9` or `v4`, name a line.
const MODEL_DIGITS: usize = 3;

pub(super) fn likeness(claimed: &str, seen: &str) -> Likeness {
    let (claimed, seen) = (words(claimed), words(seen));
    if !claimed.is_empty() && claimed.is_subset(&seen) {
        return Likeness::Same;
    }
    let makers = maker(&claimed).zip(maker(&seen));
    if makers.is_some_and(|(claimed, seen)| claimed != seen) {
        return Likeness::Other;
    }
    if MASKS.iter().any(|mask| seen.contains(*mask)) {
        return Likeness::Unclear;
    }
    let (model, other) = (models(&claimed), models(&seen));
    if !model.is_empty() && !other.is_empty() && model.is_disjoint(&other) {
        return Likeness::Other;
    }
    // The same number in two lines, such as a `Xeon E5-2680 v2` and a `v4`.
    let (generation, another) = (generation(&claimed), generation(&seen));
    if !model.is_disjoint(&other) && generation.is_some() && another.is_some() && generation != another {
        return Likeness::Other;
    }
    if model.is_disjoint(&other) { Likeness::Unclear } else { Likeness::Same }
}

fn words(name: &str) -> BTreeSet<String> {
    // What follows an `@` is the frequency, and `128-Core` is no model.
    let name = name.split('@').next().unwrap_or_default().to_lowercase().replace("-core", "core");
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let kept = words.filter(|word| !FILLERS.contains(word) && !is_number_of(word));
    kept.map(str::to_owned).collect()
}

/// Whether it is a frequency or a number of cores.
fn is_number_of(word: &str) -> bool {
    let number = ["ghz", "mhz", "cores", "core"].iter().find_map(|unit| word.strip_suffix(unit));
    number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

fn maker(words: &BTreeSet<String>) -> Option<&'static str> {
    const LINES: [(&str, &str); 14] = [
        ("amd", "amd"),
        ("epyc", "amd"),
        ("ryzen", "amd"),
        ("opteron", "amd"),
        ("threadripper", "amd"),
        ("intel", "intel"),
        ("xeon", "intel"),
        ("i3", "intel"),
        ("i5", "intel"),
        ("i7", "intel"),
        ("i9", "intel"),
        ("neoverse", "arm"),
        ("ampere", "arm"),
        ("graviton", "arm"),
    ];
    LINES.iter().find(|(line, _)| words.contains(*line)).map(|(_, maker)| *maker)
}

fn models(words: &BTreeSet<String>) -> BTreeSet<&str> {
    let digits = |word: &str| word.bytes().filter(u8::is_ascii_digit).count();
    words.iter().map(String::as_str).filter(|word| digits(word) >= MODEL_DIGITS).collect()
}

fn generation(words: &BTreeSet<String>) -> Option<&str> {
    let is = |word: &&str| {
        word.strip_prefix('v').is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    words.iter().map(String::as_str).find(is)
}
