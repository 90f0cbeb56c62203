//! What the template means, read from outside: event patterns, schedules, and the template as a whole.

mod api;
mod pattern;
mod schedule;
mod template;
