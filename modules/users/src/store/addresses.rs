//! The addresses of an account. Which one is its default, the account says.

use sqlx::PgExecutor;
use uuid::Uuid;

use crate::address::Address;

pub(crate) async fn by_id(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<Address>, sqlx::Error> {
    sqlx::query_as!(
        Address,
        r#"select a.id, a.name, a.line1, a.line2, a.city, a.region, a.postal_code, a.country,
                  a.phone, u.default_address_id is not distinct from a.id as "is_default!"
           from addresses a join users u on u.id = a.user_id
           where a.user_id = $1 and a.id = $2"#,
        user_id,
        id,
    )
    .fetch_optional(db)
    .await
}
