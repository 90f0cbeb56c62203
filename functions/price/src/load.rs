//! What an operator loads by hand: a price list in any of the known layouts, or exchange rates.

use serde::{Deserialize, Serialize};
use sources::{
    market::{self, Layout, ReadAs},
    outcome::{ParseOutcome, Recognition},
};
use table::{KeptRates, Table};
use trust::{
    price::Slug,
    time::{Day, Moment},
};

use crate::PriceError;

/// A document to load.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum Document {
    /// A price list.
    Offers {
        /// Under which source its prices are kept, in place of those kept under it before.
        source: Slug,
        /// How it is laid out.
        layout: Layout,
        /// The document.
        text: String,
    },
    /// The European Central Bank's daily rates, as XML.
    Rates {
        /// The document.
        text: String,
    },
    /// The rate that vps-price-index states, where there are no better ones.
    RatesOfIndex {
        /// The document.
        text: String,
    },
}

/// Why a document is not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is laid out otherwise.
    #[error(
        "the document is not laid out as it should be ({why}, fingerprint {fingerprint}); nothing is changed"
    )]
    Layout {
        /// In which way it is not.
        why: String,
        /// What it looks like.
        fingerprint: String,
    },
    /// Its rates are of a day of which more are known.
    #[error("there are exchange rates of {0} for more currencies; nothing is changed")]
    Poorer(Day),
}

/// What was loaded.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// Rows, or currencies, that were read.
    pub read: u32,
    /// Of how many.
    pub of: u32,
    /// Rows that are no offer, each with its place and the reason, as far as they are named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The day of the rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
}

/// Reads a document and keeps what it says. The next gathering takes it in.
pub async fn load(table: &Table, document: &Document, now: Moment) -> Result<Loaded, PriceError> {
    match document {
        Document::Offers { source, layout, text } => {
            let read_as = ReadAs { source: source.clone(), on: now.day() };
            let (list, recognition) = recognised(market::parse(*layout, text.as_bytes(), &read_as))?;
            let left_out = recognition.of - recognition.found;
            table.write_price_list(source, now, &list.offers, left_out).await?;
            let left_out = list.left_out.iter().map(|row| format!("{}: {}", row.at, row.why)).collect();
            Ok(Loaded { read: recognition.found, of: recognition.of, left_out, day: None })
        }
        Document::Rates { text } => rates(table, market::parse_ecb(text.as_bytes())).await,
        Document::RatesOfIndex { text } => rates(table, market::rates_of_index(text.as_bytes())).await,
    }
}

async fn rates(table: &Table, outcome: ParseOutcome<trust::price::Rates>) -> Result<Loaded, PriceError> {
    let (rates, recognition) = recognised(outcome)?;
    if table.write_rates(&rates).await? == KeptRates::Before {
        return Err(Refused::Poorer(rates.day).into());
    }
    Ok(Loaded { read: recognition.found, of: recognition.of, left_out: Vec::new(), day: Some(rates.day) })
}

fn recognised<Facts>(outcome: ParseOutcome<Facts>) -> Result<(Facts, Recognition), Refused> {
    match outcome {
        ParseOutcome::Recognised { facts, recognition } => Ok((facts, recognition)),
        ParseOutcome::Unrecognised { fingerprint, why } => {
            let (why, fingerprint) = (format!("{why:?}").to_lowercase(), fingerprint.to_string());
            Err(Refused::Layout { why, fingerprint })
        }
    }
}
