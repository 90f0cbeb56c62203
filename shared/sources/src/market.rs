//! Market prices: public price lists, others' indexes of them, and an operator's own files, read into offers.
//!
//! Each layout has a parser from bytes to a [`PriceList`]. A row that does not say enough, or nothing that makes sense, is left out with
//! its place and the reason; a document of another layout is [`ParseOutcome::Unrecognised`] as a whole. What a source does not say is not
//! assumed: no disk kind is taken from a brand, no class from a price. Where the same for every row of a source is known from its
//! documentation (a region, the billing), it stands here, in one place for each.
//!
//! Which sources there are is data: [`crate::configuration`].

mod ecb;
mod frankfurter;
mod index;
mod json;
mod lightsail;
mod linode;
mod list;
mod operator;
mod ovh;
mod scaleway;
mod servers;
mod vultr;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use trust::{
    price::{Rates, Slug},
    time::Day,
};

use crate::outcome::ParseOutcome;

pub use index::rates_of_index;
pub use list::{LeftOut, MOST_ROWS, PriceList, RowDoubt};

/// The largest document that is read. The largest known, an offer file of all regions, has some megabytes.
pub const MOST_BYTES: usize = 24 << 20;

/// How a document of prices is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Vultr's `GET /v2/plans`.
    Vultr,
    /// Linode's `GET /v4/linode/types`.
    Linode,
    /// Scaleway's `GET /instance/v1/zones/{zone}/products/servers`.
    Scaleway,
    /// The offer file of Lightsail.
    Lightsail,
    /// OVH's `GET /v1/order/catalog/public/vps`.
    Ovh,
    /// `docs/plans.json` of p32929/vps-price-index.
    VpsPriceIndex,
    /// `servers.json` of Hattorius/Server-Pricing.
    ServerPricing,
    /// An operator's file of offers in JSON; `docs/price.md` has the format.
    OffersJson,
    /// The same in CSV.
    OffersCsv,
}

/// Under which source and of which day a document's prices are kept. Layouts that say a day themselves are dated by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAs {
    /// The source.
    pub source: Slug,
    /// The day on which it was read.
    pub on: Day,
}

/// Reads a document of prices.
pub fn parse(layout: Layout, document: &[u8], read: &ReadAs) -> ParseOutcome<PriceList> {
    if document.len() > MOST_BYTES {
        return json::unrecognised(crate::outcome::Unrecognised::TooLarge, ["bytes"]);
    }
    match layout {
        Layout::Vultr => json::listed(document, read, vultr::rows),
        Layout::Linode => json::listed(document, read, linode::rows),
        Layout::Scaleway => json::listed(document, read, scaleway::rows),
        Layout::Lightsail => json::listed(document, read, lightsail::rows),
        Layout::Ovh => json::listed(document, read, ovh::rows),
        Layout::VpsPriceIndex => json::listed(document, read, index::rows),
        Layout::ServerPricing => json::listed(document, read, servers::rows),
        Layout::OffersJson => json::listed(document, read, operator::rows_of_json),
        Layout::OffersCsv => operator::read_csv(document, read),
    }
}

/// Reads the rates of a day as Frankfurter publishes them.
pub fn parse_frankfurter(document: &[u8]) -> ParseOutcome<Rates> {
    frankfurter::frankfurter(document)
}

/// Reads the European Central Bank's daily reference rates (`eurofxref-daily.xml`).
pub fn parse_ecb(document: &[u8]) -> ParseOutcome<Rates> {
    ecb::rates(document)
}
