//! The local stack around functions of the test's own: what each trigger delivers, and what is left after a stop.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test, what fails here is the test failing"
)]

mod bus;
mod fakes;
mod gateway;
mod queue;
mod schedule;
mod stream;
mod wiring;
