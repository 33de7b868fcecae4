//! Commands that talk to the running instance which these settings belong to, as its operator.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::private_address;
use crate::settings::{Environment, Settings};

/// Longer than a turn takes, which asks the peer first.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The private listener of a running instance.
pub struct Operator {
    client: Client,
    address: SocketAddr,
    token: SecretString,
    data_dir: PathBuf,
}

/// Why there is no result; says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error(
        "no instance answers at {address} ({reason}): start `cleave serve`, or give this command \
         the server.private and data_dir of the instance"
    )]
    NotRunning { address: SocketAddr, reason: String },
    #[error(
        "the instance at {address} refuses the operator's token of these settings: give this \
         command the ops.token of the instance (CLEAVE__OPS__TOKEN or CLEAVE__OPS__TOKEN_FILE), or \
         its data_dir, which is {} here", data_dir.display()
    )]
    WrongToken {
        address: SocketAddr,
        data_dir: PathBuf,
    },
    #[error("{detail} ({code})")]
    Refused { code: String, detail: String },
    /// Fields of the request, each with what is wrong.
    #[error("{}", fields.join("; "))]
    Invalid { fields: Vec<String> },
    #[error(
        "what answers at {address} is not the private listener of this version of Cleave: {reason}"
    )]
    NotUnderstood { address: SocketAddr, reason: String },
}

impl Operator {
    pub fn of(settings: &Settings) -> anyhow::Result<Self> {
        let data_dir = settings.data_dir.clone();
        let address = private_listener(settings)?;
        let generated = match settings.environment {
            Environment::Development => {
                format!(
                    "; no instance has made one in {} yet",
                    data_dir.join("keys").display()
                )
            }
            Environment::Production => String::new(),
        };
        let token = settings.ops.token.clone().with_context(|| {
            format!(
                "ops.token: missing; set CLEAVE__OPS__TOKEN or CLEAVE__OPS__TOKEN_FILE to the \
                 instance's{generated}"
            )
        })?;
        let client = Client::builder().timeout(TIMEOUT).no_proxy().build()?;
        Ok(Self {
            client,
            address,
            token,
            data_dir,
        })
    }

    pub async fn get(&self, path: &str) -> Result<Value, OperatorError> {
        self.ask(Method::GET, path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Result<Value, OperatorError> {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub async fn post(&self, path: &str) -> Result<Value, OperatorError> {
        self.ask(Method::POST, path, None).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, OperatorError> {
        let address = self.address;
        let url = format!("http://{address}{path}");
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(self.token.expose_secret());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|error| {
            let reason = chain(&error);
            OperatorError::NotRunning { address, reason }
        })?;
        let status = answer.status();
        let document = answer.json::<Value>().await;
        match (status, document) {
            (StatusCode::UNAUTHORIZED, _) => Err(OperatorError::WrongToken {
                address,
                data_dir: self.data_dir.clone(),
            }),
            (status, Ok(document)) if status.is_success() => Ok(document),
            (status, Ok(problem)) if problem["code"].is_string() => Err(refusal(status, &problem)),
            (status, _) => Err(self.not_understood(format!("it answers {status}"))),
        }
    }

    pub fn not_understood(&self, reason: String) -> OperatorError {
        OperatorError::NotUnderstood {
            address: self.address,
            reason,
        }
    }
}

fn refusal(status: StatusCode, problem: &Value) -> OperatorError {
    let text = |of: &Value, field: &str| of[field].as_str().unwrap_or_default().to_owned();
    let errors = problem["errors"].as_array();
    match errors {
        Some(errors) if status == StatusCode::UNPROCESSABLE_ENTITY && !errors.is_empty() => {
            let words = |error| format!("{}: {}", text(error, "field"), text(error, "message"));
            OperatorError::Invalid {
                fields: errors.iter().map(words).collect(),
            }
        }
        _ => OperatorError::Refused {
            code: text(problem, "code"),
            detail: text(problem, "detail"),
        },
    }
}

/// Where the running instance that these settings belong to has its private listener.
pub fn private_listener(settings: &Settings) -> anyhow::Result<SocketAddr> {
    let address = match settings.server.private {
        address if address.port() != 0 => address,
        // Wherever it got a port.
        _ => private_address::noted(&settings.data_dir).with_context(|| {
            format!(
                "no instance runs from {}: start `cleave serve`, or set data_dir to the instance's",
                settings.data_dir.display()
            )
        })?,
    };
    Ok(local(address))
}

/// An instance that listens everywhere answers on loopback.
fn local(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The last cause says it best.
fn chain(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
