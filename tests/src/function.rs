//! A function's binary, started as Lambda starts it: nothing in its environment but what Lambda and the template put there, and the
//! Runtime API as its only way in.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

use crate::runtime_api::RuntimeApi;

/// The most a function gets for one event here, its start included. Far more than it needs: unoptimised, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why there is no answer to an event.
#[derive(Debug)]
pub enum NoAnswer {
    /// The function reported an error.
    Failed(Value),
    /// The function reported that it could not start.
    NotStarted(Value),
    /// The process ended.
    Ended(ExitStatus, Vec<String>),
    /// Nothing was heard in time.
    Silent(Vec<String>),
}

/// A running function. Its process is killed when this is dropped.
#[derive(Debug)]
pub struct Function {
    name: String,
    runtime_api: RuntimeApi,
    process: Child,
    readers: Vec<JoinHandle<()>>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Function {
    /// Starts the function's binary with these variables in its environment.
    pub async fn start(name: &str, environment: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        Self::start_at(&binary(name)?, name, environment).await
    }

    /// Starts this binary as the function of this name.
    pub async fn start_at(
        binary: &Path,
        name: &str,
        environment: &BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        let runtime_api = RuntimeApi::start().await?;
        let mut process = Command::new(binary)
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let lines = Arc::default();
        let readers = vec![
            follow(process.stdout.take().context("no standard output")?, &lines),
            follow(process.stderr.take().context("no standard error")?, &lines),
        ];
        Ok(Self { name: name.to_owned(), runtime_api, process, readers, lines })
    }

    /// Gives the function an event and waits for its answer.
    pub async fn invoke(&mut self, event: &Value) -> Result<Value, NoAnswer> {
        let outcome = self.runtime_api.submit(&self.name, event, PATIENCE);
        let mut start_failures = self.runtime_api.start_failures();
        tokio::select! {
            biased;
            Ok(outcome) = outcome => outcome.map_err(NoAnswer::Failed),
            Ok(report) = start_failures.wait_for(Option::is_some) => {
                Err(NoAnswer::NotStarted(report.clone().unwrap_or_default()))
            }
            Ok(status) = self.process.wait() => {
                for reader in self.readers.drain(..) {
                    // What it said last may explain it.
                    drop(reader.await);
                }
                Err(NoAnswer::Ended(status, self.log()))
            }
            () = tokio::time::sleep(PATIENCE) => Err(NoAnswer::Silent(self.log())),
        }
    }

    /// The lines the function has logged so far.
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The CPU time the process has used, in nanoseconds, over all its threads. Linux tells; elsewhere there is none.
    pub fn cpu_nanoseconds(&self) -> Option<u64> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id()?)).ok()?;
        let time = |thread: std::fs::DirEntry| -> Option<u64> {
            let statistics = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            statistics.split_whitespace().next()?.parse().ok()
        };
        Some(threads.flatten().filter_map(time).sum())
    }

    /// The most memory the process has held at once, in KiB. Linux tells; elsewhere there is none.
    pub fn peak_memory_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }
}

/// A binary of this project, built before.
///
/// Binaries lie beside the folder of the test's own binary, in whatever profile and target directory it was built.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(|folder| folder.parent()).context("no folder of binaries")?;
    let binary = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    ensure!(
        binary.is_file(),
        "{} is not there; build the binaries first: cargo build --workspace --bins",
        binary.display()
    );
    Ok(binary)
}

fn follow(
    output: impl AsyncRead + Unpin + Send + 'static,
    lines: &Arc<Mutex<Vec<String>>>,
) -> JoinHandle<()> {
    let lines = Arc::clone(lines);
    tokio::spawn(async move {
        let mut output = BufReader::new(output).lines();
        while let Ok(Some(line)) = output.next_line().await {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    })
}
