//! Uptime: from single checks to a percentage that anybody can recompute.
//!
//! A [`schedule`] cuts a monitor's time into slots and says which of them are expected. Checks from one or
//! several vantages decide what each [`slot`] was; a slot nobody saw is unknown, never up. A [`day`] is
//! settled from its slots and [`maintenance`], and days sum to a [`day::Tally`], in which uptime, coverage
//! and hard bounds are exact. From days come [`outage`]s, what is left of an [`sla`], the [`interval`] of an
//! uptime, and the [`record`] that goes into the log. What else goes there about monitors are [`leaves`]. What others say of a monitor
//! are [`reports`], which are shown beside all this and change none of it. What becomes known late of days in the log has them [`review`]ed.
//!
//! What holds throughout: what is stored, hashed or published is an integer; spans of time are half-open and
//! UTC; checks may come late, twice and in any order and give the same day.

pub mod check;
pub mod configuration;
pub mod count;
pub mod day;
pub mod facts;
pub mod interval;
pub mod leaves;
pub mod maintenance;
pub mod monitor;
pub mod names;
pub mod outage;
pub mod percent;
pub mod probing;
pub mod record;
pub mod reports;
pub mod review;
pub mod schedule;
pub mod shard;
pub mod sla;
pub mod slot;
pub mod span;
