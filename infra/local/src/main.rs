//! `cargo run`: the local stack from the command line.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Parser, Subcommand};
use lambda::clock;
use local_stack::{
    Options, Stack, Storage, TEMPLATE,
    sample::{self, services::Services},
    secrets, template,
    tokens::{KEY_SET, Keys, Mint},
};
use trust::id::CallerId;

/// Provider Trust on this machine: everything in one process, wired by infra/template.yaml.
#[derive(Debug, Parser)]
struct Flags {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Where to keep data and secrets.
    #[arg(long, default_value = ".local", global = true)]
    data: PathBuf,
    /// Keep nothing: data lives in memory. Secrets stay in the data directory.
    #[arg(long)]
    memory: bool,
    /// Start without the sample marketplace.
    #[arg(long)]
    empty: bool,
    /// A file with the secret document, instead of one made up in the data directory.
    #[arg(long)]
    secrets: Option<PathBuf>,
    /// A value for a parameter of the template, such as ChatwootUrl=http://127.0.0.1:3000. May be given several times.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter, global = true)]
    parameters: Vec<(String, String)>,
    /// A file with the JSON Web Key Set by which tokens are checked, instead of jwks.json in the data directory.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a token of somebody for the routes that want one, signed with a key of this machine. The stack may be running.
    Token {
        /// His id on the marketplace: a renter's or a provider's.
        #[arg(long)]
        subject: CallerId,
        /// For how many seconds it is good.
        #[arg(long, default_value_t = 3600)]
        seconds: u32,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let parameters: BTreeMap<String, String> = flags.parameters.into_iter().collect();
    let filter =
        lambda::Environment::of_process().optional("RUST_LOG").unwrap_or("warn,dynoxide=error").to_owned();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .init();
    std::fs::create_dir_all(&flags.data).with_context(|| format!("making {}", flags.data.display()))?;
    if let Some(Command::Token { subject, seconds }) = flags.command {
        return print_token(&flags.data, &parameters, &subject, seconds);
    }
    let (secrets_file, document) = if let Some(file) = flags.secrets {
        let document = secrets::read(&file)?;
        (file, document)
    } else {
        let file = flags.data.join("secrets.json");
        let document = secrets::read_or_make(&file)?;
        (file, document)
    };
    let key_set = flags.jwks.unwrap_or_else(|| flags.data.join(KEY_SET));
    let storage = if flags.memory { Storage::Memory } else { Storage::Directory(flags.data) };
    let options = Options {
        listen: flags.listen,
        storage,
        secrets: document.clone(),
        parameters,
        keys: Keys::in_file(Some(key_set.clone())),
    };
    let stack = Stack::start(options).await?;
    let base = format!("http://{}", stack.address());
    say(&format!(
        "Provider Trust listens on {base}\n  pages    {base}/\n  table    {}\n  secrets  {}\n  tokens   {}",
        stack.environment().optional("AWS_ENDPOINT_URL_DYNAMODB").unwrap_or_default(),
        secrets_file.display(),
        if key_set.exists() {
            format!("checked by the keys in {}", key_set.display())
        } else {
            format!(
                "nobody's yet: there is no {}; `cargo run -- token --subject ID` makes one",
                key_set.display()
            )
        }
    ));
    // For as long as the stack runs.
    let _services = if flags.empty { None } else { Some(load_sample(&stack, &base, &document).await?) };
    tokio::select! {
        () = stack.run() => anyhow::bail!("a part of the stack has ended"),
        signal = tokio::signal::ctrl_c() => Ok(signal?),
    }
}

/// Starts the sample's services, and loads the sample, which may speak of them.
async fn load_sample(stack: &Stack, base: &str, document: &str) -> anyhow::Result<Services> {
    let services = Services::start(stack.queues(), clock::now).await?;
    say(&format!(
        "  sample   a steady service at {}, a flaky one at {}",
        services.steady.url(),
        services.flaky.url()
    ));
    sample::load(stack, base, document, &services).await.context("loading the sample marketplace")?;
    Ok(services)
}

/// Prints a token that this machine's routes let in.
fn print_token(
    data: &Path,
    parameters: &BTreeMap<String, String>,
    subject: &CallerId,
    seconds: u32,
) -> anyhow::Result<()> {
    let wiring = template::read(TEMPLATE, parameters)?;
    let authorizer = wiring.routes.iter().find_map(|route| route.authorizer.as_ref());
    let authorizer = authorizer.context("no route of the template wants a token")?;
    let now = clock::now();
    let token = Mint::in_directory(data)?.issue(authorizer, subject, now, now.plus(i64::from(seconds)))?;
    print(&token);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the token is what was asked for, and may go into a pipe")]
fn print(text: &str) {
    println!("{text}");
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[expect(clippy::print_stderr, reason = "this is the command line's own word to its user")]
fn say(text: &str) {
    eprintln!("{text}");
}
