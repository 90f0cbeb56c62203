//! `verify-uptime BUNDLE --key KEY`: checks what a bundle says of uptime, offline, and prints it recomputed.

use std::{
    fs,
    io::{self, Read, Write},
    num::NonZeroU32,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use transparency::{
    Bundle, PublicKey, bundle,
    claim::{Claim, Expected},
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
        Ok((keys, bytes)) => match command.verify(&keys, bytes) {
            Ok(claim) => said(&mut io::stdout(), &claim.to_string(), ExitCode::SUCCESS),
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
    /// The keys and the bundle, or why they can not be had.
    fn read(&self) -> Result<(Vec<PublicKey>, Vec<u8>), String> {
        let mut keys = Vec::new();
        for given in &self.keys {
            let text = match given.strip_prefix('@') {
                Some(path) => fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
                None => given.clone(),
            };
            for line in text.lines().filter(|line| !line.is_empty()) {
                keys.push(line.parse().map_err(|error| format!("{line:?} is no key: {error}"))?);
            }
        }
        if keys.is_empty() {
            return Err("no key was given".to_owned());
        }
        let bytes = read(&self.bundle).map_err(|error| format!("{}: {error}", self.bundle.display()))?;
        Ok((keys, bytes))
    }

    /// The claim, or why it is not believed.
    fn verify(&self, keys: &[PublicKey], bytes: Vec<u8>) -> Result<Claim, String> {
        let text = String::from_utf8(bytes).map_err(|_| "the bundle is not UTF-8 text".to_owned())?;
        let bundle = Bundle::parse(&text).map_err(|malformed| malformed.to_string())?;
        let verified = bundle.verify(keys).map_err(|doubt| doubt.to_string())?;
        let expected = Expected { days: self.days, until: self.until, monitors: self.monitors.clone() };
        Claim::of(&verified, &expected).map_err(|reason| reason.to_string())
    }
}

/// No more than a bundle can have, and one byte to tell.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let source: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(fs::File::open(path)?) };
    let mut bytes = Vec::new();
    source.take(bundle::LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
