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
pub mod template;
pub mod wiring;
pub mod worker;

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context;
use axum::{Json, Router, extract::State, routing::get};
use lambda::{Environment, clock};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use aws::Services;
use bus::Bus;
use functions::Function;
use gateway::Gateway;
use queues::Queues;
use wiring::Wiring;
use worker::stream::Reader;

/// The project's template.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory: gone with the process.
    Memory,
    /// In this directory.
    Directory(PathBuf),
}

/// How to start the stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where things are kept.
    pub storage: Storage,
    /// The secret document.
    pub secrets: String,
}

/// A running stack. It stops when dropped.
#[derive(Debug)]
pub struct Stack {
    address: SocketAddr,
    environment: Environment,
    queues: Queues,
    tasks: JoinSet<()>,
}

impl Stack {
    /// Starts everything the template says.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let wiring = template::read(TEMPLATE, &BTreeMap::new())?;
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("listening on {}", options.listen))?;
        let address = listener.local_addr()?;
        let file = |name: &str| match &options.storage {
            Storage::Memory => None,
            Storage::Directory(directory) => Some(directory.join(name)),
        };
        let queues = Queues::open(file("queues.sqlite").as_deref(), &wiring.queues)?;
        let database = database::open(file("table.sqlite").as_deref(), &wiring.tables)?;
        let environment = local_services(&wiring, &queues, &database, options.secrets).await?;
        let functions = start_functions(&wiring, &environment).await?;

        let mut tasks = JoinSet::new();
        let readers = start_workers(&mut tasks, &wiring, &queues, &database, &functions)?;
        let expiring = database.clone();
        tasks.spawn(async move { sweep(expiring).await });
        let by_binary =
            wiring.functions.iter().filter(|function| wiring.function_urls.contains(&function.logical_name));
        let gateway = Gateway {
            routes: wiring.routes.clone(),
            function_urls: by_binary
                .map(|function| (function.binary.clone(), functions[&function.logical_name].clone()))
                .collect(),
            functions,
        };
        let status = Arc::new(Status { queues: queues.clone(), readers });
        let front = Router::new()
            .route("/_local/queues", get(queue_status))
            .with_state(status)
            .merge(gateway::router(Arc::new(gateway)));
        tasks.spawn(async move {
            let front = front.into_make_service_with_connect_info::<SocketAddr>();
            if let Err(error) = axum::serve(listener, front).await {
                tracing::error!(%error, "the front has ended");
            }
        });
        Ok(Self { address, environment, queues, tasks })
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

    /// Runs until something in it ends that should not.
    pub async fn run(mut self) {
        self.tasks.join_next().await;
    }
}

/// Starts DynamoDB and the other services' local ends, and returns the environment that points clients at them.
async fn local_services(
    wiring: &Wiring,
    queues: &Queues,
    database: &dynoxide::Database,
    secrets: String,
) -> anyhow::Result<Environment> {
    let dynamodb = database::serve(database.clone()).await?;
    let services = Services { bus: Bus::new(wiring, queues.clone()), secrets };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let others = format!("http://{}", listener.local_addr()?);
    let router = aws::router(Arc::new(services));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the local services have ended");
        }
    });
    let settings = [
        ("AWS_REGION", template::REGION),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", &others),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &others),
    ];
    Ok(Environment::from_pairs(settings.map(|(name, value)| (name.to_owned(), value.to_owned()))))
}

async fn start_functions(
    wiring: &Wiring,
    environment: &Environment,
) -> anyhow::Result<HashMap<String, Function>> {
    let mut functions = HashMap::new();
    for function in &wiring.functions {
        let handler = functions::start(&function.binary, &environment.with(&function.environment))
            .await
            .with_context(|| format!("starting {}", function.binary))?;
        let started = Function { name: function.binary.clone(), handler, timeout: function.timeout };
        functions.insert(function.logical_name.clone(), started);
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
        for _ in 0..worker::queue::AT_ONCE {
            let work = worker::queue::run(trigger.clone(), queues.clone(), function(&trigger.function)?);
            tasks.spawn(work);
        }
    }
    for trigger in &wiring.schedule_triggers {
        tasks.spawn(worker::schedule::run(trigger.clone(), queues.clone(), function(&trigger.function)?));
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

/// Deletes expired items, which DynamoDB does by itself.
async fn sweep(database: dynoxide::Database) {
    let mut every = tokio::time::interval(std::time::Duration::from_mins(1));
    loop {
        every.tick().await;
        if let Err(error) = database.sweep_ttl() {
            tracing::error!(?error, "expired items stay");
        }
    }
}

struct Status {
    queues: Queues,
    readers: Vec<Arc<Reader>>,
}

/// How full the queues are, and whether everything that came in has taken effect.
async fn queue_status(State(status): State<Arc<Status>>) -> Json<Value> {
    let depths = status.queues.depths(clock::now()).await.unwrap_or_default();
    let mut caught_up = true;
    for reader in &status.readers {
        caught_up &= reader.is_caught_up().await.unwrap_or(false);
    }
    let settled =
        |depth: &queues::Depth| depth.queue.ends_with("-dead") || depth.visible + depth.in_flight == 0;
    Json(
        json!({ "idle": caught_up && depths.iter().all(settled), "stream_caught_up": caught_up, "queues": depths }),
    )
}
