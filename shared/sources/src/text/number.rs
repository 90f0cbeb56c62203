//! Numbers with separators, exact: a mantissa and a power of ten, never a float.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

use super::{Doubt, absence};

/// More digits behind the point than this are no measurement, and would not fit an integer with what stands before it.
const FINEST: usize = 9;

/// A number not below zero, exactly as it was written. In JSON a string, so that `25.8` stays `25.8`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    mantissa: u64,
    scale: u8,
}

/// A text that is not how a decimal is printed here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number: digits, and at most nine more behind a point")]
pub struct InvalidDecimal;

impl Decimal {
    /// `digits` with the point `scale` digits from the right. Zeros at the end are dropped, so that equal numbers are equal.
    fn new(mut digits: u64, mut scale: u8) -> Self {
        while scale > 0 && digits.is_multiple_of(10) {
            digits /= 10;
            scale -= 1;
        }
        Self { mantissa: digits, scale }
    }

    fn divisor(self) -> u64 {
        10_u64.pow(self.scale.into())
    }

    /// The whole number that this times `factor` is; `None` where it is not whole or too large.
    pub fn times_exactly(self, factor: u64) -> Option<u64> {
        let product = u128::from(self.mantissa) * u128::from(factor);
        let divisor = u128::from(self.divisor());
        if product.is_multiple_of(divisor) { u64::try_from(product / divisor).ok() } else { None }
    }

    /// This times `factor`, rounded to the nearest whole number, halves up; `None` where that is too large.
    pub fn times_rounded(self, factor: u64) -> Option<u64> {
        let product = u128::from(self.mantissa) * u128::from(factor);
        let divisor = u128::from(self.divisor());
        u64::try_from((product + divisor / 2) / divisor).ok()
    }
}

impl From<u32> for Decimal {
    fn from(whole: u32) -> Self {
        Self { mantissa: whole.into(), scale: 0 }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let here = u128::from(self.mantissa) * u128::from(other.divisor());
        here.cmp(&(u128::from(other.mantissa) * u128::from(self.divisor())))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divisor = self.divisor();
        if self.scale == 0 {
            return write!(f, "{}", self.mantissa);
        }
        let width = usize::from(self.scale);
        write!(f, "{}.{:0width$}", self.mantissa / divisor, self.mantissa % divisor)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Decimal {
    type Error = InvalidDecimal;
    fn try_from(text: String) -> Result<Self, InvalidDecimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || text.ends_with('.') {
            return Err(InvalidDecimal);
        }
        assemble(&[whole], fraction).map_err(|_| InvalidDecimal)
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> String {
        decimal.to_string()
    }
}

/// The number a text starts with, and what follows it, trimmed.
///
/// A comma before exactly three digits groups thousands, as on every English page; a point before exactly three is ambiguous, unless
/// what stands before it can not be a group. Points group where there are several, or where a comma follows them.
pub(super) fn split(text: &str) -> Result<(Decimal, &str), Doubt> {
    let text = text.trim();
    if let Some(absence) = absence(text) {
        return Err(absence);
    }
    let end = end_of_number(text);
    let (number, rest) = text.split_at_checked(end).ok_or(Doubt::Unreadable)?;
    Ok((read(number)?, rest.trim()))
}

/// Where the number at the start of a text ends: a separator belongs to it only if a digit follows.
fn end_of_number(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next_is_digit = characters.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        let is_inside = at > 0 && next_is_digit && is_separator(character);
        if !character.is_ascii_digit() && !is_inside {
            return at;
        }
    }
    text.len()
}

fn is_separator(character: char) -> bool {
    matches!(character, '.' | ',') || is_grouping_only(character)
}

/// Spaces (also those that do not break) and apostrophes group thousands and never stand for a point.
fn is_grouping_only(character: char) -> bool {
    matches!(character, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\'' | '’')
}

fn read(number: &str) -> Result<Decimal, Doubt> {
    let groups: Vec<&str> = number.split(is_separator).collect();
    let separators: Vec<char> = number.chars().filter(|&character| is_separator(character)).collect();
    let (Some((last, before)), Some((&first, _))) = (groups.split_last(), groups.split_first()) else {
        return Err(Doubt::Unreadable);
    };
    if first.is_empty() {
        return Err(Doubt::Unreadable);
    }
    let Some((&point, grouping)) = separators.split_last() else {
        return assemble(&groups, "");
    };
    match grouping.first() {
        None => {
            let could_group = last.len() == 3 && first.len() <= 3 && !first.starts_with('0');
            match (point, could_group) {
                ('.', true) => Err(Doubt::Ambiguous),
                (_, true) => assemble(&groups, ""),
                ('.' | ',', false) => assemble(before, last),
                (_, false) => Err(Doubt::Unreadable),
            }
        }
        Some(&one) if grouping.iter().all(|&other| other == one) => {
            if point == one && groups_by_thousands(&groups) {
                assemble(&groups, "")
            } else if point != one && !is_grouping_only(point) && groups_by_thousands(before) {
                assemble(before, last)
            } else {
                Err(Doubt::Unreadable)
            }
        }
        Some(_) => Err(Doubt::Unreadable),
    }
}

fn groups_by_thousands(groups: &[&str]) -> bool {
    groups.split_first().is_some_and(|(first, rest)| {
        (1..=3).contains(&first.len()) && !first.starts_with('0') && rest.iter().all(|group| group.len() == 3)
    })
}

fn assemble(whole: &[&str], fraction: &str) -> Result<Decimal, Doubt> {
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > FINEST {
        return Err(Doubt::TooFine);
    }
    let digits = whole.iter().copied().chain([fraction]).flat_map(str::bytes);
    let mantissa = digits
        .map(|digit| u64::from(digit.wrapping_sub(b'0')))
        .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(digit))
        .ok_or(Doubt::TooLarge)?;
    Ok(Decimal::new(mantissa, fraction.len() as u8))
}
