//! The meaning of Provider Trust: pure types and formulas.
//!
//! Nothing here reads a clock, a network or an environment. Times come in as parameters, stored values are
//! integers, and every function gives the same answer on every machine. Start at [`wait`] for replies, at
//! [`contract`] for contract outcomes and at [`score`] for what becomes of both.

pub mod chat;
pub mod claims;
pub mod contract;
pub mod conversation;
pub mod duration;
pub mod feedback;
pub mod history;
pub mod id;
pub mod link;
pub mod marketplace;
pub mod offering;
pub mod parties;
pub mod past;
pub mod policy;
pub mod price;
pub mod provider;
pub mod ratio;
pub mod renter_week;
pub mod renters;
pub mod replies;
pub mod score;
pub mod setup;
pub mod signal;
pub mod silence;
pub mod source;
pub mod summary;
pub mod survival;
pub mod text;
pub mod time;
pub mod units;
pub mod uptime;
pub mod wait;
