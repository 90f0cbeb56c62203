//! Amounts of money, the currency before or behind them, and the time they are for.

use serde::{Deserialize, Serialize};
use trust::marketplace::{Currency, Money};
use trust::offering::Period;

use super::{Doubt, absence, number};

/// A price as a page states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// How much.
    pub money: Money,
    /// For which time, where the text itself says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Period>,
}

/// A price: `$73.99`, `17.48 EUR`, `EUR 19.99`, `€17,48/mo`. Both sides may name the currency if they name the same one.
pub fn price(text: &str) -> Result<Price, Doubt> {
    let text = text.trim();
    if let Some(absence) = absence(text) {
        return Err(absence);
    }
    let start = text.find(|character: char| character.is_ascii_digit()).ok_or(Doubt::Unreadable)?;
    let (before, amount) = text.split_at_checked(start).ok_or(Doubt::Unreadable)?;
    let (amount, behind) = number::split(amount)?;
    let (behind, per) = split_period(behind)?;
    let sides = [before.trim(), behind.trim()];
    let mut named = sides.iter().filter(|side| !side.is_empty()).map(|side| currency(side));
    let code = named.next().ok_or(Doubt::NoCurrency)??;
    if let Some(other) = named.next()
        && other? != code
    {
        return Err(Doubt::Ambiguous);
    }
    let digits = minor_unit_digits(code).ok_or(Doubt::NoCurrency)?;
    let minor_units = amount.times_exactly(10_u64.pow(digits)).ok_or(Doubt::TooFine)?;
    let currency = Currency::try_from(code.to_owned()).map_err(|_| Doubt::NoCurrency)?;
    Ok(Price { money: Money { minor_units, currency }, per })
}

/// How many digits behind the point a currency's smallest coin has (ISO 4217); `None` of a currency that no list here is in.
pub fn minor_unit_digits(code: &str) -> Option<u32> {
    match code {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" => Some(0),
        "USD" | "EUR" | "GBP" | "CHF" | "CAD" | "AUD" | "NZD" | "SGD" | "HKD" | "SEK" | "NOK" | "DKK"
        | "PLN" | "CZK" | "HUF" | "RON" | "BGN" | "TRY" | "RUB" | "UAH" | "INR" | "CNY" | "BRL" | "MXN"
        | "ZAR" | "ILS" | "THB" | "IDR" | "MYR" | "PHP" | "TWD" | "AED" | "SAR" => Some(2),
        "KWD" | "BHD" | "OMR" | "JOD" | "TND" => Some(3),
        _ => None,
    }
}

/// The code of a currency by its sign or code. The dollar alone is the American one: sites that list several write the others with
/// letters. A yen sign is also the yuan's, and `kr` three countries': those are none.
fn currency(text: &str) -> Result<&'static str, Doubt> {
    const CODES: [&str; 38] = [
        "USD", "EUR", "GBP", "CHF", "CAD", "AUD", "NZD", "SGD", "HKD", "SEK", "NOK", "DKK", "PLN", "CZK",
        "HUF", "RON", "BGN", "TRY", "RUB", "UAH", "INR", "CNY", "BRL", "MXN", "ZAR", "ILS", "THB", "IDR",
        "MYR", "PHP", "TWD", "AED", "SAR", "JPY", "KRW", "VND", "CLP", "ISK",
    ];
    const SIGNS: [(&str, &str); 18] = [
        ("$", "USD"),
        ("US$", "USD"),
        ("€", "EUR"),
        ("£", "GBP"),
        ("C$", "CAD"),
        ("CA$", "CAD"),
        ("A$", "AUD"),
        ("AU$", "AUD"),
        ("NZ$", "NZD"),
        ("S$", "SGD"),
        ("SG$", "SGD"),
        ("HK$", "HKD"),
        ("R$", "BRL"),
        ("₹", "INR"),
        ("zł", "PLN"),
        ("₩", "KRW"),
        ("₺", "TRY"),
        ("₪", "ILS"),
    ];
    if let Some((_, code)) = SIGNS.iter().find(|(sign, _)| *sign == text) {
        return Ok(code);
    }
    if let Some(code) = CODES.iter().find(|code| code.eq_ignore_ascii_case(text)) {
        return Ok(code);
    }
    let is_sign = matches!(text, "¥" | "kr" | "Kr");
    Err(if is_sign { Doubt::NoCurrency } else { Doubt::Unreadable })
}

/// What stands behind an amount, without the time it is for.
fn split_period(behind: &str) -> Result<(&str, Option<Period>), Doubt> {
    let lower = behind.to_ascii_lowercase();
    for (endings, period) in PERIODS {
        for ending in endings {
            if let Some(rest) = lower.strip_suffix(ending) {
                // The rest must not be the start of a longer word.
                if rest.ends_with(|last: char| last.is_alphabetic())
                    && ending.starts_with(char::is_alphabetic)
                {
                    continue;
                }
                let rest = behind.get(..rest.len()).ok_or(Doubt::Unreadable)?;
                return Ok((rest, Some(period)));
            }
        }
    }
    Ok((behind, None))
}

const PERIODS: [(&[&str], Period); 4] = [
    (&["/hour", "/hr", "/h", "per hour", "hourly", "/ hour"], Period::Hour),
    (&["/month", "/mth", "/mo", "per month", "monthly", "/ month", "/ mo", "/m"], Period::Month),
    (&["/quarter", "per quarter", "quarterly"], Period::Quarter),
    (&["/year", "/yr", "/y", "per year", "yearly", "annually", "/ year"], Period::Year),
];
