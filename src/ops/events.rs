//! The outboxes of the hosted modules: what waits, what is parked, and trying that again.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use garde::Validate;
use platform::outbox::{Outbox, STREAM, SubscriberStats};
use platform::{Cursor, Limit, Page, Params, Problem};
use ports_http::{Dial, Step};
use serde::{Deserialize, Serialize};

use super::{Operator, answer};
use crate::dials::Dials;
use crate::settings::Module;

/// `GET /ops/events`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventsReport {
    /// Those hosted here; one that tells others nothing has no subscribers.
    pub modules: BTreeMap<Module, ModuleEvents>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ModuleEvents {
    pub subscribers: BTreeMap<String, SubscriberEvents>,
    /// Why there are none: the database could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubscriberEvents {
    #[serde(flatten)]
    pub stats: SubscriberStats,
    pub address: Address,
}

/// Where events for a subscriber go from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// To this process.
    Local,
    Remote,
    /// Nowhere: they wait.
    None,
}

impl Address {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::None => "none",
        }
    }
}

/// How many were replayed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Replayed {
    pub replayed: u64,
}

/// A hosted module's outbox; app data, as a list of them.
#[derive(Clone)]
pub struct HostedOutbox {
    pub module: Module,
    /// The modules that listen to it.
    pub subscribers: &'static [&'static str],
    pub outbox: Arc<Outbox>,
}

pub type Outboxes = Vec<HostedOutbox>;

impl HostedOutbox {
    async fn events(&self, dials: &Dials) -> ModuleEvents {
        let stats = match self.outbox.stats().await {
            Ok(stats) => stats,
            Err(error) => {
                tracing::warn!(%error, module = %self.module, "could not count what waits");
                return ModuleEvents {
                    error: Some("its database does not answer".to_owned()),
                    ..ModuleEvents::default()
                };
            }
        };
        let mut names = self.outbox.subscribers(self.subscribers);
        names.extend(stats.keys().cloned());
        let of = |name: String| {
            let waiting = SubscriberEvents {
                stats: stats.get(&name).copied().unwrap_or_default(),
                address: self.address(&name, dials),
            };
            (name, waiting)
        };
        ModuleEvents {
            subscribers: names.into_iter().map(of).collect(),
            error: None,
        }
    }

    fn address(&self, subscriber: &str, dials: &Dials) -> Address {
        if subscriber == STREAM {
            return match self.outbox.has_stream() {
                true => Address::Remote,
                false => Address::None,
            };
        }
        let listening = self.subscribers.contains(&subscriber);
        let named = |module: &Module| listening && module.name() == subscriber;
        let module = Module::ALL.into_iter().find(named);
        let dial = module.and_then(|module| dials.get(module));
        dial.map_or(Address::None, |dial| address_of(dial))
    }
}

fn address_of(dial: &Dial) -> Address {
    let position = dial.position();
    match position.step {
        Step::Local | Step::Shadow if dial.hosted() => Address::Local,
        _ if position.peer.is_some() => Address::Remote,
        _ => Address::None,
    }
}

/// `None` of a module that is hosted here and tells others nothing.
fn find<'a>(
    outboxes: &'a Outboxes,
    dials: &Dials,
    name: &str,
) -> Result<Option<&'a Outbox>, Problem> {
    let module = Module::ALL.into_iter().find(|module| module.name() == name);
    let module = module.ok_or_else(|| Problem::not_found("module"))?;
    let telling = outboxes.iter().find(|hosted| hosted.module == module);
    match telling {
        Some(telling) => Ok(Some(&telling.outbox)),
        None if is_hosted(module, dials) => Ok(None),
        None => Err(elsewhere(module, dials)),
    }
}

fn is_hosted(module: Module, dials: &Dials) -> bool {
    dials.get(module).is_some_and(|dial| dial.hosted())
}

fn elsewhere(module: Module, dials: &Dials) -> Problem {
    let peer = dials.get(module).map(|dial| dial.position().peer.clone());
    let detail = match peer.flatten() {
        Some(peer) => format!("{module} is hosted elsewhere: ask {}.", peer.url()),
        None => format!("{module} is not hosted here: ask the process that hosts it."),
    };
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

#[get("/ops/events")]
pub async fn events(
    _: Operator,
    outboxes: web::Data<Outboxes>,
    dials: web::Data<Dials>,
) -> HttpResponse {
    let of_each = outboxes
        .iter()
        .map(async |hosted| (hosted.module, hosted.events(&dials).await));
    let hosted = dials.modules().into_iter();
    let hosted = hosted.filter(|module| is_hosted(*module, &dials));
    let mut modules: BTreeMap<_, _> = hosted
        .map(|module| (module, ModuleEvents::default()))
        .collect();
    modules.extend(futures_util::future::join_all(of_each).await);
    answer(EventsReport { modules })
}

#[derive(Debug, Deserialize, Validate)]
#[garde(allow_unvalidated)]
struct ListParked {
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

#[get("/ops/events/{module}/parked")]
pub async fn parked(
    _: Operator,
    outboxes: web::Data<Outboxes>,
    dials: web::Data<Dials>,
    module: web::Path<String>,
    params: Params<ListParked>,
) -> Result<HttpResponse, Problem> {
    let outbox = find(&outboxes, &dials, &module)?;
    let params = params.0;
    let after = params.cursor.map(|cursor| cursor.decode()).transpose()?;
    let page = match outbox {
        Some(outbox) => {
            outbox
                .parked(after, params.limit.unwrap_or_default())
                .await?
        }
        None => Page {
            items: Vec::new(),
            next_cursor: None,
        },
    };
    Ok(answer(page))
}

#[post("/ops/events/{module}/parked/{id}/replay")]
pub async fn replay(
    _: Operator,
    outboxes: web::Data<Outboxes>,
    dials: web::Data<Dials>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (module, id) = path.into_inner();
    let unknown = || Problem::not_found("parked event");
    let outbox = find(&outboxes, &dials, &module)?.ok_or_else(unknown)?;
    let id = id.parse().map_err(|_| unknown())?;
    let row = outbox.replay(id).await?.ok_or_else(unknown)?;
    tracing::info!(%module, id, event_id = %row.event_id, "an operator replays a parked event");
    Ok(answer(row))
}

#[post("/ops/events/{module}/parked/replay")]
pub async fn replay_all(
    _: Operator,
    outboxes: web::Data<Outboxes>,
    dials: web::Data<Dials>,
    module: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let outbox = find(&outboxes, &dials, &module)?;
    let replayed = match outbox {
        Some(outbox) => outbox.replay_all().await?,
        None => 0,
    };
    tracing::info!(%module, replayed, "an operator replays all parked events");
    Ok(answer(Replayed { replayed }))
}
