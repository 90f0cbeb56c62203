//! `cargo run -p trust --example simulation`: what honest and cheating providers come to, by our score and by two others, as the tables of
//! `docs/scoring.md` have it.

#![expect(clippy::unwrap_used, reason = "made for tests, where what can not go on fails")]

mod attacks;
mod market;
mod others;
mod table;
#[path = "../../tests/world/mod.rs"]
mod world;

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(table::all().as_bytes())
}
