//! The outside's word on providers: what independent sites, renters' benchmark runs and price lists say, read politely and strictly.
//!
//! A parser here never guesses. What it does not recognise is said to be so, and everything it reads carries the source, the address
//! and the moment it was read at. Parsers are plain functions over bytes; only what asks a source over the network is asynchronous.

#[cfg(feature = "mcp")]
pub mod mcp;
pub mod outcome;
pub mod page;
pub mod published;
pub mod serververify;
pub mod text;
pub mod vpsbenchmarks;
