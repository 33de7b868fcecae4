use sqlx::PgConnection;
use uuid::Uuid;

use crate::email::Email;

/// What an account says of its owner: email, in both its forms, full name, and of each address name,
/// street and phone. The account is the
/// one with this id, or with this email; a deleted one says nothing. An email is answered in its
/// other form, too. `None` when no account has this id.
pub async fn words_of(
    db: &mut PgConnection,
    user_id: Option<Uuid>,
    email: Option<&str>,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let key = email.and_then(|email| Email::parse(email).ok());
    let key = key.map(|email| email.key);
    let accounts = sqlx::query!(
        r#"select id, email, email_key, full_name
           from users
           where (id = $1 or email_key = $2) and deleted_at is null"#,
        user_id,
        key,
    )
    .fetch_all(&mut *db)
    .await?;
    let known = match user_id {
        None => true,
        Some(id) => {
            let exists = sqlx::query_scalar!(
                r#"select exists (select from users where id = $1) as "exists!""#,
                id,
            );
            exists.fetch_one(&mut *db).await?
        }
    };
    let ids: Vec<Uuid> = accounts.iter().map(|of| of.id).collect();
    let words = accounts.into_iter();
    let words = words.flat_map(|of| [of.email, of.email_key, of.full_name]);
    let mut words: Vec<String> = words.chain(key).collect();
    let addresses = sqlx::query!(
        "select name, line1, line2, phone from addresses where user_id = any($1)",
        &ids,
    )
    .fetch_all(&mut *db)
    .await?;
    for of in addresses {
        words.extend(
            [of.name, of.line1]
                .into_iter()
                .chain(of.line2)
                .chain(of.phone),
        );
    }
    Ok(known.then_some(words))
}
