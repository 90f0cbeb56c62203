//! Asking again for what DynamoDB left out of a batch.

use std::time::Duration;

use crate::TableError;

/// How often in a row a batch is asked for without any of it coming. Fewer give up in a burst that passes within seconds; more outlast
/// the function's time.
const ATTEMPTS: u32 = 8;

/// How long is waited before the second of them; before each further one twice as long: 3.2 s in all.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// What is left of a batch, and how often in a row nothing of it came.
#[derive(Debug)]
pub(crate) struct Patience {
    left: usize,
    idle: u32,
}

impl Patience {
    /// For a batch of so many.
    pub(crate) fn of(batch: usize) -> Self {
        Self { left: batch, idle: 0 }
    }

    /// How long to wait before so many are asked for again.
    ///
    /// # Errors
    ///
    /// None of them came for too long.
    pub(crate) fn pause(&mut self, left: usize) -> Result<Duration, TableError> {
        self.idle = if left < self.left { 0 } else { self.idle + 1 };
        self.left = left;
        if self.idle >= ATTEMPTS {
            return Err(TableError::Unavailable(format!(
                "{left} items of a batch were left out {ATTEMPTS} times in a row: the table is throttled"
            )));
        }
        Ok(FIRST_PAUSE * 2_u32.pow(self.idle.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_does_not_come_is_given_up_after_a_few_seconds_and_one_that_comes_bit_by_bit_is_not() {
        let mut patience = Patience::of(100);
        let pauses: Vec<Duration> = (0..7).map(|_| patience.pause(100).unwrap()).collect();
        assert!(pauses.windows(2).all(|pair| pair[1] == pair[0] * 2));
        assert_eq!(pauses.iter().sum::<Duration>(), Duration::from_millis(25 * 127));
        let given_up = patience.pause(100).unwrap_err();
        assert!(given_up.to_string().contains("100 items"), "{given_up}");

        let mut patience = Patience::of(100);
        for left in (1..100).rev() {
            assert_eq!(patience.pause(left).unwrap(), FIRST_PAUSE);
        }
    }
}
