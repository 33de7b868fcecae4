//! Following the replicas of this process, where they share a Redis.

use std::sync::Arc;
use std::time::Duration;

use ports_http::{Position, Step};
use tokio_util::sync::CancellationToken;

use super::kept::KeptPosition;
use super::{Dials, Placed};
use crate::settings::Module;

/// How long a turn elsewhere may stay unknown here.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Dials {
    /// Turns as replicas have meanwhile, until it is to stop.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        if self.shared.is_none() {
            return;
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_AGAIN) => self.catch_up().await,
            }
        }
    }

    /// Turns as replicas have meanwhile. Not at all while Redis is away.
    pub async fn catch_up(self: &Arc<Self>) {
        let _one_at_a_time = self.turning.lock().await;
        self.meet().await;
    }

    /// As `catch_up`, in the middle of a turn; whether the others can know of it.
    pub(super) async fn meet(self: &Arc<Self>) -> bool {
        let Some(shared) = &self.shared else {
            return true;
        };
        let ours = self.kept.positions();
        let Some(newest) = shared.exchange(&ours).await else {
            return false;
        };
        for (module, theirs) in newest {
            // Of two that were turned to at the same instant, that in Redis counts.
            let own = ours.get(&module);
            let newer = own.is_none_or(|own| own.turned_at <= theirs.turned_at && *own != theirs);
            if let (true, Some(placed)) = (newer, self.placed(module)) {
                self.adopt(module, placed, theirs).await;
            }
        }
        true
    }

    /// The replica that was turned has asked the peer whether it is ready.
    async fn adopt(self: &Arc<Self>, module: Module, placed: &Placed, theirs: KeptPosition) {
        let current = placed.dial.position();
        let peer = theirs.url.as_deref();
        let peer = peer
            .map(|url| self.peer_at(placed, &current, url))
            .transpose();
        let position = match peer {
            Ok(None) if theirs.step != Step::Local => return,
            Ok(peer) => Position {
                step: theirs.step,
                percent: theirs.percent,
                peer,
            },
            Err(error) => {
                return tracing::warn!(%module, %error, "a replica's dial is not followed");
            }
        };
        tracing::info!(
            %module,
            step = position.step.name(),
            percent = position.percent,
            url = theirs.url,
            "the dial is turned as that of a replica was"
        );
        let dials = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || dials.kept.remember(module, theirs));
        if let Err(error) = kept.await.map_err(std::io::Error::other).flatten() {
            tracing::error!(%error, "the dial cannot be written to the data folder");
        }
        placed.dial.turn(position);
    }
}
