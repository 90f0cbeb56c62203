//! The local stack.

pub mod pattern;
pub mod schedule;
pub mod template;
pub mod wiring;

/// The project's template.
pub const TEMPLATE: &str = include_str!("../../template.yaml");
