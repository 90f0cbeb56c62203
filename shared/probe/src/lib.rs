//! Asks targets whether they are up, behind a guard that keeps us from asking where we must not.
//!
//! * [`guard`] decides what may be connected to, and [`address`] which addresses are the public's;
//! * [`check`] is what can be asked: HTTP, TCP, TLS, SSH, DNS;
//! * [`prober`] asks it, within its time;
//! * [`batch`] asks many at once, under one end;
//! * [`exchange`] is one HTTP request and its answer, for whoever reads more of it than whether it is up;
//! * [`outcome`] is what came of it: up, down and why, our own fault, or refused.
//!
//! ```no_run
//! # async fn run(now: trust::time::Moment, until: tokio::time::Instant) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use probe::{check::Check, guard::Guard, names::Names, prober::{Limits, Prober}, tls::Roots};
//!
//! let prober = Prober::new(Guard::public_only(), Names::of_the_system()?, Roots::public())?;
//! let check = Check::Ssh { host: "machine.example.com".to_owned(), port: 22 };
//! let report = prober.run(&check, Limits { timeout: Duration::from_secs(10), until }, now).await;
//! println!("{:?}", report.outcome);
//! # Ok(()) }
//! ```

pub mod address;
pub mod batch;
mod chains;
pub mod check;
mod connect;
mod dns;
pub mod exchange;
pub mod guard;
mod http;
pub mod names;
pub mod outcome;
pub mod prober;
mod ssh;
pub mod tls;
