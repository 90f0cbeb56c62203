//! Price against the market: what an offering costs beside comparable offers of others, with an interval, or why that can not be said.
//!
//! The recipe is `docs/price.md`; the numbers in it are a [`PricePolicy`]. [`Market::gather`] makes offers of a class comparable and drops, with a
//! reason, what can not be; [`Market::place`] answers for one offering. Only offers of one class, one way of billing and one length of
//! commitment are compared, an operator's own offers never, and each operator has one vote, so that nobody moves the market by listing more.
//!
//! Prices inform and are not scored. Stored values are integers; only `+ - * / sqrt` and `libm` compute, sums run in one order and
//! chance comes from one fixed seed, so the same market gives the same answer on every machine.

mod bootstrap;
mod compare;
mod gather;
mod line;
mod median;
mod nearest;
mod offer;
mod place;
mod policy;
mod rates;
mod region;
mod words;

#[cfg(test)]
mod tests;

pub use gather::{DropReason, Dropped, Market, Normalised, Sheet};
pub use offer::{Amount, Basis, Billing, Disk, Machine, Missing, Offer, Place, Seller, Slug, Term};
pub use place::{
    Confidence, Explained, Hundredths, Interval, Left, Outcome, Peer, Position, PriceFact, Priced, Scope,
    Silence, Standing, Verdict,
};
pub use policy::{Distance, Elasticity, InvalidPricePolicy, PricePolicy, Speak, UnknownPricePolicy};
pub use rates::{MILLION, Rates, minor_digits};
pub use region::RegionGroup;
pub use words::{amount, range, said, why_not};
