use std::path::Path as Folder;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use futures_util::future::try_join_all;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, ObjectStoreScheme};
use thiserror::Error;
use url::Url;

use super::Size;
use super::images::Key;

/// How long the store may take for one answer; what it sends then may take longer.
const PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE_TO_LOOK: Duration = Duration::from_secs(2);

/// Where the bytes of pictures are: a folder, or a bucket. Several processes need one that they
/// share.
#[derive(Clone, Debug)]
pub struct MediaStore(Arc<dyn ObjectStore>);

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("nothing is kept there")]
    NotFound,
    #[error("the media store did not answer in time")]
    Timeout,
    #[error("the media store does not serve")]
    Away(#[source] object_store::Error),
}

/// Bytes on their way.
pub(crate) struct Found {
    pub length: u64,
    pub bytes: BoxStream<'static, Result<Bytes, object_store::Error>>,
}

impl MediaStore {
    /// Asks nobody yet. `options` are those of the store, by the names of its environment variables
    /// (`AWS_REGION`); others are passed over.
    pub fn open(
        url: &Url,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, object_store::Error> {
        if let (ObjectStoreScheme::Local, path) = ObjectStoreScheme::parse(url)? {
            return Ok(Self::local(path));
        }
        let (store, path) = object_store::parse_url_opts(url, options)?;
        Ok(Self(Arc::new(PrefixStore::new(store, path))))
    }

    /// It is made when the first picture comes.
    pub fn in_folder(folder: &Folder) -> Result<Self, object_store::Error> {
        let absolute =
            std::path::absolute(folder).map_err(|error| object_store::Error::Generic {
                store: "media",
                source: error.into(),
            })?;
        Ok(Self::local(Path::from_absolute_path(absolute)?))
    }

    /// Bytes are on the disk before an answer says that they are kept.
    fn local(path: Path) -> Self {
        let disk = LocalFileSystem::new().with_fsync(true);
        Self(Arc::new(PrefixStore::new(disk, path)))
    }

    /// For tests.
    pub fn in_memory() -> Self {
        Self(Arc::new(InMemory::new()))
    }

    pub(super) async fn put(&self, key: &Key, files: Vec<(Option<Size>, Vec<u8>)>) -> Answer<()> {
        let puts = files.into_iter().map(|(size, file)| {
            let path = path(key, size);
            async move { self.0.put(&path, file.into()).await.map(drop) }
        });
        in_time(PATIENCE, try_join_all(puts)).await.map(drop)
    }

    pub(super) async fn get(&self, key: &Key, size: Option<Size>) -> Answer<Found> {
        let path = path(key, size);
        let found = in_time(PATIENCE, self.0.get(&path)).await?;
        Ok(Found {
            length: found.meta.size,
            bytes: found.into_stream().boxed(),
        })
    }

    pub(super) async fn has(&self, key: &Key, size: Option<Size>) -> Answer<()> {
        let path = path(key, size);
        in_time(PATIENCE, self.0.head(&path)).await.map(drop)
    }

    /// What is gone already is as good as removed.
    pub(super) async fn remove(&self, key: &Key) -> Answer<()> {
        let sizes = [None].into_iter().chain(Size::ALL.map(Some));
        let removals = sizes.map(|size| {
            let path = path(key, size);
            async move {
                match self.0.delete(&path).await {
                    Err(object_store::Error::NotFound { .. }) => Ok(()),
                    removed => removed,
                }
            }
        });
        in_time(PATIENCE, try_join_all(removals)).await.map(drop)
    }

    /// Whether it can be asked, and how long that takes. Needs the right to list.
    pub async fn look(&self) -> Result<Duration, StoreError> {
        let start = Instant::now();
        let nothing = Path::from("nothing");
        let mut listed = self.0.list(Some(&nothing));
        in_time(PATIENCE_TO_LOOK, listed.try_next()).await?;
        Ok(start.elapsed())
    }

    /// Whether it takes bytes, gives them back and removes them; leaves nothing.
    pub async fn try_out(&self) -> Result<(), StoreError> {
        let probe = Path::from(format!("probe-{:032x}", rand::random::<u128>()));
        in_time(PATIENCE, self.0.put(&probe, "probe".into())).await?;
        let read = in_time(PATIENCE, async { self.0.get(&probe).await?.bytes().await }).await;
        in_time(PATIENCE, self.0.delete(&probe)).await?;
        read.map(drop)
    }
}

type Answer<T> = Result<T, StoreError>;

async fn in_time<T>(
    patience: Duration,
    asked: impl Future<Output = Result<T, object_store::Error>>,
) -> Answer<T> {
    match tokio::time::timeout(patience, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(object_store::Error::NotFound { .. })) => Err(StoreError::NotFound),
        Ok(Err(error)) => Err(StoreError::Away(error)),
        Err(_) => Err(StoreError::Timeout),
    }
}

/// In folders by how the key begins, so that none has too many files.
fn path(key: &Key, size: Option<Size>) -> Path {
    let folder = &key.stem()[..2];
    match size {
        None => Path::from(format!("{folder}/{key}")),
        Some(size) => Path::from(format!("{folder}/{}.{}", key.stem(), size.name())),
    }
}
