//! The processes that answer for modules, or may be asked to.

use std::collections::BTreeMap;
use std::time::Duration;

use platform::auth::Tokens;
use ports_http::calls::version_of;
use ports_http::{Handshake, Hosted};
use secrecy::SecretString;

use super::{Finding, Identities};
use crate::dials::Dials;
use crate::settings::{Module, Secrets, Settings};

/// How long a peer may take to say what it hosts.
const PATIENCE: Duration = Duration::from_secs(5);

/// The peers of remote modules, and of hosted ones that have one: by the settings, or by a dial that
/// was turned since.
pub(super) async fn examine(settings: &Settings, ours: &Identities, findings: &mut Vec<Finding>) {
    let internal = settings.internal.secret.clone();
    let dials = match Dials::open(settings, &only(internal.clone().unwrap_or_default())) {
        Ok(dials) => dials,
        Err(error) => {
            findings.push(Finding::new("dials", Err(format!("{error:#}"))));
            return;
        }
    };
    let ours = handshake_of(ours);
    let before = findings.len();
    for module in dials.modules() {
        let peer = dials
            .get(module)
            .and_then(|dial| dial.position().peer.clone());
        let Some(peer) = peer else { continue };
        let subject = format!("{module} peer");
        if internal.is_none() {
            let advice = "internal.secret: missing; set it to that of the peer";
            findings.push(Finding::new(subject, Err(advice.to_owned())));
            continue;
        }
        match peer.handshake(PATIENCE).await {
            Ok(theirs) => {
                let there = format!("{} answers, version {}", peer.url(), theirs.version);
                findings.push(Finding::new(subject, Ok(there)));
                findings.extend(looks(module, &theirs, &ours));
            }
            Err(fault) => {
                let advice = format!(
                    "{}: {fault}: check that it runs, that modules.{module}.url is its private \
                     listener, and that internal.secret is the same there",
                    peer.url()
                );
                findings.push(Finding::new(subject, Err(advice)));
            }
        }
    }
    if findings.len() == before {
        let none = "none; no module has a url, and none is answered elsewhere";
        findings.push(Finding::new("peers", Ok(none.to_owned())));
    }
}

/// One finding for each thing that a peer must be.
fn looks(module: Module, theirs: &Handshake, ours: &Handshake) -> Vec<Finding> {
    let finding = |what: &str, result| Finding::new(format!("{module} peer {what}"), result);
    let Some(hosted) = theirs.modules.get(module.name()) else {
        let names: Vec<&str> = theirs.modules.keys().map(String::as_str).collect();
        let hosts = names.join(", ");
        let advice = format!("it hosts {hosts}; start it with --only {module}, or correct the url");
        return vec![finding("module", Err(advice))];
    };
    let (version, own) = (hosted.port_version, version_of(module.name()));
    let port = match Some(version) == own {
        true => Ok(format!("version {version}")),
        false => Err(format!(
            "version {version}, here {}: run the same version of cleave in both places",
            own.unwrap_or_default()
        )),
    };
    let ready = match &hosted.not_ready {
        None => Ok("ready".to_owned()),
        Some(reason) => Err(format!("not ready: {reason}: run `cleave doctor` there")),
    };
    let database = theirs.shares_database(module.name(), ours);
    let database = database.map_err(|reason| {
        format!("{reason}: give both processes the same modules.{module}.database_url")
    });
    let mut findings = vec![finding("port", port), finding("ready", ready)];
    if ours.modules.contains_key(module.name()) {
        findings.push(finding(
            "database",
            database.map(|()| "the same".to_owned()),
        ));
    }
    findings
}

fn handshake_of(ours: &Identities) -> Handshake {
    let hosted = |(module, database): (&Module, &Option<String>)| {
        let hosted = Hosted {
            port_version: version_of(module.name()).unwrap_or_default(),
            not_ready: None,
            database: database.clone(),
        };
        (module.name().to_owned(), hosted)
    };
    Handshake {
        service: String::new(),
        version: String::new(),
        modules: ours.iter().map(hosted).collect::<BTreeMap<_, _>>(),
    }
}

/// Nothing is signed in anybody's name but this process's.
fn only(internal: SecretString) -> Secrets {
    Secrets {
        tokens: Tokens::hs256(&SecretString::default(), Duration::ZERO),
        internal,
        ops_token: SecretString::default(),
        ops_token_file: None,
    }
}
