use actix_web::{HttpResponse, delete, get, web};
use garde::Validate;
use platform::auth::Caller;
use platform::{Cursor, Id, Limit, Page, Params, Problem};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::NO_STORE;
use crate::Module;
use crate::store::sessions::{self, Open};

/// A sign-in that goes on.
#[derive(Serialize, ToSchema)]
struct Session {
    id: Uuid,
    #[serde(with = "platform::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last refreshed, or opened.
    #[serde(with = "platform::rfc3339")]
    last_used_at: OffsetDateTime,
    /// Unless it is refreshed before.
    #[serde(with = "platform::rfc3339")]
    expires_at: OffsetDateTime,
    /// Of the last use, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, example = "Mozilla/5.0 (X11; Linux x86_64)")]
    user_agent: Option<String>,
    /// Of the last use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "203.0.113.7")]
    ip_address: Option<String>,
    /// Whether it is the one that asks.
    is_current: bool,
}

impl Session {
    fn seen_by(caller: Uuid) -> impl Fn(Open) -> Self {
        move |open| Self {
            id: open.id,
            created_at: open.created_at,
            last_used_at: open.used_at,
            expires_at: open.expires_at,
            user_agent: open.user_agent,
            ip_address: open.address,
            is_current: open.id == caller,
        }
    }
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(super) struct ListSessions {
    /// 1 to 100.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// List where you are signed in, the latest sign-in first
#[utoipa::path(
    tag = "users",
    params(ListSessions),
    responses((status = 200, description = "A page of sessions", body = Page<Session>)),
)]
#[get("/auth/sessions")]
pub(super) async fn list_sessions(
    module: web::Data<Module>,
    caller: Caller,
    params: Params<ListSessions>,
) -> Result<HttpResponse, Problem> {
    let before = params.0.cursor.map(|cursor| cursor.decode()).transpose()?;
    let limit = params.0.limit.unwrap_or_default();
    let open = sessions::list(&module.pool, caller.user_id, before, limit).await?;
    let page = Page::from_rows(open, limit, |session| session.id);
    let page = page.map(Session::seen_by(caller.session_id));
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(page))
}

/// Sign out a session of yours
///
/// Its refresh token is good no more; its access token stops working within 5 seconds.
#[utoipa::path(
    tag = "users",
    params(("id" = Uuid, Path, description = "Of the session")),
    responses((status = 204, description = "The session is over")),
)]
#[delete("/auth/sessions/{id}")]
pub(super) async fn end_session(
    module: web::Data<Module>,
    caller: Caller,
    Id(id): Id,
) -> Result<HttpResponse, Problem> {
    match sessions::end_by_id(&module.pool, caller.user_id, id).await? {
        true => Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish()),
        false => Err(Problem::not_found("session")),
    }
}
