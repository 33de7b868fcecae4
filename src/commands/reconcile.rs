use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;

use ports::{Orders, Products};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Outcome;
use crate::databases::{Databases, Tenancy};
use crate::dials::Dials;
use crate::migrations;
use crate::reconcile::{Report, Unfinished, reconcile};
use crate::settings::{MigrateMode, Module, Secrets, Settings};
use crate::wiring::Shop;

const OUT_OF_REACH: &str = "cleave: the books are those of orders and products: set \
                            modules.<module>.mode or url so that both can be asked";

/// What was asked for.
#[derive(Clone, Copy)]
struct Wanted {
    repair: bool,
    json: bool,
}

/// `cleave reconcile`: the shop as `serve` would wire it, without listeners.
pub async fn run(mut settings: Settings, repair: bool, json: bool) -> anyhow::Result<Outcome> {
    let hosted: Vec<Module> = settings.hosted().collect();
    let secrets = settings.generate_missing_secrets()?;
    let known =
        |module: &Module| hosted.contains(module) || settings.modules.get(*module).url.is_some();
    if ![Module::Orders, Module::Products].iter().all(known) {
        eprintln!("{OUT_OF_REACH}");
        return Ok(Outcome::WrongUsage);
    }
    let databases = Databases::open(&settings, &hosted, Tenancy::Share).await?;
    let outcome = run_on(&settings, &secrets, &databases, Wanted { repair, json }).await;
    databases.close().await;
    outcome
}

async fn run_on(
    settings: &Settings,
    secrets: &Secrets,
    databases: &Databases,
    wanted: Wanted,
) -> anyhow::Result<Outcome> {
    let dials = Dials::open(settings, secrets)?;
    let shop = Shop::wire(settings, secrets, databases, &dials)?;
    let outcome = audit(settings, &shop, wanted).await;
    for store in shop.stores() {
        store.pool.close().await;
    }
    outcome
}

async fn audit(settings: &Settings, shop: &Shop, wanted: Wanted) -> anyhow::Result<Outcome> {
    let Some((orders, products)) = shop.books() else {
        eprintln!("{OUT_OF_REACH}");
        return Ok(Outcome::WrongUsage);
    };
    let stores = shop.stores().into_iter();
    for store in stores.filter(|store| store.module != Module::Users) {
        let mode = match settings.migrate {
            // Who only looks changes nothing.
            MigrateMode::Auto if !wanted.repair => MigrateMode::Check,
            mode => mode,
        };
        migrations::before_work(mode, &store).await?;
    }
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    if wanted.repair {
        shop.start_relay_of_orders(&tasks, &stop);
    }
    let outcome = report(orders, products, wanted).await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    outcome
}

async fn report(
    orders: Arc<dyn Orders>,
    products: Arc<dyn Products>,
    Wanted { repair, json }: Wanted,
) -> anyhow::Result<Outcome> {
    let run = reconcile(orders, products, repair, |difference| {
        if !json {
            print(difference);
        }
    });
    let run = run.await;
    if json {
        print(match &run {
            Ok(report) => serde_json::to_string_pretty(report)?,
            Err(unfinished) => serde_json::to_string_pretty(unfinished)?,
        });
    }
    let report = match run {
        Ok(report) => report,
        Err(Unfinished { report, cause }) => {
            if !json && report.total > 0 {
                print(format_args!("until then, {}", summary(&report)));
            }
            return Err(cause.into());
        }
    };
    if !json {
        print(summary(&report));
    }
    Ok(match report.remaining {
        0 => Outcome::Done,
        _ => Outcome::Failed,
    })
}

/// Whoever reads along may have seen enough.
fn print(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn summary(report: &Report) -> String {
    let checked = &report.checked;
    let mut text = format!(
        "checked {} orders, {} reservations that hold stock, {} products: ",
        checked.orders, checked.reservations, checked.products
    );
    let repaired = report.total - report.remaining;
    text.push_str(&match (report.total, repaired) {
        (0, _) if report.in_flight > 0 => "no differences".to_owned(),
        (0, _) => "the books balance".to_owned(),
        (total, 0) => format!("{total} differences"),
        (total, repaired) => format!("{total} differences, {repaired} of them repaired"),
    });
    if report.in_flight > 0 {
        text.push_str(&format!(
            "; {} orders were under way, of which nothing can be said",
            report.in_flight
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_balance_only_when_nothing_is_under_way() {
        let mut report = Report::default();
        assert!(summary(&report).ends_with("0 products: the books balance"));
        report.in_flight = 2;
        let text = summary(&report);
        assert!(!text.contains("balance") && text.contains("; 2 orders were under way"));
    }
}
