//! Tokens as sites write them, read into types: numbers, sizes, rates, prices, dates, grades.
//!
//! Each reader takes the whole text of one value. What it does not understand to the last character, or what two people would
//! read as two different values, is a [`Doubt`] that says why, never a value. Nothing here knows a site; the conventions that both
//! sites share (English texts, `$` alone is the US dollar, slashes put the month first) stand with the readers that follow them.

mod date;
mod grade;
mod number;
mod price;
mod quantity;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use trust::text::is_unseen;

pub use date::day;
pub use grade::{Grade, Letter, Nuance};
pub use number::Decimal;
pub use price::{Price, minor_unit_digits, price};
pub use quantity::{Allowance, Giga, allowance, bit_rate, byte_rate, size};

/// Why a text has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The page says that there is none: `N/A`, `--`, nothing at all. A test that failed is shown so, and is no zero.
    Absent,
    /// The other end of the test was busy; it says nothing of this one.
    Busy,
    /// It can be read as two values: `1.324` is one and a third, or more than a thousand.
    Ambiguous,
    /// One page says two different things under one label.
    Contradictory,
    /// A number of nothing: neither it nor its label has a unit.
    NoUnit,
    /// A unit of something else: a rate in bits where bytes are meant.
    OtherUnit,
    /// An amount without a currency, or with a sign that several share.
    NoCurrency,
    /// An amount finer than the smallest coin of its currency.
    TooFine,
    /// Larger or longer than anything that is meant here.
    TooLarge,
    /// None of the forms that are read here.
    Unreadable,
}

/// A whole number, with separators and a `k`, `M` or `G` that multiplies: `20,000`, `57.5k`.
pub fn count(text: &str) -> Result<u64, Doubt> {
    let (number, rest) = number::split(text)?;
    let factor = match rest {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => return Err(Doubt::Unreadable),
    };
    number.times_exactly(factor).ok_or(Doubt::Unreadable)
}

/// A score: `25.8`, which has no upper end, or `71/100`.
pub fn score(text: &str) -> Result<Decimal, Doubt> {
    let (number, rest) = number::split(text)?;
    match rest.strip_prefix('/').map_or(rest, str::trim_start) {
        "" if rest.is_empty() => Ok(number),
        "100" if number <= Decimal::from(100) => Ok(number),
        _ => Err(Doubt::Unreadable),
    }
}

/// A share in percent: `99.98%`. A percent sign is needed; a number alone may be anything.
pub fn percent(text: &str) -> Result<Decimal, Doubt> {
    let (number, rest) = number::split(text)?;
    match rest {
        "%" if number <= Decimal::from(100) => Ok(number),
        "" => Err(Doubt::NoUnit),
        "%" => Err(Doubt::TooLarge),
        _ => Err(Doubt::OtherUnit),
    }
}

/// A duration in whole seconds: `90s`, `72000 seconds`, `5 min`, `2 h`.
pub fn seconds(text: &str) -> Result<u32, Doubt> {
    let (number, rest) = number::split(text)?;
    let unit = match rest.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "" => return Err(Doubt::NoUnit),
        _ => return Err(Doubt::Unreadable),
    };
    let seconds = number.times_exactly(unit).ok_or(Doubt::Unreadable)?;
    u32::try_from(seconds).map_err(|_| Doubt::TooLarge)
}

/// A clock rate in MHz: `3.25 GHz`, `2445.4 MHz`.
pub fn megahertz(text: &str) -> Result<u32, Doubt> {
    let (number, rest) = number::split(text)?;
    let in_mhz = match rest.to_ascii_lowercase().as_str() {
        "ghz" => number.times_rounded(1_000),
        "mhz" => number.times_rounded(1),
        "" => return Err(Doubt::NoUnit),
        _ => return Err(Doubt::OtherUnit),
    };
    in_mhz.and_then(|mhz| u32::try_from(mhz).ok()).ok_or(Doubt::TooLarge)
}

/// Yes or no.
pub fn yes(text: &str) -> Result<bool, Doubt> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "enabled" => Ok(true),
        "no" | "false" | "off" | "disabled" => Ok(false),
        other => Err(absence(other).unwrap_or(Doubt::Unreadable)),
    }
}

/// A name or other short text for people, whitespace collapsed.
pub fn label(text: &str) -> Result<trust::offering::Label, Doubt> {
    if let Some(absence) = absence(text) {
        return Err(absence);
    }
    // One more than a label holds, so that what is longer is refused and not cut.
    let text = collapsed(text, 101);
    let is_long = text.len() > 100 && text.chars().count() > 100;
    text.try_into().map_err(|_| if is_long { Doubt::TooLarge } else { Doubt::Unreadable })
}

/// What a text says that stands where a value would, but has none.
pub fn absence(text: &str) -> Option<Doubt> {
    const ABSENT: [&str; 13] =
        ["", "n/a", "na", "n.a.", "-", "--", "---", "–", "—", "null", "unknown", "tbd", "?"];
    let text = text.trim();
    if text.len() > 8 {
        return None;
    }
    if text.eq_ignore_ascii_case("busy") {
        return Some(Doubt::Busy);
    }
    ABSENT.iter().any(|absent| text.eq_ignore_ascii_case(absent)).then_some(Doubt::Absent)
}

/// A text for people, cut to so many characters: whitespace and control characters are one space, and what nobody sees (a soft hyphen, a
/// space without width, a turn of direction) is left out.
pub(crate) fn collapsed(text: &str, longest: usize) -> String {
    let is_plain = text.len() <= longest
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && !(text.starts_with(' ') || text.ends_with(' ') || text.contains("  "));
    if is_plain {
        return text.to_owned();
    }
    let mut short = String::with_capacity(text.len().min(longest));
    let mut left = longest;
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    for word in words.filter(|word| !word.chars().all(is_unseen)) {
        if !short.is_empty() {
            // A space needs something behind it.
            if left < 2 {
                break;
            }
            short.push(' ');
            left -= 1;
        }
        for character in word.chars().filter(|c| !is_unseen(*c)).take(left) {
            short.push(character);
            left -= 1;
        }
    }
    short
}
