use std::io::Write;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Outcome;
use crate::databases::{Databases, Tenancy};
use crate::dials::Dials;
use crate::migrations;
use crate::reconcile::{Report, reconcile};
use crate::settings::{Module, Secrets, Settings};
use crate::wiring::Shop;

/// `cleave reconcile`: the shop as `serve` would wire it, without listeners.
pub async fn run(mut settings: Settings, repair: bool, json: bool) -> anyhow::Result<Outcome> {
    let hosted: Vec<Module> = settings.hosted().collect();
    let secrets = settings.generate_missing_secrets()?;
    let databases = Databases::open(&settings, &hosted, Tenancy::Share).await?;
    let report = run_on(&settings, &secrets, &databases, repair, json).await;
    databases.close().await;
    let report = report?;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => println!("{}", summary(&report)),
    }
    Ok(match report.remaining {
        0 => Outcome::Done,
        _ => Outcome::Failed,
    })
}

async fn run_on(
    settings: &Settings,
    secrets: &Secrets,
    databases: &Databases,
    repair: bool,
    json: bool,
) -> anyhow::Result<Report> {
    let dials = Dials::open(settings, secrets)?;
    let shop = Shop::wire(settings, secrets, databases, &dials)?;
    let report = audit(settings, &shop, repair, json).await;
    for store in shop.stores() {
        store.pool.close().await;
    }
    report
}

async fn audit(
    settings: &Settings,
    shop: &Shop,
    repair: bool,
    json: bool,
) -> anyhow::Result<Report> {
    let (orders, products) = shop.books().context(
        "the books are those of orders and products: set modules.<module>.mode or url so that \
         both can be asked",
    )?;
    for store in shop.stores() {
        if store.module != Module::Users {
            migrations::before_work(settings.migrate, &store).await?;
        }
    }
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    if repair {
        shop.start_relay_of_orders(&tasks, &stop);
    }
    let report = reconcile(orders, products, repair, |difference| {
        if !json {
            // Whoever reads along may have seen enough.
            let _ = writeln!(std::io::stdout(), "{difference}");
        }
    });
    let report = report.await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(report?)
}

fn summary(report: &Report) -> String {
    let checked = &report.checked;
    let mut text = format!(
        "checked {} orders, {} reservations that hold stock, {} products: ",
        checked.orders, checked.reservations, checked.products
    );
    let repaired = report.total - report.remaining;
    text.push_str(&match (report.total, repaired) {
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
