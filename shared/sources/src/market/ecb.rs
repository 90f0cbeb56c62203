//! The European Central Bank's reference rates of a day: `<Cube time="…">` with a `<Cube currency="…" rate="…"/>` for each currency, all
//! for one euro. A document of several days, or one that breaks off, is not read: its rates would be those of another day, or too few.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use trust::{
    marketplace::Currency,
    price::{MILLION, Rates},
    time::Day,
};

use super::json::{OtherLayout, decimal, unrecognised};
use crate::outcome::{ParseOutcome, Recognition, Unrecognised};

/// The document has some dozens of elements. One with more is another.
const MOST_EVENTS: usize = 10_000;

pub(super) fn rates(document: &[u8]) -> ParseOutcome<Rates> {
    if document.len() > super::MOST_BYTES {
        return unrecognised(Unrecognised::TooLarge, ["bytes"]);
    }
    let mut reader = Reader::from_reader(document);
    let (mut found, mut depth) = (Found::default(), 0_u32);
    for _ in 0..MOST_EVENTS {
        let read = match reader.read_event() {
            Ok(Event::Start(element)) => {
                depth += 1;
                found.take(&element)
            }
            Ok(Event::Empty(element)) => found.take(&element),
            Ok(Event::End(_)) => {
                depth = depth.saturating_sub(1);
                Ok(())
            }
            Ok(Event::Eof) if depth > 0 => return unrecognised(Unrecognised::Truncated, ["xml"]),
            Ok(Event::Eof) => return found.outcome(),
            Ok(_) => Ok(()),
            Err(_) => return unrecognised(Unrecognised::Format, ["xml"]),
        };
        if read.is_err() {
            return unrecognised(Unrecognised::Layout, ["Cube"]);
        }
    }
    unrecognised(Unrecognised::TooLarge, ["events"])
}

/// What was read so far of a day's rates.
#[derive(Default)]
struct Found {
    day: Option<Day>,
    rates: BTreeMap<Currency, u64>,
    /// The currencies that were named, with a rate or without.
    named: BTreeSet<String>,
}

impl Found {
    /// Takes an element. Of another day than the first, or of a currency once more, the document is one of several days.
    fn take(&mut self, element: &BytesStart<'_>) -> Result<(), OtherLayout> {
        if element.local_name().as_ref() != "Cube" {
            return Ok(());
        }
        if let Some(time) = attribute(element, "time") {
            let day = Day::parse(&time).map_err(|_| OtherLayout)?;
            if self.day.replace(day).is_some() {
                return Err(OtherLayout);
            }
        }
        if let Some(currency) = attribute(element, "currency") {
            if !self.named.insert(currency.clone()) {
                return Err(OtherLayout);
            }
            self.rates.extend(rate(currency, attribute(element, "rate")));
        }
        Ok(())
    }

    fn outcome(self) -> ParseOutcome<Rates> {
        let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        match self.day {
            Some(day) if !self.rates.is_empty() => ParseOutcome::Recognised {
                recognition: Recognition::new(count(self.rates.len()), count(self.named.len())),
                facts: Rates { day, source: "ECB".to_owned(), a_euro: self.rates },
            },
            _ => unrecognised(Unrecognised::Layout, ["Cube"]),
        }
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
