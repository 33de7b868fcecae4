use std::io::BufRead;

use super::Outcome;
use super::workbench::Workbench;
use crate::cli::Output;
use crate::settings::{Module, Settings};

pub async fn create(
    settings: Settings,
    email: String,
    password_stdin: bool,
    output: Output,
) -> anyhow::Result<Outcome> {
    let password = password_stdin.then(read_password).transpose()?;
    let bench = Workbench::open(settings, &[Module::Users]).await?;
    let created = bench.users()?.create_admin(&email, password).await;
    bench.close().await;
    let admin = created?;
    if output.json {
        let report = serde_json::json!({
            "email": admin.email,
            "created": admin.outcome == users::Outcome::Created,
            "password": admin.generated_password,
        });
        println!("{report}");
        return Ok(Outcome::Done);
    }
    match admin.outcome {
        users::Outcome::Created => println!("created the admin {}", admin.email),
        users::Outcome::Promoted => println!("{} is an admin now", admin.email),
    }
    if let Some(password) = admin.generated_password {
        println!("password (shown once): {password}");
    }
    Ok(Outcome::Done)
}

fn read_password() -> std::io::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
