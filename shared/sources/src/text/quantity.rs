//! Sizes and rates with their units.

use serde::{Deserialize, Serialize};
use trust::units::{BitRate, ByteRate, Size};

use super::{Doubt, number};

/// What `GB` without an `i` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Giga {
    /// 1000^3 bytes: disks and traffic are sold so.
    Decimal,
    /// 1024^3 bytes: memory is built so, and its `GB` has always meant that (JEDEC 100B.01).
    Memory,
}

/// How much may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allowance {
    /// As much as goes through.
    Unlimited,
    /// So much, in bytes.
    Upto(Size),
}

/// A size: `400 GB`, `4 GiB`, `1.5TB`. A number alone has the unit that its label says.
pub fn size(text: &str, unit_of_label: Option<&str>, giga: Giga) -> Result<Size, Doubt> {
    let (number, rest) = number::split(text)?;
    let unit = if rest.is_empty() { unit_of_label.ok_or(Doubt::NoUnit)? } else { rest };
    let factor = bytes_of(unit, giga)?;
    number.times_rounded(factor).map(Size::bytes).ok_or(Doubt::TooLarge)
}

/// A month's traffic: a size, also `per month`, or `Unlimited`, `Unmetered`.
pub fn allowance(text: &str, unit_of_label: Option<&str>) -> Result<Allowance, Doubt> {
    let lower = text.trim().to_ascii_lowercase();
    if matches!(lower.as_str(), "unlimited" | "unmetered" | "∞") {
        return Ok(Allowance::Unlimited);
    }
    let amount = ["/mo", "/month", "per month", "monthly", "/ month"]
        .iter()
        .find_map(|ending| lower.strip_suffix(ending))
        .and_then(|amount| text.trim().get(..amount.len()))
        .unwrap_or(text);
    size(amount, unit_of_label, Giga::Decimal).map(Allowance::Upto)
}

/// A rate of a disk, in bytes: `1.98 GB/s`, `3000 MiB/s`.
pub fn byte_rate(text: &str, unit_of_label: Option<&str>) -> Result<ByteRate, Doubt> {
    match rate(text, unit_of_label)? {
        (Of::Bytes, rate) => Ok(ByteRate::bytes_per_second(rate)),
        (Of::Bits, _) => Err(Doubt::OtherUnit),
    }
}

/// A rate of a network, in bits: `665 Mbits/sec`, `1.61 Gbits/sec`, `2,500 Mbps`.
pub fn bit_rate(text: &str, unit_of_label: Option<&str>) -> Result<BitRate, Doubt> {
    match rate(text, unit_of_label)? {
        (Of::Bits, rate) => Ok(BitRate::bits_per_second(rate)),
        (Of::Bytes, _) => Err(Doubt::OtherUnit),
    }
}

/// Of what a rate is.
#[derive(Clone, Copy)]
enum Of {
    Bits,
    Bytes,
}

fn rate(text: &str, unit_of_label: Option<&str>) -> Result<(Of, u64), Doubt> {
    let (number, rest) = number::split(text)?;
    let unit = if rest.is_empty() { unit_of_label.ok_or(Doubt::NoUnit)? } else { rest };
    let (of, factor) = a_second(unit)?;
    number.times_rounded(factor).map(|rate| (of, rate)).ok_or(Doubt::TooLarge)
}

/// How many bytes a unit of size is. A small `b` behind a capital is a bit, which no size is in.
fn bytes_of(unit: &str, giga: Giga) -> Result<u64, Doubt> {
    let unit = unit.trim();
    let letters = match unit.strip_suffix('s') {
        Some(singular) if singular.len() > 1 => singular,
        _ => unit,
    };
    if letters.len() == 2
        && letters.ends_with('b')
        && letters.starts_with(|first: char| first.is_ascii_uppercase())
    {
        return Err(Doubt::Ambiguous);
    }
    let lower = letters.to_ascii_lowercase();
    let (prefix, is_binary) = match lower.as_str() {
        "b" | "byte" => return Ok(1),
        "kb" | "kilobyte" => ('k', false),
        "mb" | "megabyte" => ('m', false),
        "gb" | "gigabyte" => ('g', false),
        "tb" | "terabyte" => ('t', false),
        "kib" => ('k', true),
        "mib" => ('m', true),
        "gib" => ('g', true),
        "tib" => ('t', true),
        _ => return Err(Doubt::OtherUnit),
    };
    let base = if is_binary || giga == Giga::Memory { 1024 } else { 1000 };
    power(base, prefix).ok_or(Doubt::OtherUnit)
}

/// What a unit of rate is of, and how many of them a second it is.
fn a_second(unit: &str) -> Result<(Of, u64), Doubt> {
    let unit = unit.trim();
    let lower = unit.to_ascii_lowercase();
    let (quantity, is_ps) = ["/sec", "/second", "/s", " per second"]
        .iter()
        .find_map(|ending| lower.strip_suffix(ending))
        .map(|rest| (rest.len(), false))
        .or_else(|| lower.strip_suffix("ps").map(|rest| (rest.len(), true)))
        .ok_or(Doubt::OtherUnit)?;
    let quantity = unit.get(..quantity).unwrap_or_default().trim_end();
    let lower = quantity.to_ascii_lowercase();
    let (prefix, of) = if let Some(prefix) = lower.strip_suffix("bits").or(lower.strip_suffix("bit")) {
        (prefix, Of::Bits)
    } else if let Some(prefix) = lower.strip_suffix("bytes").or(lower.strip_suffix("byte")) {
        (prefix, Of::Bytes)
    } else if let Some(prefix) = lower.strip_suffix('b') {
        (prefix, bits_or_bytes(quantity, unit, is_ps)?)
    } else {
        return Err(Doubt::OtherUnit);
    };
    let mut letters = prefix.chars();
    let factor = match (letters.next(), letters.next(), letters.next()) {
        (None, ..) => Some(1),
        (Some(prefix), None, _) => power(1000, prefix),
        (Some(prefix), Some('i'), None) => power(1024, prefix),
        _ => None,
    };
    factor.map(|factor| (of, factor)).ok_or(Doubt::OtherUnit)
}

/// A capital `B` is a byte and a small one a bit, unless the whole unit is written in one case: `mbps` is megabits by custom, while
/// `mb/s` and `MBPS` are anybody's guess.
fn bits_or_bytes(quantity: &str, unit: &str, is_ps: bool) -> Result<Of, Doubt> {
    let is_capital = quantity.ends_with('B');
    let first = quantity.chars().next().unwrap_or(' ');
    if is_capital && is_ps && unit.ends_with("PS") {
        Err(Doubt::Ambiguous)
    } else if is_capital {
        Ok(Of::Bytes)
    } else if is_ps || first.is_ascii_uppercase() || first == 'k' {
        Ok(Of::Bits)
    } else {
        Err(Doubt::Ambiguous)
    }
}

fn power(base: u64, prefix: char) -> Option<u64> {
    let exponent = match prefix {
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        _ => return None,
    };
    Some(base.pow(exponent))
}
