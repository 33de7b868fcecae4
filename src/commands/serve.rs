use std::convert::Infallible;
use std::io::{self, IsTerminal, Write};

use ports_http::Step;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Outcome;
use crate::databases::{Databases, Tenancy};
use crate::instance::Instance;
use crate::settings::{Mode, Module, Secrets, Settings};
use crate::wiring::Shop;
use crate::{metrics, private_address, traces};

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
    let traces = traces::start(&settings)?;
    let secrets = settings.generate_missing_secrets()?;
    // From here on a signal means an orderly end, also while the databases start.
    let mut signals = Signals::listen()?;
    let opened = tokio::select! {
        opened = Databases::open(&settings, &hosted, Tenancy::Own) => opened?,
        () = signals.next() => return Ok(Outcome::Done),
    };
    let outcome = serve(&settings, &secrets, &opened, &mut signals).await;
    traces.finish().await;
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
    let welcome = welcome_first_admin(instance.shop.clone(), databases.embedded().is_some());
    // Where it cannot be left, commands need server.private in the settings.
    let _note = private_address::Note::leave(&settings.data_dir, instance.private_address)
        .inspect_err(|error| tracing::warn!(%error, "data_dir: cannot be written to"))
        .ok();
    announce(&instance, settings, secrets);
    tokio::select! {
        () = signals.next() => {}
        ended = instance.ended() => {
            ended?;
            return Ok(Outcome::Failed);
        }
        never = welcome => match never {},
    }
    tracing::info!("shutting down: finishing what is under way");
    tokio::select! {
        () = instance.stop(settings.server.shutdown_grace) => {}
        () = signals.next() => tracing::warn!("second signal: not waiting any longer"),
    }
    Ok(Outcome::Done)
}

const HANGUP: &str =
    "SIGHUP: the certificate is looked at again, if there is one; other settings need a restart";

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// It would end the process if nobody listened. The certificate has a listener of its own.
    hangup: Signal,
    /// Started in a terminal, and not to outlive it.
    in_terminal: bool,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            in_terminal: io::stdin().is_terminal(),
        })
    }

    /// Resolves when the process is to end.
    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => match self.in_terminal && !io::stdin().is_terminal() {
                    true => return,
                    false => tracing::info!("{HANGUP}"),
                },
            }
        }
    }
}

/// Between two looks at a database that is away.
#[cfg(feature = "users")]
const FIRST_ADMIN_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// A shop on the embedded default has an admin from the start. The password is shown once, and
/// never logged. Beside what the process does else, since the database may be away just then.
async fn welcome_first_admin(shop: Shop, embedded: bool) -> Infallible {
    #[cfg(feature = "users")]
    while let (true, Some(users)) = (embedded, &shop.users) {
        match users.ensure_first_admin().await {
            Ok(None) => break,
            Ok(Some(admin)) => {
                let password = admin.generated_password.unwrap_or_default();
                eprintln!(
                    "\n  The first admin; the password is shown this once:\n    email     {}\n    password  {password}\n",
                    admin.email
                );
                break;
            }
            Err(error) => {
                tracing::warn!(%error, "could not see whether there is an admin");
                tokio::time::sleep(FIRST_ADMIN_PAUSE).await;
            }
        }
    }
    #[cfg(not(feature = "users"))]
    let _ = (shop, embedded);
    std::future::pending().await
}

fn announce(instance: &Instance, settings: &Settings, secrets: &Secrets) {
    let (address, private) = (instance.address, instance.private_address);
    let elsewhere = elsewhere(instance);
    for (module, words) in &elsewhere {
        tracing::info!(%module, "{words}");
    }
    let tls = settings.certificate().is_some();
    tracing::info!(%address, %private, tls, "ready");
    let mut stderr = std::io::stderr().lock();
    if !stderr.is_terminal() {
        drop(stderr);
        if let Some(file) = &secrets.ops_token_file {
            tracing::info!(file = %file.display(), "the operator's token is in a file");
        }
        return;
    }
    let scheme = if tls { "https" } else { "http" };
    let mut banner = format!(
        "\n  Cleave is serving.\n    shop              {scheme}://{address}/api/v1/products\n    documentation     {scheme}://{address}/docs/\n    health            {scheme}://{address}/health\n    operators         http://{private}/console, or `cleave dial`\n"
    );
    if let Some(file) = &secrets.ops_token_file {
        banner.push_str(&format!("    operator's token  in {}\n", file.display()));
    }
    for (module, words) in &elsewhere {
        banner.push_str(&format!("    {:<16}  {words}\n", module.name()));
    }
    // A terminal that went away is no reason to stop serving.
    let _ = writeln!(stderr, "{banner}");
}

/// The modules that are not simply answered here, and who answers for them.
fn elsewhere(instance: &Instance) -> Vec<(Module, String)> {
    let words = |module| {
        let Some(dial) = instance.dials.get(module) else {
            return Some("off".to_owned());
        };
        let position = dial.position();
        let url = position
            .peer
            .as_deref()
            .map_or("nowhere", |peer| peer.url());
        match position.step {
            Step::Local if dial.hosted() => None,
            Step::Shadow | Step::Canary => Some(format!(
                "{} {} % at {url}",
                position.step.name(),
                position.percent
            )),
            Step::Local | Step::Remote => Some(format!("remote at {url}")),
        }
    };
    let all = Module::ALL.into_iter();
    all.filter_map(|module| Some((module, words(module)?)))
        .collect()
}
