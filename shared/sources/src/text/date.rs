//! Dates of the kinds that the sources write.

use trust::time::Day;

use super::{Doubt, absence};

/// Both sources are younger than this; an older date is a misreading.
const EARLIEST_YEAR: u32 = 2000;
const LATEST_YEAR: u32 = 2099;

/// A date: `09/12/26` (the month first), `09/12/2026`, `09Dec2025`, `20251125`, `2025-11-25`, `Dec 9, 2025`.
///
/// Slashes have the month first, as `ServerVerify` writes them. A first number above twelve is no month, and is not taken for a day.
pub fn day(text: &str) -> Result<Day, Doubt> {
    let text = text.trim();
    if let Some(absence) = absence(text) {
        return Err(absence);
    }
    // The longest form is a time with a fraction and an offset.
    if text.len() > 40 {
        return Err(Doubt::Unreadable);
    }
    let (year, month, date) = with_slashes(text)
        .or_else(|| all_digits(text))
        .or_else(|| iso(text))
        .or_else(|| with_month_name(text))
        .ok_or(Doubt::Unreadable)?;
    if !(EARLIEST_YEAR..=LATEST_YEAR).contains(&year) {
        return Err(Doubt::Unreadable);
    }
    Day::parse(&format!("{year:04}-{month:02}-{date:02}")).map_err(|_| Doubt::Unreadable)
}

type Parts = (u32, u32, u32);

fn number(digits: &str, longest: usize) -> Option<u32> {
    let is_number = (1..=longest).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

fn with_slashes(text: &str) -> Option<Parts> {
    let mut parts = text.split('/');
    let (month, date, year) = (parts.next()?, parts.next()?, parts.next()?);
    let full_year = match year.len() {
        2 => 2000 + number(year, 2)?,
        4 => number(year, 4)?,
        _ => return None,
    };
    if parts.next().is_some() { None } else { Some((full_year, number(month, 2)?, number(date, 2)?)) }
}

fn all_digits(text: &str) -> Option<Parts> {
    if text.len() != 8 {
        return None;
    }
    Some((number(text.get(..4)?, 4)?, number(text.get(4..6)?, 2)?, number(text.get(6..)?, 2)?))
}

/// `2025-11-25`, alone or before a time of day in UTC.
fn iso(text: &str) -> Option<Parts> {
    let date = match text.split_once(['T', ' ']) {
        Some((date, time)) if time.ends_with('Z') || time.ends_with("UTC") => date,
        Some(_) => return None,
        None => text,
    };
    let mut parts = date.split('-');
    let (year, month, date) = (parts.next()?, parts.next()?, parts.next()?);
    let is_iso = year.len() == 4 && month.len() == 2 && date.len() == 2 && parts.next().is_none();
    if is_iso { Some((number(year, 4)?, number(month, 2)?, number(date, 2)?)) } else { None }
}

/// `09Dec2025`, `9 December 2025`, `Dec 9, 2025`.
fn with_month_name(text: &str) -> Option<Parts> {
    let mut words: Vec<&str> = Vec::with_capacity(3);
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_alphanumeric()) {
        let gap = rest.get(..start)?;
        if !gap.chars().all(|character| matches!(character, ' ' | ',' | '-' | '.')) || words.len() == 3 {
            return None;
        }
        rest = rest.get(start..)?;
        let is_digit = rest.starts_with(|first: char| first.is_ascii_digit());
        let end = rest
            .find(|character: char| {
                !character.is_ascii_alphanumeric() || character.is_ascii_digit() != is_digit
            })
            .unwrap_or(rest.len());
        words.push(rest.get(..end)?);
        rest = rest.get(end..)?;
    }
    if !rest.is_empty() {
        return None;
    }
    let [first, second, year] = words.try_into().ok()?;
    let year = if year.len() == 4 { number(year, 4)? } else { return None };
    match (month(first), month(second)) {
        (Some(month), None) => Some((year, month, number(second, 2)?)),
        (None, Some(month)) => Some((year, month, number(first, 2)?)),
        _ => None,
    }
}

fn month(name: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let name = name.to_ascii_lowercase();
    let is_name = |full: &&str| {
        *full == name || full.get(..3) == Some(name.as_str()) || (name == "sept" && full.starts_with(&name))
    };
    NAMES.iter().position(is_name).map(|at| at as u32 + 1)
}
