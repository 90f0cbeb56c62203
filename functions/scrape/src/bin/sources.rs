//! `sources`: what an operator does about independent sources. `docs/operations.md` has the steps.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use lambda::{Clients, Environment, clock};
use scrape::operator::{self, Decision};
use sources::configuration::Configuration;
use table::Table;
use trust::{
    id::ProviderId,
    source::{
        SourceName, Subject,
        mapping::{Mapping, Standing},
        state::Stop,
    },
};

/// The configuration that is held against what is said where the environment names none.
const BUILT_IN: &str = "sources/1";

/// Stops sources and lets them go on, and says whose their names are.
///
/// Region, credentials and, where it is not AWS, `AWS_ENDPOINT_URL_DYNAMODB` come from the environment; so do `SOURCES` (without it,
/// `sources/1`) and `SOURCES_CHANGES`, for sources that were never planned yet.
#[derive(Debug, Parser)]
#[command(name = "sources")]
struct Flags {
    /// The table, instead of the one that `TABLE_NAME` names.
    #[arg(long, value_name = "NAME", global = true)]
    table: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print how each source stands.
    List,
    /// Ask a source for nothing any more, from its next request on. What was read stays, and gets old.
    Stop {
        source: SourceName,
        /// Why, in words that everybody may read.
        #[arg(long, value_name = "TEXT")]
        because: String,
    },
    /// Let a source go on that was stopped.
    Resume { source: SourceName },
    /// Print whose a source's names are.
    Names { source: SourceName },
    /// Say that a source's name is a provider's: what it says under that name is evidence about him.
    Confirm(Named),
    /// Say that it is not: it is neither evidence nor proposed again.
    Reject(Named),
    /// Check a source configuration: its version, or @FILE.
    Check {
        configuration: String,
        /// Changes to it, as a JSON merge patch.
        #[arg(long, value_name = "JSON")]
        changes: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Named {
    source: SourceName,
    /// The source's own name for the provider.
    name: Subject,
    provider: ProviderId,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> anyhow::Result<()> {
    if let Command::Check { configuration, changes } = &flags.command {
        let found = Configuration::named(configuration, changes.as_deref())?;
        return print(&[format!("{}: {} sources", found.version, found.sources.len())]);
    }
    let environment = Environment::of_process();
    let name = match &flags.table {
        Some(name) => name,
        None => environment.required("TABLE_NAME").context("--table was not given either")?,
    };
    let table = Table::new(Clients::new(&environment)?.dynamodb(), name);
    if let Command::Stop { source, .. }
    | Command::Confirm(Named { source, .. })
    | Command::Reject(Named { source, .. }) = &flags.command
    {
        let version = environment.optional("SOURCES").unwrap_or(BUILT_IN);
        let configuration = Configuration::named(version, environment.optional("SOURCES_CHANGES"))?;
        operator::check_source(&table, &configuration, source).await?;
    }
    match flags.command {
        Command::List => list(&table).await,
        Command::Stop { source, because } => {
            if because.trim().is_empty() || because.chars().count() > 300 {
                bail!("--because takes 1 to 300 characters");
            }
            table.stop_source(&source, &Stop { at: clock::now(), because }).await?;
            print(&[format!("{source} is stopped")])
        }
        Command::Resume { source } => {
            table.resume_source(&source).await?;
            print(&[format!("{source} goes on with the next plan")])
        }
        Command::Names { source } => {
            let names = table.names_in(&source).await?;
            let line = |(name, Mapping { provider, standing, at }): (Subject, Mapping)| {
                let standing = match standing {
                    Standing::Confirmed => "confirmed".to_owned(),
                    Standing::Rejected => "rejected".to_owned(),
                    Standing::Proposed(domain) => format!("proposed: both at {domain}"),
                };
                format!("{name}\t{provider}\t{standing}\t{at}")
            };
            print(&names.into_iter().map(line).collect::<Vec<_>>())
        }
        Command::Confirm(named) => decide(&table, named, Decision::Confirm).await,
        Command::Reject(named) => decide(&table, named, Decision::Reject).await,
        Command::Check { .. } => Ok(()),
    }
}

async fn list(table: &Table) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for (name, standing) in table.sources().await? {
        let now = clock::now();
        let how = match (&standing.stop, standing.state.breaker.open_until(now)) {
            (Some(stop), _) => format!("stopped at {}: {}", stop.at, stop.because),
            (None, Some(until)) => format!("left alone until {until}"),
            (None, None) => "read".to_owned(),
        };
        let last = standing.state.last_read.map_or("never".to_owned(), |read| read.at.to_string());
        let failure = standing.state.last_failure.map_or_else(String::new, |failure| {
            format!("; last failure {} at {}: {}", failure.at, failure.address, failure.why)
        });
        lines.push(format!("{name}\t{how}\tlast read {last}{failure}"));
    }
    print(&lines)
}

async fn decide(table: &Table, named: Named, decision: Decision) -> anyhow::Result<()> {
    let Named { source, name, provider } = named;
    operator::decide(table, (&source, &name), &provider, decision, clock::now()).await?;
    let is = if decision == Decision::Confirm { "is" } else { "is not" };
    print(&[format!("{name} of {source} {is} {provider}")])
}

fn print(lines: &[String]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "this is the command's own word to its user")]
fn say(text: &str) {
    eprintln!("{text}");
}
