//! `verify-uptime BUNDLE --key KEY`: checks what a bundle says of uptime, offline, and prints it recomputed.

use std::{
    fs,
    io::{self, Read, Write},
    num::NonZeroU32,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use clap::Parser;
use transparency::{
    Bundle, PublicKey, WitnessKey, bundle,
    claim::{Claim, Expected},
    key::InvalidKey,
};
use trust::{time::Day, uptime::names::MonitorId};

/// Checks a bundle of the uptime log with nothing but the log's public key, and prints the uptime recomputed from it.
///
/// Exits with 0 if the bundle holds, with 1 and the reason if there is any doubt, and with 2 if it could not be checked.
#[derive(Debug, Parser)]
#[command(name = "verify-uptime")]
struct Command {
    /// The bundle's file; - is standard input.
    bundle: PathBuf,
    /// A public key of the log, `<origin>+<id>+<base64>`, or @FILE with one such key a line. May be given several times, as when the
    /// log changes its key.
    #[arg(long = "key", value_name = "KEY", required = true)]
    keys: Vec<String>,
    /// Refuse a bundle whose checkpoint this witness has not cosigned: its public key, `<name>+<id>+<base64>`, or @FILE with one such
    /// key a line. May be given several times; all of them have to have.
    #[arg(long = "witness", value_name = "KEY")]
    witnesses: Vec<String>,
    /// Refuse a bundle about any other number of days.
    #[arg(long, value_name = "NUMBER")]
    days: Option<NonZeroU32>,
    /// Refuse a bundle whose last day is not this one, such as 2026-11-24.
    #[arg(long, value_name = "DATE", value_parser = Day::parse)]
    until: Option<Day>,
    /// Refuse a bundle without this monitor. May be given several times.
    #[arg(long = "monitor", value_name = "NAME")]
    monitors: Vec<MonitorId>,
}

fn main() -> ExitCode {
    let command = Command::parse();
    match command.read() {
        Ok(given) => match command.verify(given) {
            Ok(proven) => said(&mut io::stdout(), &proven, ExitCode::SUCCESS),
            Err(doubt) => said(&mut io::stderr(), &format!("not proven: {doubt}\n"), ExitCode::FAILURE),
        },
        Err(wrong) => said(&mut io::stderr(), &format!("error: {wrong}\n"), ExitCode::from(2)),
    }
}

/// A result counts only if it could be said.
fn said(to: &mut impl Write, text: &str, code: ExitCode) -> ExitCode {
    let written = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    if written.is_ok() { code } else { ExitCode::from(2) }
}

impl Command {
    /// What is needed to verify, or why it can not be had.
    fn read(&self) -> Result<Given, String> {
        let keys = read_keys(&self.keys)?;
        if keys.is_empty() {
            return Err("no key was given".to_owned());
        }
        let witnesses = read_keys(&self.witnesses)?;
        if witnesses.is_empty() && !self.witnesses.is_empty() {
            return Err("no key of a witness was given".to_owned());
        }
        let bytes = read(&self.bundle).map_err(|error| format!("{}: {error}", self.bundle.display()))?;
        Ok(Given { keys, witnesses, bytes })
    }

    /// The claim and until when it is witnessed, or why it is not believed.
    fn verify(&self, Given { keys, witnesses, bytes }: Given) -> Result<String, String> {
        let text = String::from_utf8(bytes).map_err(|_| "the bundle is not UTF-8 text".to_owned())?;
        let bundle = Bundle::parse(&text).map_err(|malformed| malformed.to_string())?;
        let verified = bundle.verify(&keys).map_err(|doubt| doubt.to_string())?;
        let expected = Expected { days: self.days, until: self.until, monitors: self.monitors.clone() };
        let mut proven = Claim::of(&verified, &expected).map_err(|reason| reason.to_string())?.to_string();
        for (number, witness) in witnesses.iter().enumerate() {
            let time = verified.checkpoint().cosigned(witness).map_err(|doubt| doubt.to_string())?;
            let between = if number == 0 { "\n" } else { "" };
            proven.extend([
                between,
                "witnessed by ",
                witness.name().as_str(),
                " until ",
                &time.to_string(),
                "\n",
            ]);
        }
        Ok(proven)
    }
}

/// What a bundle is verified with, and the bundle.
struct Given {
    keys: Vec<PublicKey>,
    witnesses: Vec<WitnessKey>,
    bytes: Vec<u8>,
}

/// Keys as they were given: each itself, or in a file after `@`.
fn read_keys<K: FromStr<Err = InvalidKey>>(given: &[String]) -> Result<Vec<K>, String> {
    let mut keys = Vec::new();
    for given in given {
        let text = match given.strip_prefix('@') {
            Some(path) => fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
            None => given.clone(),
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            keys.push(line.parse().map_err(|error| format!("{line:?} is no key: {error}"))?);
        }
    }
    Ok(keys)
}

/// No more than a bundle can have, and one byte to tell.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let source: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(fs::File::open(path)?) };
    let mut bytes = Vec::new();
    source.take(bundle::LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
