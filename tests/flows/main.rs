//! Flows through the whole of Provider Trust.

mod crash;
mod fresh_table;
mod main_job;
mod order;
mod reading;
mod refusals;
mod stack;
