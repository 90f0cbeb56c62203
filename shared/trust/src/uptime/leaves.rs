//! The other records of the log that are about monitors, as exact bytes: a monitor's configuration, work
//! announced on it, a change of the log's keys, and a correction.
//!
//! They are ASCII text like the [record of a day](super::record): the first line is the kind; then one line a
//! field in the order given here, its name, one space, what it says; each line ends with one line feed, the
//! last one too. Numbers are decimal, without sign and leading zeros. Times are `YYYY-MM-DDThh:mm:ssZ`. So
//! there is one text for each record, and nothing else is taken.
//!
//! ```text
//! monitor/1
//! monitor m-17
//! version 3
//! from 2028-02-01T00:00:00Z
//! interval 60
//! phase 17
//! panel eu-central-1 us-east-1
//! check https
//! target 8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4
//! since 2027-12-01T09:30:00Z
//! ended -
//! ```
//!
//! | line | says |
//! |---|---|
//! | `monitor` | its name: 1-64 characters of `A-Za-z0-9._-` |
//! | `version` | the version of its configuration, which its days' records name; less than 2^32 |
//! | `from` | when this version takes effect |
//! | `interval`, `phase` | as in a day's record |
//! | `panel` | the places it is asked from: 1 to 16 names, ordered by their bytes, none twice |
//! | `check` | `http`, `https`, `tcp`, `tls`, `ssh` or `dns` |
//! | `target` | the [`commitment`] to what is asked, 64 lower-case hex digits |
//! | `since` | when the monitor first ran |
//! | `ended` | when it ceased to, for good, later than `since`; `-` while it runs or is paused |
//!
//! A monitor that has ended has no later version, and runs no more: asking again takes a new name. So this
//! record shows why no days come after.
//!
//! ```text
//! maintenance/1
//! monitor m-17
//! announced 2028-02-01T10:00:00Z
//! from 2028-02-03T01:00:00Z
//! until 2028-02-03T03:00:00Z
//! ```
//!
//! `from` is later than `announced`, and `until` later than `from`. What of it counts is said in
//! [`maintenance`](super::maintenance).
//!
//! ```text
//! key/1
//! from 2028-06-01T00:00:00Z
//! key log.example/uptime+4f4c1ab9+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU
//! replaces log.example/uptime+b4dd461e+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
//! ```
//!
//! Both keys are verifier keys of signed notes (C2SP `signed-note`), of one log, and two. As a leaf it is
//! signed for by the key that is replaced: who knows the old key learns the new one from the log.
//!
//! ```text
//! correction/1
//! leaf 48213
//! reason the contract had ended at 2028-02-29T12:00:17Z, which was told later
//! day/1
//! monitor m-17
//! sequence 41
//! previous 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//! configuration 3
//! day 2028-02-29
//! interval 60
//! phase 17
//! vantage eu-central-1 718 2 0
//! vantage us-east-1 720 0 0
//! latency 41 180
//! slots 700u2t18u720.
//! ```
//!
//! `leaf` is the place in the log, from 0 on, of the leaf that is wrong, which stays; less than 2^63. The
//! reason has 1 to 500 characters from space to `~`, and no space at either end. What follows is the day as it
//! is right, all of its record, with the monitor, the number, the hash before, the day, the interval and the
//! phase of the wrong one. It is left out where the leaf is no day, or nobody knows how it was. Of several
//! corrections of one day the last one in the log counts.
//!
//! [`score/1`](score), a provider's score at the end of a day, is not about a monitor, and written alike.

mod correction;
mod key;
mod maintenance;
mod monitor;
pub mod score;
mod text;

pub use correction::{AnotherDay, CorrectionLeaf, InvalidReason, Reason};
pub use key::{InvalidKeyChange, InvalidLogKey, KeyLeaf, LogKey};
pub use maintenance::MaintenanceLeaf;
pub use monitor::{CheckKind, InvalidLifetime, Lifetime, MonitorLeaf, UnknownCheck, commitment};
pub use score::{InvalidScore, ScoreLeaf};
pub use text::Malformed;

#[cfg(test)]
mod tests;
