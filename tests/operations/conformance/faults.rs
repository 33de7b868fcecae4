use ports::{CallContext, Failure};
use tokio::sync::watch;
use tokio::time::timeout_at;

use super::bench::Fault;
use crate::support::eventually;

/// What a fake suffers from.
#[derive(Default)]
pub struct Faults(watch::Sender<Option<Fault>>);

impl Faults {
    /// Whether a call gets an answer.
    pub async fn pass(&self, cx: &CallContext) -> Result<(), Failure> {
        if cx.remaining().is_zero() {
            return Err(Failure::Timeout);
        }
        let mut fault = self.0.subscribe();
        let over = fault.wait_for(|fault| *fault != Some(Fault::Stalled));
        match timeout_at(cx.deadline.into(), over).await {
            Ok(Ok(fault)) if fault.is_none() => Ok(()),
            Ok(_) => Err(Failure::Unavailable),
            Err(_) => Err(Failure::Timeout),
        }
    }

    pub fn set(&self, fault: Option<Fault>) {
        self.0.send_replace(fault);
    }

    pub async fn waiting(&self, calls: usize) {
        eventually("calls wait for the fake", async || {
            self.0.receiver_count() >= calls
        })
        .await;
    }
}
