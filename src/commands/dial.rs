use std::fmt::Write;

use ports_http::{Difference, Latency, Measured, ShadowReport, Sides};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Outcome;
use super::operator::{Operator, OperatorError};
use super::table::table;
use crate::cli::Dial;
use crate::dials::Turn;
use crate::ops::{ModuleTopology, Topology};
use crate::settings::{Module, Settings};

/// Shows the dials of the running instance, or turns one.
pub async fn run(settings: Settings, dial: Dial) -> anyhow::Result<Outcome> {
    let operator = Operator::of(&settings)?;
    let shown = match (dial.module, dial.turn()) {
        (Some(module), Some(turn)) => turned(&operator, module, turn, &dial).await,
        (Some(module), None) => one(&operator, module, &dial).await,
        (None, _) => all(&operator, &dial).await,
    };
    match shown {
        Ok(text) => {
            print!("{text}");
            Ok(Outcome::Done)
        }
        // A field of the request is a word of the command line.
        Err(error @ OperatorError::Invalid { .. }) => {
            eprintln!("cleave: {error}");
            Ok(Outcome::WrongUsage)
        }
        Err(error) => Err(error.into()),
    }
}

async fn all(operator: &Operator, dial: &Dial) -> Result<String, OperatorError> {
    let document = operator.get("/ops/topology").await?;
    if dial.output.json {
        return Ok(format!("{document:#}\n"));
    }
    let topology: Topology = read(operator, document)?;
    let modules: Vec<_> = topology.modules.iter().collect();
    Ok(overview(&modules))
}

async fn one(operator: &Operator, module: Module, dial: &Dial) -> Result<String, OperatorError> {
    let mut document = operator.get("/ops/topology").await?;
    let of_module = document["modules"][module.name()].take();
    show(operator, module, of_module, dial)
}

async fn turned(
    operator: &Operator,
    module: Module,
    turn: Turn,
    dial: &Dial,
) -> Result<String, OperatorError> {
    let turn =
        serde_json::to_value(turn).map_err(|error| operator.not_understood(error.to_string()))?;
    let path = format!("/ops/modules/{module}");
    let document = operator.put(&path, turn).await?;
    show(operator, module, document, dial)
}

fn show(
    operator: &Operator,
    module: Module,
    document: Value,
    dial: &Dial,
) -> Result<String, OperatorError> {
    if dial.output.json {
        return Ok(format!("{document:#}\n"));
    }
    let topology: ModuleTopology = read(operator, document)?;
    let mut text = overview(&[(&module, &topology)]);
    text.push_str(&differences(&topology.shadow));
    Ok(text)
}

fn read<T: DeserializeOwned>(operator: &Operator, document: Value) -> Result<T, OperatorError> {
    serde_json::from_value(document).map_err(|error| operator.not_understood(error.to_string()))
}

fn overview(modules: &[(&Module, &ModuleTopology)]) -> String {
    let heading = [
        "module",
        "mode",
        "step",
        "percent",
        "peer",
        "circuit",
        "in flight",
        "compared",
        "differed",
        "unanswered",
    ];
    let costs = [
        "p50 / p99 in ms",
        "calls local",
        "calls remote",
        "requests local",
        "requests remote",
    ];
    let mut positions = vec![heading.map(str::to_owned).to_vec()];
    let mut latencies = vec![costs.map(str::to_owned).to_vec()];
    for (module, topology) in modules {
        positions.push(position(module, topology));
        if let Some(measured) = &topology.latency {
            latencies.push(latency(module, measured));
        }
    }
    format!("{}\n{}", table(&positions), table(&latencies))
}

fn position(module: &Module, topology: &ModuleTopology) -> Vec<String> {
    let ModuleTopology { shadow, .. } = topology;
    let of_peer = |text: String| match topology.url {
        Some(_) => text,
        None => "-".to_owned(),
    };
    vec![
        module.to_string(),
        topology.mode.clone(),
        topology.step.map_or("-", |step| step.name()).to_owned(),
        topology.percent.to_string(),
        topology.url.clone().unwrap_or_else(|| "-".to_owned()),
        of_peer(topology.circuit.clone()),
        of_peer(topology.in_flight.to_string()),
        of_peer(shadow.compared.to_string()),
        of_peer(shadow.differed.to_string()),
        of_peer(shadow.unanswered.to_string()),
    ]
}

/// What a move costs: the last answers from here and from there, side by side.
fn latency(module: &Module, measured: &Measured) -> Vec<String> {
    let of = |sides: &Sides<Latency>| [quantiles(&sides.local), quantiles(&sides.remote)];
    let [calls, requests] = [of(&measured.calls), of(&measured.requests)];
    let cells = calls.into_iter().chain(requests);
    std::iter::once(module.to_string()).chain(cells).collect()
}

fn quantiles(latency: &Latency) -> String {
    match (latency.p50_ms, latency.p99_ms) {
        (Some(p50), Some(p99)) => format!("{p50:.2} / {p99:.2}"),
        _ => "-".to_owned(),
    }
}

/// The last ones, each with both answers below it.
fn differences(shadow: &ShadowReport) -> String {
    let mut text = String::new();
    for Difference {
        at,
        call,
        request_id,
        local,
        remote,
    } in &shadow.last
    {
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "\n{at}  {call}  request {request_id}\n  local   {local}\n  remote  {remote}\n"
        );
    }
    text
}
