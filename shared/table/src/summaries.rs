//! Summaries: what was made of a provider's signals, ready to be served.
