//! Turning a dial.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::http::StatusCode;
use garde::Validate;
use platform::Problem;
use ports_http::{Handshake, InvalidUrl, Peer, Position, Step};
use serde::{Deserialize, Serialize};

use super::kept::KeptPosition;
use super::{Dials, Placed, shake_hands};
use crate::settings::Module;

/// Of the calls, when nobody says how many.
const PERCENT_DEFAULT: u8 = 10;

/// What an operator asks for.
#[derive(Clone, Debug, Deserialize, Serialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    #[garde(skip)]
    pub step: Step,
    /// For shadow and canary; left out, it stays or is 10.
    #[garde(inner(range(max = 100)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// The peer's private listener; left out, it stays.
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Without asking whether the peer is ready.
    #[garde(skip)]
    #[serde(default)]
    pub force: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    #[error("{0} is off in this process")]
    Off(Module),
    #[error("{0} is not hosted by this process, and can only be remote")]
    NotHosted(Module),
    #[error("nobody has said where {0} is: give a url")]
    NoUrl(Module),
    #[error("{0}")]
    InvalidUrl(#[from] InvalidUrl),
    #[error("{url}: {reason}")]
    PeerNotReady { url: String, reason: String },
    #[error("the dial cannot be written to the data folder, and stays where it was")]
    NotKept(#[source] std::io::Error),
}

impl From<TurnError> for Problem {
    fn from(error: TurnError) -> Self {
        let words = error.to_string();
        match error {
            TurnError::Off(_) => Problem::not_found("module in this process"),
            TurnError::NotHosted(_) => Problem::conflict("not_hosted", words),
            TurnError::NoUrl(_) | TurnError::InvalidUrl(_) => Problem::invalid_field("url", words),
            TurnError::PeerNotReady { .. } => Problem::conflict("peer_not_ready", words),
            TurnError::NotKept(source) => {
                tracing::error!(%source, "{words}");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_kept", words)
            }
        }
    }
}

impl Dials {
    /// Turns a module's dial: after this, new calls and requests go as it says. Nothing changes
    /// when it fails.
    ///
    /// `ours` is what this process says of itself.
    pub async fn turn(
        self: &Arc<Self>,
        module: Module,
        turn: Turn,
        ours: &Handshake,
    ) -> Result<(), TurnError> {
        let _one_at_a_time = self.turning.lock().await;
        let placed = self.placed(module).ok_or(TurnError::Off(module))?;
        if turn.step != Step::Remote && !placed.dial.hosted() {
            return Err(TurnError::NotHosted(module));
        }
        let position = self.position(placed, &turn)?;
        match &position.peer {
            Some(peer) if turn.step != Step::Local && !turn.force => {
                check(placed, peer, ours).await?;
            }
            _ => {}
        }
        self.keep(placed, &position).await?;
        tracing::info!(
            %module,
            step = position.step.name(),
            percent = position.percent,
            url = position.peer.as_deref().map(Peer::url),
            "the dial is turned"
        );
        placed.dial.turn(position);
        if !self.meet().await {
            tracing::warn!(%module, "replicas hear of it when Redis is back");
        }
        Ok(())
    }

    fn position(&self, placed: &Placed, turn: &Turn) -> Result<Position, TurnError> {
        let current = placed.dial.position();
        let peer = match &turn.url {
            None => current.peer.clone(),
            Some(url) => Some(self.peer_at(placed, &current, url)?),
        };
        if peer.is_none() && turn.step != Step::Local {
            return Err(TurnError::NoUrl(placed.module));
        }
        let stays = (current.step == turn.step).then_some(current.percent);
        let percent = match turn.step {
            Step::Local => 0,
            Step::Shadow | Step::Canary => turn.percent.or(stays).unwrap_or(PERCENT_DEFAULT),
            Step::Remote => 100,
        };
        Ok(Position {
            step: turn.step,
            percent,
            peer,
        })
    }

    /// The same peer keeps its connections and its circuit.
    pub(super) fn peer_at(
        &self,
        placed: &Placed,
        current: &Position,
        url: &str,
    ) -> Result<Arc<Peer>, InvalidUrl> {
        match &current.peer {
            Some(peer) if peer.url() == url.trim_end_matches('/') => Ok(Arc::clone(peer)),
            _ => {
                let (name, tokens) = (placed.module.name(), Arc::clone(&self.tokens));
                Peer::new(name, url, placed.peer_config.clone(), tokens).map(Arc::new)
            }
        }
    }

    async fn keep(self: &Arc<Self>, placed: &Placed, position: &Position) -> Result<(), TurnError> {
        let before = self.kept.positions().remove(&placed.module);
        let before = before.map_or(0, |before| before.turned_at);
        let kept = KeptPosition {
            step: position.step,
            percent: position.percent,
            url: position.peer.as_deref().map(|peer| peer.url().to_owned()),
            configured: placed.configured.clone(),
            turned_at: now().max(before.saturating_add(1)),
        };
        let (dials, module) = (Arc::clone(self), placed.module);
        let keeping = tokio::task::spawn_blocking(move || dials.kept.keep(module, kept));
        let kept = keeping.await.map_err(std::io::Error::other);
        kept.flatten().map_err(TurnError::NotKept)
    }
}

/// By this clock; those of replicas may go before it.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

async fn check(placed: &Placed, peer: &Peer, ours: &Handshake) -> Result<(), TurnError> {
    let ready = match shake_hands(peer).await {
        Ok(theirs) => theirs.shares_database(peer.module(), ours),
        Err(reason) => Err(reason),
    };
    if ready.is_ok() {
        // It answers: nobody is to be refused for what it was before.
        peer.circuit().close().await;
    }
    ready.map_err(|reason| TurnError::PeerNotReady {
        url: peer.url().to_owned(),
        reason: format!("{} cannot be served there: {reason}", placed.module),
    })
}
