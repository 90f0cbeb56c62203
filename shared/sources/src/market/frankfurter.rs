//! Exchange rates of a day, as Frankfurter publishes the European Central Bank's reference rates in JSON:
//! `{"amount":1.0,"base":"EUR","date":"2026-09-28","rates":{"USD":1.1378,…}}`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Number, Value};
use trust::{marketplace::Currency, price::Rates, time::Day};

use super::json;
use crate::outcome::{ParseOutcome, Recognition};

/// The largest rate that is believed, in units a euro. The weakest currencies are below 10^5.
const MOST: f64 = 1e7;

#[derive(Deserialize)]
struct Document {
    amount: Number,
    base: String,
    date: String,
    rates: BTreeMap<String, Value>,
}

/// Reads the rates of a day, for one euro. Rates that are no number are left out, and counted as such.
pub(super) fn frankfurter(bytes: &[u8]) -> ParseOutcome<Rates> {
    let value = match json::parsed(bytes) {
        Ok(value) => value,
        Err(why) => return json::unrecognised(why, ["json"]),
    };
    let layout = json::laid_out_otherwise(&value);
    let Ok(Document { amount, base, date, rates }) = serde_json::from_value(value) else { return layout };
    let (Ok(day), true) = (Day::parse(&date), base == "EUR" && amount.as_f64() == Some(1.0)) else {
        return layout;
    };
    let of = u32::try_from(rates.len()).unwrap_or(u32::MAX);
    let a_euro: BTreeMap<Currency, u64> = rates
        .into_iter()
        .filter_map(|(code, rate)| Some((Currency::try_from(code).ok()?, millionths(rate.as_f64()?)?)))
        .collect();
    if a_euro.is_empty() {
        return layout;
    }
    let found = u32::try_from(a_euro.len()).unwrap_or(u32::MAX);
    ParseOutcome::Recognised {
        facts: Rates { day, source: "Frankfurter".to_owned(), a_euro },
        recognition: Recognition::new(found, of),
    }
}

fn millionths(rate: f64) -> Option<u64> {
    (rate > 0.0 && rate < MOST).then(|| (rate * 1e6).round() as u64).filter(|millionths| *millionths > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Unrecognised;
    use proptest::prelude::*;

    const PAGE: &str =
        r#"{"amount":1.0,"base":"EUR","date":"2026-09-28","rates":{"JPY":171.35,"USD":1.1378,"XXX":"n/a"}}"#;

    fn why(page: &str) -> Option<Unrecognised> {
        match frankfurter(page.as_bytes()) {
            ParseOutcome::Recognised { .. } => None,
            ParseOutcome::Unrecognised { why, .. } => Some(why),
        }
    }

    #[test]
    fn rates_are_read_to_the_millionth_and_what_is_none_is_counted_as_missing() {
        let ParseOutcome::Recognised { facts, recognition } = frankfurter(PAGE.as_bytes()) else { panic!() };
        let rates: Vec<(String, u64)> =
            facts.a_euro.into_iter().map(|(code, rate)| (code.into(), rate)).collect();
        assert_eq!(rates, [("JPY".to_owned(), 171_350_000), ("USD".to_owned(), 1_137_800)]);
        assert_eq!((facts.day.to_string().as_str(), recognition), ("2026-09-28", Recognition::new(2, 3)));
    }

    #[test]
    fn another_base_amount_or_layout_is_not_guessed_at() {
        for (from, to) in [
            (r#""EUR""#, r#""USD""#),
            ("1.0,", "10,"),
            ("2026-09-28", "28/09/2026"),
            (r#""rates""#, r#""quotes""#),
            ("171.35", "-1"),
        ] {
            let page = PAGE.replace(from, to);
            let expected = (from != "171.35").then_some(Unrecognised::Layout);
            assert_eq!(why(&page), expected, "{page}");
        }
        assert_eq!(why("[]"), Some(Unrecognised::Layout));
        assert_eq!(why("<html></html>"), Some(Unrecognised::Format));
        assert_eq!(why(&PAGE[..40]), Some(Unrecognised::Truncated));
        assert_eq!(why(""), Some(Unrecognised::Truncated));
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_outcome(bytes in prop::collection::vec(any::<u8>(), 0..512), cut in 0_usize..PAGE.len(), put: char) {
            frankfurter(&bytes);
            let mut page = PAGE.to_owned();
            page.insert(cut, put);
            frankfurter(page.as_bytes());
        }
    }
}
