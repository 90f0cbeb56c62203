//! What the template means, read from outside: event patterns, schedules, and the template as a whole.

mod pattern;
mod schedule;
mod template;
