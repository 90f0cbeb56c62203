//! Flows through the whole of Provider Trust.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod accounts;
mod chat_job;
mod chatwoot_fake;
mod claims;
mod contract;
mod cost;
mod crash;
mod document;
mod feedback;
mod fresh_table;
mod identity;
mod listing;
mod main_job;
mod monitors;
mod notes;
mod openssl;
mod operator;
mod order;
mod parties;
mod past;
mod policy;
mod prices;
mod published;
mod reading;
mod reconcile;
mod refusals;
mod setup;
mod silence;
mod sources;
mod stack;
mod table;
mod unreadable;
mod uptime;
