use actix_web::http::header;
use actix_web::{HttpResponse, delete, get, post, put, web};
use garde::Validate;
use platform::auth::Caller;
use platform::problem::ProblemDocument;
use platform::{Body, Cursor, Id, Limit, Page, Params, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::NO_STORE;
use crate::Module;
use crate::address::{Address, NewAddress};
use crate::book::BookError;
use crate::store::addresses;

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(super) struct ListAddresses {
    /// 1 to 100.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// List your addresses, the newest first
#[utoipa::path(
    tag = "users",
    params(ListAddresses),
    responses((status = 200, description = "A page of addresses", body = Page<Address>)),
)]
#[get("/users/me/addresses")]
pub(super) async fn list_addresses(
    module: web::Data<Module>,
    caller: Caller,
    params: Params<ListAddresses>,
) -> Result<HttpResponse, Problem> {
    let before = params.0.cursor.map(|cursor| cursor.decode()).transpose()?;
    let limit = params.0.limit.unwrap_or_default();
    let found = addresses::list(&module.pool, caller.user_id, before, limit).await?;
    let page = Page::from_rows(found, limit, |address| address.id);
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(page))
}

/// Add an address
///
/// The first one becomes the default.
#[utoipa::path(
    tag = "users",
    request_body = NewAddress,
    responses(
        (status = 201, description = "The address", body = Address,
         headers(("Location" = String, description = "Path of the address"))),
        (status = 409, description = "`too_many_addresses`: there are 100 already", body = ProblemDocument),
    ),
)]
#[post("/users/me/addresses")]
pub(super) async fn add_address(
    module: web::Data<Module>,
    caller: Caller,
    Body(new): Body<NewAddress>,
) -> Result<HttpResponse, Problem> {
    let address = module
        .add_address(caller.user_id, new.without_blanks())
        .await?;
    let location = format!("/api/v1/users/me/addresses/{}", address.id);
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, location))
        .insert_header(NO_STORE)
        .json(address))
}

/// Read an address
#[utoipa::path(
    tag = "users",
    params(("id" = Uuid, Path, description = "Of the address")),
    responses((status = 200, description = "The address", body = Address)),
)]
#[get("/users/me/addresses/{id}")]
pub(super) async fn get_address(
    module: web::Data<Module>,
    caller: Caller,
    Id(id): Id,
) -> Result<HttpResponse, Problem> {
    let address = addresses::by_id(&module.pool, caller.user_id, id).await?;
    let address = address.ok_or(BookError::Unknown)?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(address))
}

/// Replace an address
///
/// What is left out is not there afterwards. The default address stays the default one, until another
/// is made it.
#[utoipa::path(
    tag = "users",
    params(("id" = Uuid, Path, description = "Of the address")),
    request_body = NewAddress,
    responses((status = 200, description = "The address as it is now", body = Address)),
)]
#[put("/users/me/addresses/{id}")]
pub(super) async fn replace_address(
    module: web::Data<Module>,
    caller: Caller,
    Id(id): Id,
    Body(new): Body<NewAddress>,
) -> Result<HttpResponse, Problem> {
    let address = module
        .replace_address(caller.user_id, id, new.without_blanks())
        .await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(address))
}

/// Delete an address
///
/// When it was the default one, the newest of the others becomes it. Orders keep the address that they
/// were placed with.
#[utoipa::path(
    tag = "users",
    params(("id" = Uuid, Path, description = "Of the address")),
    responses((status = 204, description = "It is gone")),
)]
#[delete("/users/me/addresses/{id}")]
pub(super) async fn delete_address(
    module: web::Data<Module>,
    caller: Caller,
    Id(id): Id,
) -> Result<HttpResponse, Problem> {
    module.delete_address(caller.user_id, id).await?;
    Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish())
}
