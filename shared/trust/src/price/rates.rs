//! Exchange rates of a day, and the amounts of money they make comparable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{marketplace::Currency, time::Day};

use super::offer::Amount;

/// Amounts and rates are kept in millionths.
pub const MILLION: u64 = 1_000_000;

/// What a euro was worth on a day, as one source has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// The day.
    pub day: Day,
    /// Whose rates these are.
    pub source: String,
    /// For a euro so many millionths of each currency. The euro itself is not among them.
    pub a_euro: BTreeMap<Currency, u64>,
}

impl Rates {
    /// For a euro so many millionths of this currency; `None` where that is not known.
    pub fn of(&self, currency: Currency) -> Option<u64> {
        if currency == Currency::EURO {
            return Some(MILLION);
        }
        self.a_euro.get(&currency).copied().filter(|rate| *rate > 0)
    }

    /// An amount in euro, rounded to a millionth.
    pub fn in_euro(&self, amount: Amount) -> Option<u64> {
        let rate = u128::from(self.of(amount.currency)?);
        let scaled = u128::from(amount.millionths) * u128::from(MILLION);
        u64::try_from((scaled + rate / 2) / rate).ok()
    }

    /// An amount in euro, in another currency.
    pub fn from_euro(&self, millionths: u64, currency: Currency) -> Option<Amount> {
        let rate = u128::from(self.of(currency)?);
        let scaled = u128::from(millionths) * rate;
        let millionths = u64::try_from((scaled + u128::from(MILLION) / 2) / u128::from(MILLION)).ok()?;
        Some(Amount { millionths, currency })
    }
}

/// How many decimal digits a currency's minor unit is (ISO 4217): two, but for those that have none, three or four.
pub fn minor_digits(currency: Currency) -> u32 {
    let code = String::from(currency);
    match code.as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marketplace::Money;

    fn rates() -> Rates {
        let a_euro = [("USD", 1_137_800), ("JPY", 171_350_000)];
        let a_euro = a_euro.map(|(code, rate)| (Currency::try_from(code.to_owned()).unwrap(), rate));
        Rates { day: Day::parse("2026-09-28").unwrap(), source: "ECB".to_owned(), a_euro: a_euro.into() }
    }

    #[test]
    fn a_minor_unit_is_what_its_currency_says() {
        let euro = |minor_units, currency: &str| {
            let currency = Currency::try_from(currency.to_owned()).unwrap();
            rates().in_euro(Amount::of(&Money { minor_units, currency }).unwrap())
        };
        assert_eq!(euro(1138, "USD"), Some(10_001_758));
        assert_eq!(euro(1000, "EUR"), Some(10_000_000));
        assert_eq!(euro(1714, "JPY"), Some(10_002_918), "a yen has no cents");
        assert_eq!(euro(1000, "GBP"), None, "what has no rate has no price");
    }

    #[test]
    fn an_amount_comes_back_from_euro_within_a_millionth() {
        let usd = Currency::try_from("USD".to_owned()).unwrap();
        for millionths in [1, 999_999, 12_340_000, u64::from(u32::MAX) * 1000] {
            let euro = rates().in_euro(Amount { millionths, currency: usd }).unwrap();
            let back = rates().from_euro(euro, usd).unwrap().millionths;
            assert!(back.abs_diff(millionths) <= 1, "{millionths} {back}");
        }
        assert_eq!(
            rates().in_euro(Amount { millionths: u64::MAX, currency: usd }),
            Some(16_212_642_005_369_618_224)
        );
    }
}
