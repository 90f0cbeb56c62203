//! `cargo run`: the local stack from the command line.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use local_stack::{Options, Stack, Storage, sample, secrets};

/// Provider Trust on this machine: everything in one process, wired by infra/template.yaml.
#[derive(Debug, Parser)]
struct Flags {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Where to keep data and secrets.
    #[arg(long, default_value = ".local")]
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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let filter =
        lambda::Environment::of_process().optional("RUST_LOG").unwrap_or("warn,dynoxide=error").to_owned();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .init();
    std::fs::create_dir_all(&flags.data).with_context(|| format!("making {}", flags.data.display()))?;
    let (secrets_file, document) = if let Some(file) = flags.secrets {
        let document = secrets::read(&file)?;
        (file, document)
    } else {
        let file = flags.data.join("secrets.json");
        let document = secrets::read_or_make(&file)?;
        (file, document)
    };
    let storage = if flags.memory { Storage::Memory } else { Storage::Directory(flags.data) };
    let stack = Stack::start(Options { listen: flags.listen, storage, secrets: document.clone() }).await?;
    let base = format!("http://{}", stack.address());
    say(&format!(
        "Provider Trust listens on {base}\n  pages    {base}/\n  secrets  {}",
        secrets_file.display()
    ));
    if !flags.empty {
        sample::load(&stack, &base, &document).await.context("loading the sample marketplace")?;
    }
    tokio::select! {
        () = stack.run() => anyhow::bail!("a part of the stack has ended"),
        signal = tokio::signal::ctrl_c() => Ok(signal?),
    }
}

#[expect(clippy::print_stderr, reason = "this is the command line's own word to its user")]
fn say(text: &str) {
    eprintln!("{text}");
}
