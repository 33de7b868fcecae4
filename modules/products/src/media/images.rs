//! The pictures of a product, and the statements that keep them.

use std::fmt;

use platform::Pool;
use platform::Problem;
use platform::conditional::{IfMatch, Representation};
use platform::db::{self, retry_contention};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use thiserror::Error;
use uuid::Uuid;

use super::MOST_IMAGES;
use crate::catalogue::change::{Locked, lock};
use crate::catalogue::product::{Image, Product};
use crate::catalogue::read;

/// Names the bytes of a picture: 32 random hexadecimal digits, and an extension by which people see
/// what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Key(String);

impl Key {
    pub(super) fn random(extension: &str) -> Self {
        Self(format!("{:032x}.{extension}", rand::random::<u128>()))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (stem, extension) = text.split_once('.')?;
        let digits = stem
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let known = ["jpg", "png", "webp"].contains(&extension);
        (stem.len() == 32 && digits && known).then(|| Self(text.to_owned()))
    }

    /// Without the extension.
    pub(super) fn stem(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(stem, _)| stem)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A picture as the product's row holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredImage {
    pub(crate) id: Uuid,
    pub(crate) key: Key,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) alt: String,
}

impl From<StoredImage> for Image {
    fn from(stored: StoredImage) -> Self {
        Self {
            id: stored.id,
            url: format!("/api/v1/media/{}", stored.key),
            width: stored.width,
            height: stored.height,
            alt: stored.alt,
        }
    }
}

#[derive(Debug, Error)]
pub(super) enum ImageError {
    #[error("there is no such product")]
    UnknownProduct,
    #[error("the product has no such picture")]
    UnknownImage,
    /// By what the request says of the product that it means.
    #[error("the change was refused: {0}")]
    Refused(Problem),
    #[error("the product has as many pictures as it may have")]
    TooMany,
    #[error("the product could not be changed")]
    Database(#[from] sqlx::Error),
}

/// Whether the product is there, is the one that is meant and may have one more.
pub(super) async fn expect_room(
    pool: &Pool,
    product_id: Uuid,
    if_match: &IfMatch,
) -> Result<(), ImageError> {
    let images = sqlx::query_scalar!(
        r#"select jsonb_array_length(images) as "images!" from products where id = $1"#,
        product_id
    )
    .fetch_optional(pool)
    .await?;
    match images.ok_or(ImageError::UnknownProduct)? {
        images if usize::try_from(images).is_ok_and(|images| images < MOST_IMAGES) => {}
        _ => return Err(ImageError::TooMany),
    }
    if if_match.is_given() {
        let product = read::by_id(pool, product_id, true).await?;
        check(&product.ok_or(ImageError::UnknownProduct)?, if_match)?;
    }
    Ok(())
}

fn check(product: &Product, if_match: &IfMatch) -> Result<(), ImageError> {
    let current = Representation::of(product).map_err(ImageError::Refused)?;
    let checked = if_match.check(current.tag());
    checked.map_err(ImageError::Refused)
}

/// Writes down that bytes are about to be stored, which are nobody's yet. An upload takes minutes at
/// most.
pub(super) async fn announce(pool: &Pool, key: &Key) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into media_leftovers (key, due_at) values ($1, now() + interval '1 hour')",
        key.0
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Gives the product a picture whose bytes are stored.
pub(super) async fn add(
    pool: &Pool,
    product_id: Uuid,
    image: &StoredImage,
    if_match: &IfMatch,
) -> Result<(), ImageError> {
    let added = retry_contention(|| async {
        let mut tx = db::begin(pool).await?;
        if if_match.is_given() {
            let Some(product) = lock(&mut tx, product_id, Locked::ProductAndStock).await? else {
                return Ok(Err(ImageError::UnknownProduct));
            };
            if let Err(refusal) = check(&product, if_match) {
                return Ok(Err(refusal));
            }
        }
        let added = append(&mut tx, product_id, image).await?;
        tx.commit().await?;
        Ok(added.ok_or(ImageError::UnknownProduct))
    });
    added
        .await
        .unwrap_or_else(|error| match db::constraint(&error) {
            Some("products_images_check") => Err(ImageError::TooMany),
            _ => Err(error.into()),
        })
}

async fn append(
    tx: &mut PgConnection,
    product_id: Uuid,
    image: &StoredImage,
) -> Result<Option<()>, sqlx::Error> {
    let added = sqlx::query_scalar!(
        r#"
        with changed as (
            update products
            set images = images || jsonb_build_array($2::jsonb),
                updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
            where id = $1
            returning id
        ), kept as (
            delete from media_leftovers where key = $3 and exists (select from changed)
        )
        select id from changed
        "#,
        product_id,
        Json(image) as _,
        image.key.0,
    )
    .fetch_optional(tx)
    .await?;
    Ok(added.map(drop))
}

/// Takes a picture from its product, and tells whose bytes are nobody's now.
pub(super) async fn take(
    pool: &Pool,
    product_id: Uuid,
    image_id: Uuid,
    if_match: &IfMatch,
) -> Result<Key, ImageError> {
    let taken = retry_contention(|| async {
        let mut tx = db::begin(pool).await?;
        if if_match.is_given() {
            let product = lock(&mut tx, product_id, Locked::ProductAndStock).await?;
            let has_it = |product: &Product| product.images.iter().any(|one| one.id == image_id);
            let Some(product) = product.filter(has_it) else {
                return Ok(Err(ImageError::UnknownImage));
            };
            if let Err(refusal) = check(&product, if_match) {
                return Ok(Err(refusal));
            }
        }
        let key = remove(&mut tx, product_id, image_id).await?;
        tx.commit().await?;
        Ok(key.map(Key).ok_or(ImageError::UnknownImage))
    });
    taken.await?
}

async fn remove(
    tx: &mut PgConnection,
    product_id: Uuid,
    image_id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    // The row is locked before it is read, so that of two who delete a picture one finds it.
    sqlx::query_scalar!(
        r#"
        with before as (
            select id, images from products where id = $1 for no key update
        ), found as (
            select before.id, image ->> 'key' as key
            from before, jsonb_array_elements(before.images) image
            where image ->> 'id' = $2
        ), changed as (
            update products p
            set images = (
                    select coalesce(jsonb_agg(image order by place), '[]')
                    from jsonb_array_elements(p.images) with ordinality as each(image, place)
                    where image ->> 'id' <> $2
                ),
                updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
            from found where p.id = found.id
        )
        insert into media_leftovers (key, due_at) select key, now() from found
        returning key
        "#,
        product_id,
        image_id.to_string(),
    )
    .fetch_optional(tx)
    .await
}

/// Keys whose bytes nobody needs, some of them.
pub(super) async fn leftovers(pool: &Pool, most: i64) -> Result<Vec<Key>, sqlx::Error> {
    let keys = sqlx::query_scalar!(
        "select key from media_leftovers where due_at <= now() order by due_at limit $1",
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(keys.into_iter().map(Key).collect())
}

/// There is nothing left of it.
pub(super) async fn forget(pool: &Pool, key: &Key) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from media_leftovers where key = $1", key.0)
        .execute(pool)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_keys_are_keys() {
        let key = Key::random("png");
        assert_eq!(Key::parse(&key.0), Some(key.clone()));
        assert_eq!(key.stem().len(), 32);
        for text in [
            "",
            ".png",
            "0197f2f0a1b07c3e9d2b4c5d6e7f8091",
            "0197f2f0a1b07c3e9d2b4c5d6e7f8091.gif",
            "0197F2f0a1b07c3e9d2b4c5d6e7f8091.png",
            "0197f2f0a1b07c3e9d2b4c5d6e7f8091.png.png",
            "../f2f0a1b07c3e9d2b4c5d6e7f80911.png",
        ] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}
