use platform::outbox::Parked;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Outcome;
use super::operator::{Operator, OperatorError};
use super::table::table;
use crate::cli::{Events, EventsAction};
use crate::ops::{EventsReport, ModuleEvents, Replayed};
use crate::settings::{Module, Settings};

/// Shows what waits in the outboxes of the running instance, or has parked events delivered again.
pub async fn run(settings: Settings, events: Events) -> anyhow::Result<Outcome> {
    let operator = Operator::of(&settings)?;
    let document = match &events.action {
        None => overview(&operator, events.module).await?,
        Some(EventsAction::Parked { .. }) => each(&operator, &events).await?,
        Some(EventsAction::Replay { id: None, .. }) => each(&operator, &events).await?,
        Some(EventsAction::Replay { id: Some(id), .. }) => {
            // Not without a module, by the command line.
            let module = events.module.map_or("", Module::name);
            let path = format!("/ops/events/{module}/parked/{id}/replay");
            operator.post(&path).await?
        }
    };
    if events.json() {
        println!("{document:#}");
        return Ok(Outcome::Done);
    }
    let text = match &events.action {
        None => waiting(&read(&operator, document)?),
        Some(EventsAction::Parked { .. }) => pages(&operator, document)?,
        Some(EventsAction::Replay { id: None, .. }) => replayed(&operator, document)?,
        Some(EventsAction::Replay { .. }) => {
            let row: Parked = read(&operator, document)?;
            format!(
                "{} {} is on its way to {} again\n",
                row.kind.as_deref().unwrap_or("event"),
                row.event_id,
                row.subscriber
            )
        }
    };
    print!("{text}");
    Ok(Outcome::Done)
}

async fn overview(operator: &Operator, only: Option<Module>) -> Result<Value, OperatorError> {
    let mut document = operator.get("/ops/events").await?;
    if let Some(module) = only {
        let of_module = document.pointer_mut(&format!("/modules/{module}"));
        let Some(of_module) = of_module.map(Value::take) else {
            // Says where to ask.
            return operator.get(&parked_path(module)).await;
        };
        document = json!({ "modules": { module.name(): of_module } });
    }
    Ok(document)
}

/// What the instance answers for the module, or for each that it hosts, by module.
async fn each(operator: &Operator, events: &Events) -> Result<Value, OperatorError> {
    let modules = match events.module {
        Some(module) => vec![module],
        None => {
            let document = operator.get("/ops/events").await?;
            let report: EventsReport = read(operator, document)?;
            report.modules.into_keys().collect()
        }
    };
    let mut answers = Map::new();
    for module in modules {
        let path = parked_path(module);
        let answer = match &events.action {
            Some(EventsAction::Parked { limit, cursor, .. }) => {
                let cursor = cursor.as_ref().map(|cursor| format!("&cursor={cursor}"));
                let query = format!("?limit={limit}{}", cursor.unwrap_or_default());
                operator.get(&format!("{path}{query}")).await?
            }
            _ => operator.post(&format!("{path}/replay")).await?,
        };
        answers.insert(module.name().to_owned(), answer);
    }
    Ok(json!({ "modules": answers }))
}

fn parked_path(module: Module) -> String {
    format!("/ops/events/{module}/parked")
}

fn read<T: DeserializeOwned>(operator: &Operator, document: Value) -> Result<T, OperatorError> {
    serde_json::from_value(document).map_err(|error| operator.not_understood(error.to_string()))
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn waiting(report: &EventsReport) -> String {
    let heading = [
        "module",
        "subscriber",
        "pending",
        "oldest in s",
        "parked",
        "address",
    ];
    let mut rows = vec![row(&heading)];
    for (module, ModuleEvents { subscribers, error }) in &report.modules {
        for (name, events) in subscribers {
            let oldest = events.stats.oldest_seconds;
            let oldest = oldest.map_or("-".to_owned(), |seconds| format!("{seconds:.1}"));
            rows.push(vec![
                module.to_string(),
                name.clone(),
                events.stats.pending.to_string(),
                oldest,
                events.stats.parked.to_string(),
                events.address.name().to_owned(),
            ]);
        }
        if let Some(error) = error {
            rows.push(row(&[module.name(), error]));
        }
    }
    table(&rows)
}

#[derive(Deserialize)]
struct ByModule<T> {
    modules: std::collections::BTreeMap<Module, T>,
}

#[derive(Deserialize)]
struct ParkedPage {
    items: Vec<Parked>,
    next_cursor: Option<String>,
}

fn pages(operator: &Operator, document: Value) -> Result<String, OperatorError> {
    let pages: ByModule<ParkedPage> = read(operator, document)?;
    let heading = [
        "module",
        "id",
        "type",
        "subscriber",
        "aggregate",
        "attempts",
        "last error",
    ];
    let mut rows = vec![row(&heading)];
    for (module, page) in &pages.modules {
        for parked in &page.items {
            rows.push(vec![
                module.to_string(),
                parked.id.to_string(),
                parked.kind.clone().unwrap_or_else(|| "-".to_owned()),
                parked.subscriber.clone(),
                parked.aggregate_id.to_string(),
                parked.attempts.to_string(),
                parked.last_error.clone().unwrap_or_default(),
            ]);
        }
        if let Some(cursor) = &page.next_cursor {
            eprintln!("more: cleave events {module} parked --cursor {cursor}");
        }
    }
    Ok(table(&rows))
}

fn replayed(operator: &Operator, document: Value) -> Result<String, OperatorError> {
    let answers: ByModule<Replayed> = read(operator, document)?;
    let mut rows = vec![row(&["module", "replayed"])];
    for (module, answer) in &answers.modules {
        rows.push(row(&[module.name(), &answer.replayed.to_string()]));
    }
    Ok(table(&rows))
}
