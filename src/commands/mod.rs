//! One file for each command. Results go to standard output, everything else to standard error.

#[cfg(feature = "users")]
mod admin;
mod backup;
mod config;
#[cfg(all(feature = "users", feature = "products", feature = "orders"))]
mod demo;
mod dial;
mod doctor;
mod events;
#[cfg(feature = "products")]
mod export;
mod healthcheck;
#[cfg(feature = "products")]
mod import;
mod migrate;
mod operator;
mod personal_data;
mod progress;
mod reconcile;
mod restore;
mod serve;
mod table;
#[cfg(any(feature = "users", feature = "products"))]
mod workbench;

use std::process::ExitCode;

use crate::cli::{Admin, Cli, Command};
use crate::settings::Settings;
use crate::{openapi, telemetry};

/// What a command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// It ran and has bad news, which it has told.
    Failed,
    /// The command line asks for what cannot be, which it has told.
    WrongUsage,
}

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// Runs a command line to its exit code: 0 done, 1 failed, 2 wrong usage or settings.
pub fn run(cli: Cli) -> ExitCode {
    let settings = match Settings::load(&cli.inputs()) {
        Ok(settings) => settings,
        Err(problems) => {
            eprintln!("{problems}");
            return ExitCode::from(WRONG_USAGE);
        }
    };
    match dispatch(cli.command, settings) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(FAILED),
        Ok(Outcome::WrongUsage) => ExitCode::from(WRONG_USAGE),
        Err(error) => {
            eprintln!("cleave: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn dispatch(command: Command, settings: Settings) -> anyhow::Result<Outcome> {
    match command {
        Command::Config { output } => {
            config::run(&settings, output);
            return Ok(Outcome::Done);
        }
        Command::Openapi => {
            println!("{}", openapi::document().to_pretty_json()?);
            return Ok(Outcome::Done);
        }
        _ => {}
    }
    telemetry::start(&settings.telemetry)?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    if let Command::Serve { .. } = command {
        return actix_web::rt::System::new().block_on(serve::run(settings));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match command {
        Command::Migrate {
            modules,
            check,
            output,
        } => runtime.block_on(migrate::run(settings, modules, check, output)),
        #[cfg(feature = "users")]
        Command::Admin(Admin::Create {
            email,
            password_stdin,
            output,
        }) => runtime.block_on(admin::create(settings, email, password_stdin, output)),
        #[cfg(all(feature = "users", feature = "products", feature = "orders"))]
        Command::Demo(demo) => runtime.block_on(demo::run(settings, demo)),
        #[cfg(feature = "products")]
        Command::Import { files, output } => runtime.block_on(import::run(settings, files, output)),
        #[cfg(feature = "products")]
        Command::Export {
            format,
            file,
            output,
        } => runtime.block_on(export::run(settings, format.map(Into::into), file, output)),
        Command::Dial(dial) => runtime.block_on(dial::run(settings, dial)),
        Command::Reconcile { repair, output } => {
            runtime.block_on(reconcile::run(settings, repair, output.json))
        }
        Command::Events(events) => runtime.block_on(events::run(settings, events)),
        Command::Backup(asked) => runtime.block_on(backup::run(settings, asked)),
        Command::Restore(asked) => runtime.block_on(restore::run(settings, asked)),
        Command::Doctor { output } => runtime.block_on(doctor::run(settings, output)),
        Command::PersonalData(asked) => runtime.block_on(personal_data::run(settings, asked)),
        Command::Healthcheck { output } => runtime.block_on(healthcheck::run(settings, output)),
        Command::Serve { .. } | Command::Config { .. } | Command::Openapi => Ok(Outcome::Done),
        #[allow(unreachable_patterns, reason = "when every module is built in")]
        _ => anyhow::bail!("this program was built without the modules of this command"),
    }
}
