use std::io::{IsTerminal, Write};
use std::net::SocketAddr;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Outcome;
use crate::databases::{Databases, Tenancy};
use crate::instance::Instance;
use crate::metrics;
use crate::settings::{Mode, Module, Secrets, Settings};
use crate::wiring::Shop;

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub async fn run(mut settings: Settings) -> anyhow::Result<Outcome> {
    let hosted: Vec<Module> = settings.hosted().collect();
    anyhow::ensure!(
        Module::ALL
            .iter()
            .any(|module| settings.modules.get(*module).mode != Mode::Off),
        "every module is off; set modules.<module>.mode"
    );
    metrics::start();
    let secrets = settings.generate_missing_secrets()?;
    // From here on a signal means an orderly end, also while the databases start.
    let mut signals = Signals::listen()?;
    let opened = tokio::select! {
        opened = Databases::open(&settings, &hosted, Tenancy::Own) => opened?,
        () = signals.next() => return Ok(Outcome::Done),
    };
    let outcome = serve(&settings, &secrets, &opened, &mut signals).await;
    opened.close().await;
    outcome
}

async fn serve(
    settings: &Settings,
    secrets: &Secrets,
    databases: &Databases,
    signals: &mut Signals,
) -> anyhow::Result<Outcome> {
    let mut instance = tokio::select! {
        instance = Instance::start(settings, secrets, databases) => instance?,
        () = signals.next() => return Ok(Outcome::Done),
    };
    if databases.embedded().is_some() {
        welcome_first_admin(&instance.shop).await?;
    }
    announce(instance.address);
    tokio::select! {
        () = signals.next() => {}
        ended = instance.ended() => {
            ended?;
            return Ok(Outcome::Failed);
        }
    }
    tracing::info!("shutting down: finishing what is under way");
    tokio::select! {
        () = instance.stop(settings.server.shutdown_grace) => {}
        () = signals.next() => tracing::warn!("second signal: not waiting any longer"),
    }
    Ok(Outcome::Done)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A shop on the embedded default has an admin from the start. The password is shown once, and
/// never logged.
async fn welcome_first_admin(shop: &Shop) -> anyhow::Result<()> {
    #[cfg(feature = "users")]
    if let Some(users) = &shop.users
        && let Some(admin) = users.ensure_first_admin().await?
    {
        let password = admin.generated_password.unwrap_or_default();
        eprintln!(
            "\n  The first admin; the password is shown this once:\n    email     {}\n    password  {password}\n",
            admin.email
        );
    }
    Ok(())
}

fn announce(address: SocketAddr) {
    tracing::info!(%address, "ready");
    let mut stderr = std::io::stderr().lock();
    if !stderr.is_terminal() {
        return;
    }
    // A terminal that went away is no reason to stop serving.
    let _ = writeln!(
        stderr,
        "\n  Cleave is serving.\n    shop              http://{address}/api/v1/products\n    documentation     http://{address}/docs/\n    health            http://{address}/health\n"
    );
}
