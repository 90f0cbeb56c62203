//! Names of CPUs, as providers write them and as systems do: `Ryzen 9 7950X` and `AMD Ryzen 9 7950X 16-Core Processor` are one.
//!
//! A hypervisor may mask the name (`AMD EPYC-Rome Processor`, `QEMU Virtual CPU version 2.5+`), and a claim may name a series (`AMD EPYC 7003`)
//! or makers to choose from. None of them can contradict a model, only a maker.

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
const MASKS: [&str; 5] = ["qemu", "kvm", "i440fx", "q35", "virtual"];

/// Words by which a name says who made it.
const MAKERS: [(&str, &str); 14] = [
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

/// Lines, generations and what else systems put into a name. One that is missing keeps an honest name from being shown; one that belongs into
/// a sentence lets a renter write it onto a provider's page.
const PARTS: &str = "pro max plus ultra gold silver platinum bronze e d w ai hx athlon phenom pentium celeron atom altra \
    aws arm radeon graphics naples rome milan genoa bergamo siena turin nehalem westmere sandybridge \
    ivybridge sandy ivy bridge haswell broadwell skylake cascadelake cooperlake icelake cascade cooper \
    ice lake sapphirerapids graniterapids sapphire emerald granite rapids ibrs ibpb tsx notsx no with \
    update genuine common version pc";

/// The least digits of a number that names a model: `9354P`, `7950X`, `E5-2680`. Fewer, as in `Ryzen 9` or `v4`, name a line.
const MODEL_DIGITS: usize = 3;

/// The most letters in a word with a digit: `7950X3D` and `8275CL` have two. More, and such words spell something.
const MODEL_LETTERS: usize = 3;

/// Lines whose models end in `00` themselves, such as an `i7-8700`: of them, what ends in `000` is a series.
const DESKTOP_LINES: [&str; 9] =
    ["ryzen", "threadripper", "i3", "i5", "i7", "i9", "athlon", "pentium", "celeron"];

pub(super) fn likeness(claimed: &str, seen: &str) -> Likeness {
    let (claimed, seen) = (words(claimed), words(seen));
    if !claimed.is_empty() && claimed.is_subset(&seen) {
        return Likeness::Same;
    }
    let (makers, seen_makers) = (makers(&claimed), makers(&seen));
    if !makers.is_empty() && !seen_makers.is_empty() && makers.is_disjoint(&seen_makers) {
        return Likeness::Other;
    }
    if is_masked(&seen) {
        return Likeness::Unclear;
    }
    let (model, other) = (models(&claimed), models(&seen));
    if !model.is_disjoint(&other) {
        // The same number in two lines, such as a `Xeon E5-2680 v2` and a `v4`.
        let (generation, another) = (generation(&claimed), generation(&seen));
        let differ = generation.is_some() && another.is_some() && generation != another;
        return if differ { Likeness::Other } else { Likeness::Same };
    }
    let is_known = !seen_makers.is_empty() && !other.is_empty();
    let is_one_model = !model.is_empty() && !model.iter().any(|number| is_series(number, &claimed));
    if is_known && is_one_model { Likeness::Other } else { Likeness::Unclear }
}

/// Whether a name is made of what names of CPUs are made of, and of nothing else: of a known maker, or one of a hypervisor's.
pub(super) fn is_name(name: &str) -> bool {
    let words = words_of(name);
    let is_part = |word: &String| {
        let word = word.as_str();
        let is_maker = MAKERS.iter().any(|(part, _)| *part == word);
        is_maker || MASKS.contains(&word) || PARTS.split(' ').any(|part| part == word) || is_code(word)
    };
    let is_known = is_masked(&words) || !makers(&words).is_empty();
    is_known && name.is_ascii() && words.iter().all(is_part)
}

/// A number with few letters, or one to the base of 16, as hosters put in place of a name.
fn is_code(word: &str) -> bool {
    let letters = word.chars().filter(|c| !c.is_ascii_digit()).count();
    let is_hexadecimal = word.bytes().all(|b| b.is_ascii_hexdigit());
    letters < word.chars().count() && (letters <= MODEL_LETTERS || is_hexadecimal)
}

/// What tells a name apart: what follows an `@` is the frequency.
fn words(name: &str) -> BTreeSet<String> {
    words_of(name.split('@').next().unwrap_or_default())
}

fn words_of(text: &str) -> BTreeSet<String> {
    // `128-Core` is no model.
    let text = text.to_lowercase().replace("-core", "core");
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let kept = words.filter(|word| !FILLERS.contains(word) && !is_number_of(word));
    kept.flat_map(without_generation).map(str::to_owned).collect()
}

/// A model's number and the generation behind it, as in `2680v4`.
fn without_generation(word: &str) -> impl Iterator<Item = &str> {
    let behind = word.rfind('v').filter(|at| digits(&word[..*at]) >= MODEL_DIGITS);
    let parts = behind.map(|at| word.split_at(at)).filter(|(_, rest)| is_generation(rest));
    let (number, generation) = parts.map_or((word, None), |(number, rest)| (number, Some(rest)));
    [number].into_iter().chain(generation)
}

/// Whether it is a frequency or a number of cores.
fn is_number_of(word: &str) -> bool {
    let number = ["ghz", "mhz", "cores", "core"].iter().find_map(|unit| word.strip_suffix(unit));
    number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

fn is_masked(words: &BTreeSet<String>) -> bool {
    MASKS.iter().any(|mask| words.contains(*mask))
}

fn makers(words: &BTreeSet<String>) -> BTreeSet<&'static str> {
    MAKERS.iter().filter(|(word, _)| words.contains(*word)).map(|(_, maker)| *maker).collect()
}

fn models(words: &BTreeSet<String>) -> BTreeSet<&str> {
    words.iter().map(String::as_str).filter(|word| digits(word) >= MODEL_DIGITS).collect()
}

/// Whether a number names a series and no model of it: `E5-2600`, `Ryzen 7000`, and of EPYCs the `7003` and `9004`.
fn is_series(number: &str, words: &BTreeSet<String>) -> bool {
    let is_desktop = DESKTOP_LINES.iter().any(|line| words.contains(*line));
    let is_epyc_series = words.contains("epyc") && number.len() == 4 && number.get(1..3) == Some("00");
    is_epyc_series || number.ends_with(if is_desktop { "000" } else { "00" })
}

fn generation(words: &BTreeSet<String>) -> Option<&str> {
    words.iter().map(String::as_str).find(|word| is_generation(word))
}

fn is_generation(word: &str) -> bool {
    word.strip_prefix('v').is_some_and(|rest| rest.len() == 1 && digits(rest) == 1)
}

fn digits(word: &str) -> usize {
    word.bytes().filter(u8::is_ascii_digit).count()
}
