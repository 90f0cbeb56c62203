//! What people see: pages rendered here, with pictures inline, readable on a phone, in light and dark, without script.

mod chart;
mod frame;
mod list;
mod provider;
mod words;

pub(crate) use list::list;
pub(crate) use provider::{provider, unknown};
