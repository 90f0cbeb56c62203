//! Flows through the whole of Provider Trust.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod cost;
mod crash;
mod fresh_table;
mod main_job;
mod order;
mod reading;
mod refusals;
mod silence;
mod stack;
