//! The European Central Bank's reference rates of a day: `<Cube time="…">` with a `<Cube currency="…" rate="…"/>` for each currency, all
//! for one euro.

use std::collections::BTreeMap;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use trust::{
    marketplace::Currency,
    price::{MILLION, Rates},
    time::Day,
};

use super::json::{decimal, unrecognised};
use crate::outcome::{ParseOutcome, Recognition, Unrecognised};

/// The document has some dozens of elements. One with more is another.
const MOST_EVENTS: usize = 10_000;

pub(super) fn rates(document: &[u8]) -> ParseOutcome<Rates> {
    if document.len() > super::MOST_BYTES {
        return unrecognised(Unrecognised::TooLarge, ["bytes"]);
    }
    let mut reader = Reader::from_reader(document);
    let (mut day, mut rates, mut rows) = (None, BTreeMap::new(), 0_u32);
    for _ in 0..MOST_EVENTS {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                if element.local_name().as_ref() != "Cube" {
                    continue;
                }
                if let Some(time) = attribute(&element, "time") {
                    day = day.or_else(|| Day::parse(&time).ok());
                }
                if let Some(currency) = attribute(&element, "currency") {
                    rows += 1;
                    rates.extend(rate(currency, attribute(&element, "rate")));
                }
            }
            Ok(Event::Eof) => return found(day, rates, rows),
            Ok(_) => {}
            Err(_) => return unrecognised(Unrecognised::Format, ["xml"]),
        }
    }
    unrecognised(Unrecognised::TooLarge, ["events"])
}

fn found(day: Option<Day>, a_euro: BTreeMap<Currency, u64>, rows: u32) -> ParseOutcome<Rates> {
    match day {
        Some(day) if !a_euro.is_empty() => {
            let recognition = Recognition::new(u32::try_from(a_euro.len()).unwrap_or(u32::MAX), rows);
            ParseOutcome::Recognised { facts: Rates { day, source: "ECB".to_owned(), a_euro }, recognition }
        }
        _ => unrecognised(Unrecognised::Layout, ["Cube"]),
    }
}

fn rate(currency: String, rate: Option<String>) -> Option<(Currency, u64)> {
    let millionths = decimal(&rate?)? * MILLION as f64;
    let sound = (1.0..1e15).contains(&millionths);
    sound.then_some((Currency::try_from(currency).ok()?, millionths.round() as u64))
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found =
        element.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(found.value.into_owned())
}
