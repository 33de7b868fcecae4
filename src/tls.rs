//! HTTPS on the public listener: its certificate, taken anew whenever the files change.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub const CERT: &str = "server.tls_cert";
pub const KEY: &str = "server.tls_key";

/// Between two looks at the files; SIGHUP makes one at once.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// PEM files: the chain, the server's own certificate first, and its private key.
#[derive(Clone, Debug)]
pub struct Files {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// One of the files cannot be used. Never shows what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {reason}", file.display())]
pub struct Unusable {
    pub setting: &'static str,
    file: PathBuf,
    reason: String,
}

/// What the two files hold.
#[derive(PartialEq, Eq)]
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    /// What keeps them from being served with.
    pub fn problems(&self) -> Vec<Unusable> {
        let chain = self.bytes(CERT).and_then(|bytes| self.chain(&bytes));
        let key = self.bytes(KEY).and_then(|bytes| self.signing_key(&bytes));
        match (chain, key) {
            (Ok(chain), Ok(key)) => self.pair(chain, key).err().into_iter().collect(),
            (chain, key) => chain.err().into_iter().chain(key.err()).collect(),
        }
    }

    fn read(&self) -> Result<Contents, Unusable> {
        Ok(Contents {
            cert: self.bytes(CERT)?,
            key: self.bytes(KEY)?,
        })
    }

    fn certified(&self, contents: &Contents) -> Result<CertifiedKey, Unusable> {
        self.pair(
            self.chain(&contents.cert)?,
            self.signing_key(&contents.key)?,
        )
    }

    fn bytes(&self, setting: &'static str) -> Result<Vec<u8>, Unusable> {
        let unreadable = |error| self.unusable(setting, format!("cannot be read: {error}"));
        fs::read(self.named_by(setting)).map_err(unreadable)
    }

    fn chain(&self, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Unusable> {
        let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(pem).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        chain.ok_or_else(|| self.unusable(CERT, "is not a chain of certificates in PEM"))
    }

    fn signing_key(&self, pem: &[u8]) -> Result<Arc<dyn SigningKey>, Unusable> {
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| self.unusable(KEY, "is not a private key in PEM without a passphrase"))?;
        let provider = aws_lc_rs::default_provider().key_provider;
        provider.load_private_key(key).map_err(|_| {
            self.unusable(KEY, "holds a private key of a kind that TLS has no use for")
        })
    }

    fn pair(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn SigningKey>,
    ) -> Result<CertifiedKey, Unusable> {
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) => Ok(certified),
            Err(rustls::Error::InconsistentKeys(_)) => {
                let cert = self.cert.display();
                Err(self.unusable(KEY, format!("does not fit the certificate in {cert}")))
            }
            Err(error) => Err(self.unusable(CERT, format!("holds no usable certificate: {error}"))),
        }
    }

    fn named_by(&self, setting: &'static str) -> &PathBuf {
        match setting {
            CERT => &self.cert,
            _ => &self.key,
        }
    }

    fn unusable(&self, setting: &'static str, reason: impl Into<String>) -> Unusable {
        Unusable {
            setting,
            file: self.named_by(setting).clone(),
            reason: reason.into(),
        }
    }
}

/// The certificate that clients are shown now.
#[derive(Debug)]
struct Shown(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// A certificate and the files that it is from.
pub struct Certificate {
    files: Files,
    /// At the last look.
    seen: Result<Contents, Unusable>,
    shown: Arc<Shown>,
}

impl Certificate {
    pub fn open(files: Files) -> Result<Self, Unusable> {
        let contents = files.read()?;
        let shown = Shown(ArcSwap::from_pointee(files.certified(&contents)?));
        Ok(Self {
            files,
            seen: Ok(contents),
            shown: Arc::new(shown),
        })
    }

    /// TLS 1.2 and 1.3, with whatever certificate is the newest.
    pub fn server_config(&self) -> Result<ServerConfig, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let shown: Arc<dyn ResolvesServerCert> = self.shown.clone();
        Ok(config.with_no_client_auth().with_cert_resolver(shown))
    }

    /// Takes what a renewal leaves in the files, in however many steps. Files that cannot be used are
    /// warned of once, and the certificate before them stays.
    pub async fn follow(mut self, stop: CancellationToken) {
        let mut hangup = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::warn!(%error, "SIGHUP is not listened to"))
            .ok();
        loop {
            let asked = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                _ = asked => {}
            }
            let files = self.files.clone();
            // A file system may take its time.
            if let Ok(found) = tokio::task::spawn_blocking(move || files.read()).await {
                self.take(found);
            }
        }
    }

    fn take(&mut self, found: Result<Contents, Unusable>) {
        if found == self.seen {
            return;
        }
        let certified = found.as_ref().map_err(Clone::clone);
        match certified.and_then(|contents| self.files.certified(contents)) {
            Ok(certified) => {
                self.shown.0.store(Arc::new(certified));
                tracing::info!(file = %self.files.cert.display(), "a new certificate is served");
            }
            Err(error) => tracing::warn!(
                setting = error.setting,
                "{error}; the certificate before it is still served"
            ),
        }
        self.seen = found;
    }
}
