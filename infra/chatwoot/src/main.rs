//! `cargo run -p chatwoot-setup`: connects Provider Trust with a Chatwoot, and says what is wrong with a connection.

use std::{io, process::ExitCode};

use chatwoot_setup::command::Command;
use clap::Parser;
use lambda::{Environment, clock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let command = Command::parse();
    let environment = Environment::of_process();
    if command.run(&environment, &mut io::stdin().lock(), clock::now, &mut print).await {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(clippy::print_stdout, reason = "what was found is what was asked for")]
fn print(line: &str) {
    println!("{line}");
}
