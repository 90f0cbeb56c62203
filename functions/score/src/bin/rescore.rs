//! `rescore`: what another score policy would change, and the change. `docs/operations.md` has the steps.

use std::{
    io::{self, Write},
    num::NonZeroU32,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use lambda::{Clients, Environment, clock, policy};
use score::rescore::{self, Limits, News, Outcome};
use table::Table;

/// How often a run says how far it is.
const OFTEN: Duration = Duration::from_secs(5);

/// Scores all providers by another policy, beside what is served, and switches to it.
///
/// Region, credentials and, where it is not AWS, `AWS_ENDPOINT_URL_DYNAMODB` come from the environment. Exits with 0 if all is done, and
/// with 1 if not: begun again, a run goes on where it was stopped.
#[derive(Debug, Parser)]
#[command(name = "rescore")]
struct Flags {
    /// The table, instead of the one that `TABLE_NAME` names.
    #[arg(long, value_name = "NAME", global = true)]
    table: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Work out what every provider would be by a policy. Nothing that is served changes.
    Compute(Run),
    /// Print how scores and ranks would move.
    Compare {
        #[command(flatten)]
        policy: Named,
        /// How many of those who move most are named, in each direction.
        #[arg(long, default_value_t = 10)]
        most: usize,
    },
    /// Make every provider's summary by a policy that has come into force.
    Switch(Run),
    /// Delete what was worked out by a policy.
    Drop(Run),
}

#[derive(Debug, Args)]
struct Named {
    /// The policy: its version, or @FILE.
    #[arg(long)]
    policy: String,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    policy: Named,
    /// The most providers a second.
    #[arg(long, default_value = "500")]
    per_second: NonZeroU32,
}

impl Run {
    fn limits(&self) -> Limits {
        Limits { per_second: self.per_second, now: clock::now }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Flags::parse()).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> anyhow::Result<ExitCode> {
    let environment = Environment::of_process();
    let name = match &flags.table {
        Some(name) => name,
        None => environment.required("TABLE_NAME").context("--table was not given either")?,
    };
    let table = Table::new(Clients::new(&environment)?.dynamodb(), name);
    let code = match flags.command {
        Command::Compute(run) => {
            let policy = policy::named(&run.policy.policy)?;
            ended(rescore::compute(&table, &policy, run.limits(), progress()).await?)
        }
        Command::Switch(run) => {
            let policy = policy::named(&run.policy.policy)?;
            ended(rescore::switch(&table, &policy, run.limits(), progress()).await?)
        }
        Command::Compare { policy, most } => {
            let policy = policy::named(&policy.policy)?;
            let comparison = rescore::compare(&table, &policy).await?;
            io::stdout().write_all(comparison.report(most).to_string().as_bytes())?;
            ExitCode::SUCCESS
        }
        Command::Drop(run) => {
            let policy = policy::named(&run.policy.policy)?;
            let dropped = rescore::drop_candidates(&table, &policy.version, run.per_second).await?;
            say(&format!("{dropped} candidates deleted"));
            ExitCode::SUCCESS
        }
    };
    let consumed = table.consumed();
    let units = |thousandths: u64| thousandths.div_ceil(1000);
    say(&format!("{} read and {} write units", units(consumed.read), units(consumed.written)));
    Ok(code)
}

/// Says what a run tells, but how far it is only now and then.
fn progress() -> impl FnMut(News<'_>) {
    let mut said = Instant::now();
    move |news| match news {
        News::Started { as_of, done: 0 } => say(&format!("as of {as_of}")),
        News::Started { as_of, done } => say(&format!("as of {as_of}, going on: {done} are done")),
        News::Done(done) if said.elapsed() >= OFTEN => {
            said = Instant::now();
            say(&format!("{done} are done"));
        }
        News::Done(_) => {}
        News::Failed(provider, error) => say(&format!("{provider} failed: {error}")),
    }
}

fn ended(Outcome { done, failed }: Outcome) -> ExitCode {
    if failed.is_empty() {
        say(&format!("all {done} are done"));
        return ExitCode::SUCCESS;
    }
    say(&format!("{done} are done, {} have failed; the same command tries those again", failed.len()));
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "this is the command's own word to its user")]
fn say(text: &str) {
    eprintln!("{text}");
}
