//! Measuring: what a message costs in time, memory and capacity units. Run by hand; `docs/performance.md` has the commands and figures.

#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

mod capacity;
mod function;
mod read;
mod reconcile;
mod rescore;
mod sources;
mod sweep;
mod throughput;
mod uptime;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Capacity units of messages, summaries and reads, from the 10th conversation to the last.
    Capacity {
        /// How many conversations.
        #[arg(long, default_value_t = 10_000)]
        conversations: u64,
    },
    /// Providers read through the local stack at a steady rate, whether it keeps up or not: latency. And what a page of the list costs.
    Read {
        /// How many requests a second.
        #[arg(long, default_value_t = 1000)]
        rate: u32,
        /// For how long, in seconds.
        #[arg(long, default_value_t = 30)]
        seconds: u32,
    },
    /// The check of the ledger's binary over many open conversations, all of them missing and none changed: time and memory.
    Reconcile {
        /// The folder of release binaries.
        #[arg(long)]
        binaries: PathBuf,
        /// How many accounts.
        #[arg(long, default_value_t = 100)]
        accounts: u64,
        /// How many conversations in each.
        #[arg(long, default_value_t = 100)]
        conversations: u64,
    },
    /// The `rescore` command over many providers: time, memory, capacity units; and the CPU time of one summary.
    Rescore {
        /// The folder of release binaries.
        #[arg(long)]
        binaries: PathBuf,
        /// How many providers.
        #[arg(long, default_value_t = 100_000)]
        providers: u64,
        /// The most of them a second.
        #[arg(long, default_value_t = 100_000)]
        per_second: u32,
        /// As before the day's first summary: no provider's days are folded yet.
        #[arg(long)]
        unfolded: bool,
    },
    /// Days settled, recorded, appended to the log and signed, on one thread: time and memory.
    Seal {
        /// How many days of monitors, a minute a slot.
        #[arg(long, default_value_t = 100_000)]
        days: usize,
        /// From how many places each was asked.
        #[arg(long, default_value_t = 1)]
        vantages: u16,
    },
    /// Capacity units of watching a shard for a day, and what a million probes cost of them.
    Watching {
        /// How many monitors.
        #[arg(long, default_value_t = 500)]
        monitors: usize,
        /// How many days of each are sealed already.
        #[arg(long, default_value_t = 0)]
        sealed: u16,
    },
    /// Capacity units of independent sources and prices: a plan, pages that are read, and a gathering of providers with an offering each.
    Sources {
        /// How many providers.
        #[arg(long, default_value_t = 1_000)]
        providers: u64,
    },
    /// The sweep's binary over many open waits: time and memory.
    Sweep {
        /// The folder of release binaries.
        #[arg(long)]
        binaries: PathBuf,
        /// How many open waits.
        #[arg(long, default_value_t = 10_000)]
        waits: u64,
    },
    /// Signed messages a second through the local stack, from the front door to the score.
    Throughput {
        /// How many messages.
        #[arg(long, default_value_t = 20_000)]
        messages: u64,
        /// How many connections.
        #[arg(long, default_value_t = 32)]
        connections: u64,
    },
    /// The webhook's binary: start, CPU time a message, memory; against an empty function.
    Webhook {
        /// The folder of release binaries.
        #[arg(long)]
        binaries: PathBuf,
        /// How many messages.
        #[arg(long, default_value_t = 2000)]
        messages: usize,
        /// How many starts of each.
        #[arg(long, default_value_t = 40)]
        starts: usize,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Flags::parse().what {
        What::Capacity { conversations } => Box::pin(capacity::measure(conversations)).await,
        What::Read { rate, seconds } => read::measure(rate, seconds).await,
        What::Reconcile { binaries, accounts, conversations } => {
            reconcile::measure(&binaries, accounts, conversations).await
        }
        What::Rescore { binaries, providers, per_second, unfolded } => {
            let folded = if unfolded { rescore::Folded::Not } else { rescore::Folded::Today };
            rescore::measure(&rescore::Load { binaries, providers, per_second, folded }).await
        }
        What::Seal { days, vantages } => uptime::seal(days, vantages),
        What::Watching { monitors, sealed } => Box::pin(uptime::watching(monitors, sealed)).await,
        What::Sources { providers } => Box::pin(sources::measure(providers)).await,
        What::Sweep { binaries, waits } => Box::pin(sweep::measure(&binaries, waits)).await,
        What::Throughput { messages, connections } => throughput::measure(messages, connections).await,
        What::Webhook { binaries, messages, starts } => function::measure(&binaries, messages, starts).await,
    }
}

/// A value so many hundredths up the sorted ones.
fn percentile(sorted: &[u64], hundredths: usize) -> u64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * hundredths / 100).copied().unwrap_or_default()
}
