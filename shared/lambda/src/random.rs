//! The one place that draws at random.

/// Bytes from the operating system's generator.
///
/// # Panics
///
/// If the operating system has none, which it says at its start or never.
#[expect(clippy::expect_used, reason = "there is nothing sensible to do without")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
