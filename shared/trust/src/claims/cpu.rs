//! Names of CPUs, as providers write them and as systems do: `Ryzen 9 7950X` and `AMD Ryzen 9 7950X 16-Core Processor` are one.
//!
//! A hypervisor may mask the name (`AMD EPYC-Rome Processor`, `QEMU Virtual CPU version 2.5+`), and a claim may name a series (`AMD EPYC 7003`)
//! or makers to choose from. A mask and a choice of makers contradict no model, only a maker; a series none that can be of it.

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
const MAKERS: [(&str, &str); 18] = [
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
    ("ampereone", "arm"),
    ("graviton", "arm"),
    ("graviton2", "arm"),
    ("graviton3", "arm"),
    ("graviton4", "arm"),
];

/// Lines, generations and what else systems put into a name. One that is missing keeps an honest name from being shown; one that belongs into
/// a sentence lets a renter write it onto a provider's page.
const PARTS: &str = "pro max plus ultra gold silver platinum bronze e d w ai hx athlon phenom pentium celeron atom altra \
    aws arm radeon graphics naples rome milan genoa bergamo siena turin nehalem westmere sandybridge \
    ivybridge sandy ivy bridge haswell broadwell skylake cascadelake cooperlake icelake cascade cooper \
    ice lake sapphirerapids graniterapids sapphire emerald granite rapids sierraforest clearwaterforest sierra \
    forest ibrs ibpb tsx notsx with update common version pc gen class premium cpu64 rhel5 rhel6 ghz mhz dual triple \
    quad two four six eight ten twelve sixteen";

/// Words that are part of a name before one other, and elsewhere of a sentence.
const PAIRS: [(&str, &str); 3] = [("no", "tsx"), ("genuine", "intel"), ("do", "premium")];

/// What there are few of: a longer number before one of them is a model's, as in `EPYC 9654 vCPU`.
const COUNTS: [&str; 7] = ["core", "cores", "thread", "threads", "vcpu", "vcpus", "ghz"];

/// What there may be thousands of.
const SIZES: [&str; 4] = ["mhz", "mb", "gb", "mbit"];

/// The least digits of a number that names a model: `9354P`, `7950X`, `E5-2680`. Fewer, as in `Ryzen 9` or `v4`, name a line.
const MODEL_DIGITS: usize = 3;

/// The most letters in a word with fewer digits: `5995WX` and `N1` have at most two. More, and such words spell something.
const MODEL_LETTERS: usize = 2;

/// The least digits of a number to the base of 16 that stands in place of a name.
const HEXADECIMAL_DIGITS: usize = 8;

/// The least digits of a number that names a series: an `N100` is a model.
const SERIES_DIGITS: usize = 4;

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
        let (generations, others) = (generations(&claimed), generations(&seen));
        let differ = !generations.is_empty() && !others.is_empty() && generations.is_disjoint(&others);
        return if differ { Likeness::Other } else { Likeness::Same };
    }
    let is_known = !seen_makers.is_empty() && !other.is_empty();
    let series: BTreeSet<&str> = model.iter().copied().filter(|number| is_series(number, &claimed)).collect();
    let is_covered = series.iter().any(|series| other.iter().any(|model| covers(series, model)));
    if is_known && series.len() < model.len() && !is_covered { Likeness::Other } else { Likeness::Unclear }
}

/// Whether a name is made of what names of CPUs are made of, and of nothing else: of a known maker, or one of a hypervisor's.
pub(super) fn is_name(name: &str) -> bool {
    let sequence = sequence(name);
    let is_part = |(at, word): (usize, &String)| {
        let (word, next) = (word.as_str(), sequence.get(at + 1).map(String::as_str));
        let is_maker = MAKERS.iter().any(|(part, _)| *part == word);
        let is_pair = PAIRS.iter().any(|(first, second)| *first == word && next == Some(*second));
        is_maker
            || is_pair
            || MASKS.contains(&word)
            || PARTS.split(' ').any(|part| part == word)
            || is_code(word)
    };
    let words = sequence.iter().cloned().collect();
    let is_known = is_masked(&words) || !makers(&words).is_empty();
    is_known && name.is_ascii() && sequence.iter().enumerate().all(is_part)
}

/// A number with few letters, or one to the base of 16, as hosters put in place of a name.
fn is_code(word: &str) -> bool {
    let length = word.chars().count();
    let letters = length - digits(word);
    let is_hexadecimal = length >= HEXADECIMAL_DIGITS && word.bytes().all(|b| b.is_ascii_hexdigit());
    letters < length && (letters <= MODEL_LETTERS.max(digits(word)) || is_hexadecimal)
}

/// What tells a name apart: what follows an `@` is the frequency.
fn words(name: &str) -> BTreeSet<String> {
    sequence(name.split('@').next().unwrap_or_default()).into_iter().collect()
}

/// Its words in their order, without fillers and numbers of something else.
fn sequence(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(without_count)
        .collect();
    let is_counted = |at: usize| words.get(at + 1).is_some_and(|unit| is_count(words[at], unit));
    let is_memory_rate = |at: usize| at > 0 && is_number(words[at]) && words[at - 1].starts_with("ddr");
    let kept = (0..words.len()).filter(|at| !is_counted(*at) && !is_memory_rate(*at)).map(|at| words[at]);
    kept.filter(|word| !FILLERS.contains(word)).flat_map(without_generation).map(str::to_owned).collect()
}

/// A model's number and the generation behind it, as in `2680v4`.
fn without_generation(word: &str) -> impl Iterator<Item = &str> {
    let behind = word.rfind('v').filter(|at| digits(&word[..*at]) >= MODEL_DIGITS);
    let parts = behind.map(|at| word.split_at(at)).filter(|(_, rest)| is_generation(rest));
    let (number, generation) = parts.map_or((word, None), |(number, rest)| (number, Some(rest)));
    [number].into_iter().chain(generation)
}

/// The unit alone of a number with its unit, such as `128vcpu`.
fn without_count(word: &str) -> &str {
    let mut units = COUNTS.iter().chain(&SIZES);
    let unit = units.find(|unit| word.strip_suffix(**unit).is_some_and(|number| is_count(number, unit)));
    unit.map_or(word, |unit| unit)
}

fn is_count(number: &str, unit: &str) -> bool {
    let is_few = number.len() <= MODEL_DIGITS && COUNTS.contains(&unit);
    is_number(number) && (is_few || SIZES.contains(&unit))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && digits(word) == word.len()
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

/// Whether a number names a series and no model of it: `E5-2600`, `Ryzen 7000`, `6700P`, and of EPYCs the `7003` and `9004`.
fn is_series(number: &str, words: &BTreeSet<String>) -> bool {
    let number = without_letters(number);
    let is_desktop = DESKTOP_LINES.iter().any(|line| words.contains(*line));
    let is_epyc_series = words.contains("epyc") && number.len() == 4 && number.get(1..3) == Some("00");
    let is_round = number.ends_with(if is_desktop { "000" } else { "00" });
    is_number(number) && number.len() >= SERIES_DIGITS && (is_epyc_series || is_round)
}

/// Whether a model can be one of a series: a 0 of the series is any digit of the model. `E5-2600` covers a `2680`, `EPYC 7003` a `7543`.
fn covers(series: &str, model: &str) -> bool {
    let (series, model) = (without_letters(series), without_letters(model));
    let fits = |(of, is): (u8, u8)| of == b'0' || of == is;
    series.len() == model.len() && series.bytes().zip(model.bytes()).all(fits)
}

fn without_letters(number: &str) -> &str {
    number.trim_matches(char::is_alphabetic)
}

fn generations(words: &BTreeSet<String>) -> BTreeSet<&str> {
    words.iter().map(String::as_str).filter(|word| is_generation(word)).collect()
}

fn is_generation(word: &str) -> bool {
    word.strip_prefix('v').is_some_and(|rest| rest.len() == 1 && digits(rest) == 1)
}

fn digits(word: &str) -> usize {
    word.bytes().filter(u8::is_ascii_digit).count()
}
