//! The tables of `docs/scoring.md` about honest and cheating providers are what the example prints.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

#[path = "../examples/simulation/attacks.rs"]
mod attacks;
#[path = "../examples/simulation/market.rs"]
mod market;
#[path = "../examples/simulation/others.rs"]
mod others;
#[path = "../examples/simulation/table.rs"]
mod table;
mod world;

#[test]
fn the_document_states_what_cheating_comes_to() {
    let document = include_str!("../../../docs/scoring.md");
    for table in table::all().split("\n\n") {
        assert!(document.contains(table.trim()), "{table}");
    }
}
