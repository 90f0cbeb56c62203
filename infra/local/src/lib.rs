//! The local stack: Provider Trust on one machine, in one process, wired by the same template that is deployed.
//!
//! It reads `infra/template.yaml` ([`template`]) and runs what it says: an embedded DynamoDB ([`database`]), the event bus
//! ([`bus`]), queues ([`queues`]), the event sources ([`worker`]) and the HTTP front ([`gateway`]), around the very handlers that
//! are deployed ([`functions`]). What was acknowledged is on disk.

pub mod aws;
pub mod bus;
pub mod database;
pub mod functions;
pub mod gateway;
pub mod pattern;
pub mod queues;
pub mod sample;
pub mod schedule;
pub mod secrets;
pub mod sqs;
pub mod status;
pub mod template;
pub mod tokens;
pub mod wiring;
pub mod worker;

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, ensure};
use lambda::{Environment, clock};
use tokio::{net::TcpListener, task::JoinSet};

use aws::Services;
use bus::Bus;
use database::Housekeeping;
use functions::{Function, Registry};
use gateway::Gateway;
use queues::Queues;
use secrets::Vault;
use status::Status;
use tokens::Keys;
use wiring::Wiring;
use worker::{queue::AT_ONCE, stream::Reader};

/// A local stack builds and drops many small documents, on several threads: a sixth of its time with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The project's template.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

/// How often to do what DynamoDB does by itself.
const HOUSEKEEPING: Duration = Duration::from_mins(1);

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory: gone with the process.
    Memory,
    /// In this directory.
    Directory(PathBuf),
}

/// What is otherwise than deployed where nobody says otherwise: there may be no way out of this machine to control targets, and
/// nobody waits an hour for the figures of the day.
const LOCAL_PARAMETERS: [(&str, &str); 2] = [("ControlTargets", ""), ("SettleSchedule", "rate(1 minute)")];

/// How to start the stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where things are kept.
    pub storage: Storage,
    /// The secret document.
    pub secrets: String,
    /// Values for the template's parameters; the others have their defaults. A name that the template does not have is an error.
    pub parameters: BTreeMap<String, String>,
    /// The keys by which tokens are checked.
    pub keys: Keys,
}

impl Options {
    /// These options with this value for a parameter of the template.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// The text of the template.
    pub template: String,
    /// The functions it names.
    pub functions: Registry,
}

impl Blueprint {
    /// This project.
    pub fn of_the_project() -> Self {
        Self { template: TEMPLATE.to_owned(), functions: Registry::of_the_project() }
    }
}

/// A running stack. It stops when dropped, as a crash would stop it; [`Stack::shutdown`] also waits until it has.
#[derive(Debug)]
pub struct Stack {
    address: SocketAddr,
    environment: Environment,
    queues: Queues,
    functions: HashMap<String, Function>,
    tasks: JoinSet<()>,
}

impl Stack {
    /// Starts this project.
    pub async fn start(mut options: Options) -> anyhow::Result<Self> {
        for (name, value) in LOCAL_PARAMETERS {
            options.parameters.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        Self::start_with(options, &Blueprint::of_the_project()).await
    }

    /// Starts everything a template says, around these functions.
    pub async fn start_with(options: Options, blueprint: &Blueprint) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("listening on {}", options.listen))?;
        let address = listener.local_addr()?;
        let mut parameters = options.parameters.clone();
        parameters.insert(template::ADDRESS.to_owned(), format!("http://{address}"));
        let wiring = template::read(&blueprint.template, &parameters)?;
        let file = |name: &str| match &options.storage {
            Storage::Memory => None,
            Storage::Directory(directory) => Some(directory.join(name)),
        };
        let queues = Queues::open(file("queues.sqlite").as_deref(), &wiring.queues)
            .context("does another local stack use this directory?")?;
        check_tables(&wiring, &queues).await?;
        let database = database::open(file("table.sqlite").as_deref(), &wiring.tables)?;

        let mut tasks = JoinSet::new();
        let vault = Vault::open(&wiring.secrets, &options.secrets, file("kept-secrets.json"))?;
        let environment = start_services(&mut tasks, &wiring, &queues, database.clone(), vault).await?;
        let functions = start_functions(&wiring, &blueprint.functions, &environment).await?;
        let readers = start_workers(&mut tasks, &wiring, &queues, &database, &functions)?;
        let status = Arc::new(Status::new(&wiring, queues.clone(), readers));
        let housekeeping = Housekeeping::new(database, file("table.sqlite"));
        tasks.spawn(keep_house(housekeeping, Arc::clone(&status)));
        let by_name = functions.values().map(|function| (function.name.clone(), function.clone())).collect();
        let gateway = gateway(&wiring, functions, options.keys);
        let front = status::router(status).merge(gateway::router(Arc::new(gateway)));
        tasks.spawn(async move {
            let front = front.into_make_service_with_connect_info::<SocketAddr>();
            if let Err(error) = axum::serve(listener, front).await {
                tracing::error!(%error, "the front has ended");
            }
        });
        Ok(Self { address, environment, queues, functions: by_name, tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The environment that points AWS clients at this stack.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The queues.
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Invokes a function by its name with an event of one's own, as an operator does with `aws lambda invoke`.
    pub async fn invoke(
        &self,
        function: &str,
        event: serde_json::Value,
    ) -> anyhow::Result<serde_json::Value> {
        let found = self.functions.get(function).with_context(|| format!("no function {function}"))?;
        found.invoke(event).await
    }

    /// Runs until something in it ends that should not.
    pub async fn run(mut self) {
        self.tasks.join_next().await;
    }

    /// Stops everything and closes the files. Nothing is lost: what was acknowledged is on disk, what was at work comes again.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
        self.queues.close().await;
    }
}

/// Refuses a directory whose tables were made by another template: the functions would miss what that one did not have.
async fn check_tables(wiring: &Wiring, queues: &Queues) -> anyhow::Result<()> {
    for table in &wiring.tables {
        let mark = format!("table:{}", table.name);
        let made = table.create.to_string();
        if let Some(known) = queues.mark(&mark).await? {
            ensure!(
                known == made,
                "the table {} in this directory is of another template; move the directory away, or start with another one",
                table.name
            );
        } else {
            queues.set_mark(&mark, &made).await?;
        }
    }
    Ok(())
}

/// Starts DynamoDB and the other services' local ends, and returns the environment that points clients at them.
async fn start_services(
    tasks: &mut JoinSet<()>,
    wiring: &Wiring,
    queues: &Queues,
    database: dynoxide::Database,
    secrets: Vault,
) -> anyhow::Result<Environment> {
    let (dynamodb, serving) = database::listen(database)?;
    tasks.spawn(serving);
    let services = Services { bus: Bus::new(wiring, queues.clone()), queues: queues.clone(), secrets };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let others = format!("http://{}", listener.local_addr()?);
    let router = aws::router(Arc::new(services));
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the local services have ended");
        }
    });
    let settings = [
        ("AWS_REGION", template::REGION),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        // The sample's services are on loopback, and whoever can reach this stack is on this machine anyhow.
        ("EGRESS_REACH", "loopback-too"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", &others),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &others),
        ("AWS_ENDPOINT_URL_SQS", &others),
    ];
    Ok(Environment::from_pairs(settings.map(|(name, value)| (name.to_owned(), value.to_owned()))))
}

async fn start_functions(
    wiring: &Wiring,
    registry: &Registry,
    environment: &Environment,
) -> anyhow::Result<HashMap<String, Function>> {
    let mut functions = HashMap::new();
    for function in &wiring.functions {
        functions.insert(function.logical_name.clone(), registry.start(function, environment).await?);
    }
    Ok(functions)
}

fn start_workers(
    tasks: &mut JoinSet<()>,
    wiring: &Wiring,
    queues: &Queues,
    database: &dynoxide::Database,
    functions: &HashMap<String, Function>,
) -> anyhow::Result<Vec<Arc<Reader>>> {
    let function = |name: &str| functions.get(name).cloned().with_context(|| format!("no function {name}"));
    for trigger in &wiring.queue_triggers {
        for _ in 0..trigger.at_most.map_or(AT_ONCE, |most| most.min(AT_ONCE)) {
            let work = worker::queue::run(trigger.clone(), queues.clone(), function(&trigger.function)?);
            tasks.spawn(work);
        }
    }
    for trigger in &wiring.schedule_triggers {
        let schedule = worker::schedule::run(trigger.clone(), queues.clone(), function(&trigger.function)?);
        tasks.spawn(schedule);
    }
    let mut readers = Vec::new();
    for trigger in &wiring.stream_triggers {
        let reader = Arc::new(Reader::new(trigger.clone(), database.clone(), queues.clone())?);
        readers.push(Arc::clone(&reader));
        let function = function(&trigger.function)?;
        tasks.spawn(async move { reader.run(function).await });
    }
    Ok(readers)
}

fn gateway(wiring: &Wiring, functions: HashMap<String, Function>, keys: Keys) -> Gateway {
    let with_url = wiring.function_urls.iter().filter_map(|logical| functions.get(logical));
    Gateway {
        routes: wiring.routes.clone(),
        function_urls: with_url.map(|function| (function.name.clone(), function.clone())).collect(),
        functions,
        keys,
    }
}

async fn keep_house(housekeeping: Housekeeping, status: Arc<Status>) {
    let mut every = tokio::time::interval(HOUSEKEEPING);
    loop {
        every.tick().await;
        if let Err(error) = housekeeping.expire() {
            tracing::error!(%error, "expired items stay");
        }
        let trimmed = match status.behind().await {
            Ok(behind) if behind.iter().all(|(_, records)| *records == 0) => {
                housekeeping.trim_streams(clock::now())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = trimmed {
            tracing::error!(%error, "the stream is not trimmed");
        }
    }
}
