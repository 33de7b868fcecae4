//! `cleave reconcile`, as its operator runs it.

use cleave::settings::Module;
use nix::sys::signal::Signal;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use std::path::Path;
use std::process::Stdio;

use crate::process::{run, said};
use crate::support::{Process, command, free_address, roomy_folder, server_of};

async fn write(folder: &Path, module: Module, statements: &'static str) {
    let server = server_of(folder).await.unwrap();
    let options = server.connect_options(module.name());
    let mut database = PgConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(statements)
        .execute(&mut database)
        .await
        .unwrap();
}

#[tokio::test]
async fn proves_the_books_beside_an_instance_and_without() {
    let folder = roomy_folder();
    let address = free_address();
    let ask = |arguments: &[&str]| run(command(folder.path(), address, arguments));
    let behind = ask(&["reconcile"]).await;
    let text = said(&behind);
    assert_eq!(behind.status.code(), Some(1), "{text}");
    assert!(text.contains("run `cleave migrate "), "{text}");
    for module in ["orders", "products"] {
        let off = format!("modules.{module}.mode=off");
        let off = ask(&["reconcile", "--set", &off]).await;
        assert_eq!(off.status.code(), Some(2), "{}", said(&off));
    }
    let demo = ["demo", "--products", "20", "--users", "2", "--orders", "50"];
    let loaded = ask(&demo).await;
    assert_eq!(loaded.status.code(), Some(0), "{}", said(&loaded));

    let process = Process::serve(command(folder.path(), address, &["serve"]), address).await;
    let clean = ask(&["reconcile"]).await;
    let text = said(&clean);
    assert_eq!(clean.status.code(), Some(0), "{text}");
    assert!(text.contains("20 products: the books balance"), "{text}");

    for arguments in [&["reconcile"][..], &["reconcile", "--json"]] {
        let mut unread = command(folder.path(), address, arguments);
        let mut unread = unread.stdout(Stdio::piped()).spawn().unwrap();
        drop(unread.stdout.take());
        let code = tokio::task::spawn_blocking(move || unread.wait().unwrap().code());
        assert_eq!(code.await.unwrap(), Some(0));
    }

    let damage = "update stock set reserved = reserved + 1
                  where product_id = (select min(product_id::text)::uuid from stock)";
    write(folder.path(), Module::Products, damage).await;
    let found = ask(&["reconcile"]).await;
    let text = said(&found);
    assert_eq!(found.status.code(), Some(1), "{text}");
    assert!(
        text.contains("reserved product ") && text.contains(": 1 differences"),
        "{text}"
    );
    let json = ask(&["reconcile", "--json"]).await;
    assert_eq!(json.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["total"], 1);
    let difference = &report["differences"][0];
    assert_eq!(difference["kind"], "reserved");
    let figure = |name: &str| difference[name].as_i64().unwrap();
    assert_eq!(figure("found"), figure("expected") + 1);
    let repaired = ask(&["reconcile", "--repair", "--json"]).await;
    assert_eq!(repaired.status.code(), Some(0), "{}", said(&repaired));
    let report: Value = serde_json::from_slice(&repaired.stdout).unwrap();
    assert_eq!(
        (&report["total"], &report["remaining"]),
        (&1.into(), &0.into())
    );

    // An open order without its reservation; nobody is there to hear of it but the command.
    let damage = "with gone as (
                    delete from reservations
                    where id = (select id from reservations where state = 'allocated' limit 1)
                    returning id
                  )
                  update stock set reserved = reserved - quantity
                  from reservation_lines line, gone
                  where line.reservation_id = gone.id and line.product_id = stock.product_id";
    write(folder.path(), Module::Products, damage).await;
    process.signal(Signal::SIGTERM);
    assert_eq!(process.ended().await, Some(0));
    let found = ask(&["reconcile"]).await;
    assert_eq!(found.status.code(), Some(1), "{}", said(&found));
    assert!(said(&found).contains("allocation_missing order "));
    let repaired = ask(&["reconcile", "--repair"]).await;
    assert_eq!(repaired.status.code(), Some(0), "{}", said(&repaired));
    assert!(
        said(&repaired).contains("; repaired"),
        "{}",
        said(&repaired)
    );
    let clean = ask(&["reconcile"]).await;
    assert_eq!(clean.status.code(), Some(0), "{}", said(&clean));
}
