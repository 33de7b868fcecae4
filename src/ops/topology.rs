//! Who answers for each module, and turning that.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpResponse, get, put, web};
use platform::{Body, Problem};
use ports_http::{Dial, Measured, ShadowReport, Step};
use serde::{Deserialize, Serialize};

use super::{Operator, answer};
use crate::dials::{Dials, Turn};
use crate::health::Health;
use crate::settings::Module;

/// `GET /ops/topology`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Topology {
    pub modules: BTreeMap<Module, ModuleTopology>,
}

/// One module as this process sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModuleTopology {
    /// The setting: `local`, `remote` or `off`.
    pub mode: String,
    /// Where the dial stands; none for a module that is off.
    pub step: Option<Step>,
    /// Of the calls and requests that the step concerns.
    pub percent: u8,
    /// The peer's private listener.
    pub url: Option<String>,
    /// `closed`, `open` or `half_open`.
    pub circuit: String,
    /// Calls and requests that wait for the peer.
    pub in_flight: usize,
    pub shadow: ShadowReport,
    pub latency: Option<Measured>,
}

impl ModuleTopology {
    fn of(dial: &Dial) -> Self {
        let position = dial.position();
        let peer = position.peer.as_deref();
        Self {
            mode: if dial.hosted() { "local" } else { "remote" }.to_owned(),
            step: Some(position.step),
            percent: position.percent,
            url: peer.map(|peer| peer.url().to_owned()),
            circuit: peer
                .map_or("closed", |peer| peer.circuit().state())
                .to_owned(),
            in_flight: peer.map_or(0, |peer| peer.in_flight()),
            shadow: dial.shadow().report(),
            latency: Some(dial.measured()),
        }
    }

    fn off() -> Self {
        Self {
            mode: "off".to_owned(),
            step: None,
            percent: 0,
            url: None,
            circuit: "closed".to_owned(),
            in_flight: 0,
            shadow: ShadowReport::default(),
            latency: None,
        }
    }
}

fn of(dials: &Dials, module: Module) -> ModuleTopology {
    let dial = dials.get(module);
    dial.map_or_else(ModuleTopology::off, |dial| ModuleTopology::of(dial))
}

/// Where the dials stand, for Prometheus.
pub fn measure(dials: &Dials) {
    for module in dials.modules() {
        let (name, state) = (module.name(), of(dials, module));
        for step in [Step::Local, Step::Shadow, Step::Canary, Step::Remote] {
            let here = f64::from(u8::from(state.step == Some(step)));
            metrics::gauge!("cleave_dial_step", "module" => name, "step" => step.name()).set(here);
        }
        let in_flight = u32::try_from(state.in_flight).unwrap_or(u32::MAX);
        let closed = state.circuit == "closed";
        for (metric, value) in [
            ("cleave_dial_percent", f64::from(state.percent)),
            ("cleave_circuit_closed", f64::from(u8::from(closed))),
            ("cleave_peer_in_flight", f64::from(in_flight)),
        ] {
            metrics::gauge!(metric, "module" => name).set(value);
        }
        for (metric, count) in [
            ("cleave_shadow_compared", state.shadow.compared),
            ("cleave_shadow_differed", state.shadow.differed),
        ] {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            metrics::gauge!(metric, "module" => name).set(count);
        }
    }
}

#[get("/ops/topology")]
pub async fn topology(_: Operator, dials: web::Data<Dials>) -> HttpResponse {
    let modules = Module::ALL.map(|module| (module, of(&dials, module)));
    answer(Topology {
        modules: modules.into(),
    })
}

#[put("/ops/modules/{name}")]
pub async fn turn(
    _: Operator,
    dials: web::Data<Dials>,
    health: web::Data<Health>,
    name: web::Path<String>,
    body: Body<Turn>,
) -> Result<HttpResponse, Problem> {
    let named = Module::ALL
        .into_iter()
        .find(|module| module.name() == *name);
    let module = named.ok_or_else(|| Problem::not_found("module"))?;
    let ours = health.handshake().await;
    let dials = dials.into_inner();
    let turning = {
        let dials = Arc::clone(&dials);
        // To its end, also when nobody waits for it: what is kept and where the dial stands are one.
        tokio::spawn(async move { dials.turn(module, body.0, &ours).await })
    };
    let turned = turning.await.map_err(|error| {
        tracing::error!(%error, "turning a dial ended abnormally");
        Problem::internal()
    })?;
    turned?;
    Ok(answer(of(&dials, module)))
}
