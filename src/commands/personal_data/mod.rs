//! Whether the databases still hold a person's words: an email, a name, or whatever else is asked for.

mod catalogue;
mod pattern;
mod search;

use anyhow::Context;
use serde_json::json;
use sqlx::PgConnection;

use self::pattern::pattern;
use self::search::{Found, Place, search};
use super::Outcome;
use super::table::table;
use crate::cli::PersonalData;
use crate::databases::{Databases, Tenancy};
use crate::settings::{Mode, Module, Settings};

/// What is not looked for, and why.
const ABOUT_IDS: &str = "an account's id is not looked for: it stays in the ledger, and names \
                         nobody once the account is deleted";

/// Looks through every column that can hold words, and tells where and how often; never what.
pub async fn run(settings: Settings, asked: PersonalData) -> anyhow::Result<Outcome> {
    let (near, away): (Vec<Module>, Vec<Module>) = Module::ALL.into_iter().partition(|module| {
        let module = settings.modules.get(*module);
        module.mode == Mode::Local || module.database_url.is_some()
    });
    let databases = Databases::open(&settings, &near, Tenancy::Share).await?;
    let found = look(&databases, &near, &asked).await;
    databases.close().await;
    let found = found?;
    match asked.output.json {
        true => println!("{}", report(&found, &away)),
        false => tell(&found, &away),
    }
    let clean = away.is_empty() && found.iter().all(|(_, found)| found.places.is_empty());
    Ok(if clean {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

async fn look(
    databases: &Databases,
    modules: &[Module],
    asked: &PersonalData,
) -> anyhow::Result<Vec<(Module, Found)>> {
    let words = words(databases, modules, asked).await?;
    let pattern = pattern(&words);
    let mut all = Vec::new();
    for module in modules {
        let mut db = connect(databases, *module).await?;
        let found = search(&mut db, &pattern).await;
        all.push((
            *module,
            found.with_context(|| format!("the database of {module}"))?,
        ));
    }
    Ok(all)
}

async fn connect(databases: &Databases, module: Module) -> anyhow::Result<PgConnection> {
    let connecting = databases.patient_reader(module);
    let connected = connecting.await;
    connected.with_context(|| format!("the database of {module}"))
}

/// Those that were given, and those that the account has.
async fn words(
    databases: &Databases,
    modules: &[Module],
    asked: &PersonalData,
) -> anyhow::Result<Vec<String>> {
    let mut words: Vec<String> = asked.text.clone();
    words.extend(asked.email.clone());
    if asked.email.is_some() || asked.user.is_some() {
        words.extend(words_of_account(databases, modules, asked).await?);
    }
    words.sort_unstable();
    words.dedup();
    anyhow::ensure!(
        !words.is_empty(),
        "the account is deleted and knows no words of its own any more: give --email or --text"
    );
    Ok(words)
}

#[cfg(feature = "users")]
async fn words_of_account(
    databases: &Databases,
    modules: &[Module],
    asked: &PersonalData,
) -> anyhow::Result<Vec<String>> {
    if !modules.contains(&Module::Users) {
        anyhow::ensure!(
            asked.user.is_none(),
            "--user needs the database of users: set modules.users.database_url"
        );
        return Ok(Vec::new());
    }
    let mut db = connect(databases, Module::Users).await?;
    let words = users::words_of(&mut db, asked.user, asked.email.as_deref()).await?;
    let unknown = asked.user.is_some() && words.is_none();
    anyhow::ensure!(!unknown, "there is no account with this id");
    Ok(words.unwrap_or_default())
}

#[cfg(not(feature = "users"))]
async fn words_of_account(
    _: &Databases,
    _: &[Module],
    asked: &PersonalData,
) -> anyhow::Result<Vec<String>> {
    anyhow::ensure!(asked.user.is_none(), "--user needs a program with users");
    Ok(Vec::new())
}

fn places(found: &[(Module, Found)]) -> impl Iterator<Item = (Module, &Place)> {
    found
        .iter()
        .flat_map(|(module, found)| found.places.iter().map(|place| (*module, place)))
}

fn report(found: &[(Module, Found)], away: &[Module]) -> serde_json::Value {
    let place = |(module, place): (Module, &Place)| {
        json!({
            "module": module, "table": place.table, "column": place.column, "rows": place.rows,
        })
    };
    let looked_at = found.iter().map(|(module, found)| {
        json!({ "module": module, "tables": found.tables, "columns": found.columns })
    });
    json!({
        "found": places(found).map(place).collect::<Vec<_>>(),
        "looked_at": looked_at.collect::<Vec<_>>(),
        "not_looked_at": away,
        "note": ABOUT_IDS,
    })
}

fn tell(found: &[(Module, Found)], away: &[Module]) {
    let mut rows = vec![
        ["module", "table", "column", "rows"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(places(found).map(|(module, place)| {
        vec![
            module.to_string(),
            place.table.clone(),
            place.column.clone(),
            place.rows.to_string(),
        ]
    }));
    if rows.len() > 1 {
        print!("{}", table(&rows));
    }
    for (module, found) in found {
        let (tables, columns, places) = (found.tables, found.columns, found.places.len());
        println!("{module}: found in {places} of {columns} columns of {tables} tables");
    }
    for module in away {
        println!(
            "{module}: NOT looked at, for it is not hosted here: set modules.{module}.database_url"
        );
    }
    println!("({ABOUT_IDS})");
}
