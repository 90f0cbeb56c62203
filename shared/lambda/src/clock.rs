//! The one place that reads the wall clock.

use trust::time::Moment;

/// The time now, in whole seconds.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Moment {
    let seconds = jiff::Timestamp::now().as_second();
    Moment::EPOCH.plus(seconds)
}
