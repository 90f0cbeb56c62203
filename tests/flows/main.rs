//! Flows through the whole of Provider Trust.

mod fresh_table;
mod order;
