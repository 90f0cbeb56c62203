//! The outside's word on providers: what independent sites, renters' benchmark runs and price lists say, read politely and strictly.
//!
//! A parser here never guesses. What it does not recognise is said to be so, and everything it reads carries the source, the address
//! and the moment it was read at. Parsers are plain functions over bytes; only what asks a source over the network is asynchronous.
//!
//! * [`configuration`] is which sources there are and how politely they are asked;
//! * [`fetch`] asks for a page (feature `fetch`);
//! * [`reading`] is what a page means, by its parser;
//! * [`rated`] is what of it people are shown as the site's word;
//! * [`outcome`] is what came of reading it.

pub mod configuration;
#[cfg(feature = "fetch")]
pub mod fetch;
mod json;
pub mod market;
#[cfg(feature = "fetch")]
pub mod mcp;
pub mod outcome;
pub mod page;
pub mod published;
pub mod rated;
pub mod reading;
pub mod serververify;
pub mod text;
pub mod vpsbenchmarks;
pub mod yabs;
