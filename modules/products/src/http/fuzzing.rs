//! What comes with a request, without the request.

use actix_web::FromRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::test::TestRequest;
use garde::Validate;
use platform::{Cursor, Limit, MergePatch, Page, Problem, body, params};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::body::{NewProduct, ProductBody, ProductPatch};
use super::categories::CategoryBody;
use super::list::ListQuery;
use super::stock::{AdjustmentsQuery, StockAdjustment, StockLevel};
use crate::catalogue::cursor::{Position, Sort};
use crate::catalogue::list::Filter;

const SORTS: [Sort; 5] = [
    Sort::Relevance,
    Sort::Newest,
    Sort::Price,
    Sort::PriceDescending,
    Sort::Name,
];

/// Panics when a cursor that a list takes would not lead to the same place again.
pub fn cursor(text: &str, sort: u8, query: Option<&str>) {
    let sort = SORTS[usize::from(sort) % SORTS.len()];
    let decode = |cursor: &Cursor| Position::decode(cursor, sort, query, &Filter::default());
    let Ok(position) = decode(&cursor_of(text)) else {
        return;
    };
    let Ok(limit) = Limit::try_from(1) else {
        return;
    };
    let page = Page::from_rows(vec![(), ()], limit, |()| position.clone());
    let given = page.next_cursor.unwrap_or_default();
    match decode(&cursor_of(&given)) {
        Ok(again) => assert_eq!(again, position),
        Err(problem) => panic!("{position:?} was given out and refused: {problem}"),
    }
}

fn cursor_of(text: &str) -> Cursor {
    match serde_json::from_value(text.into()) {
        Ok(cursor) => cursor,
        Err(error) => panic!("any text is a cursor at first: {error}"),
    }
}

/// Reads a body or a query of this kind; answers with the status that refuses it.
pub async fn request(kind: u8, bytes: &[u8]) -> Result<(), u16> {
    let read = match kind % 8 {
        0 => taken::<NewProduct>(bytes),
        1 => taken::<ProductBody>(bytes),
        2 => taken::<CategoryBody>(bytes),
        3 => taken::<StockLevel>(bytes),
        4 => taken::<StockAdjustment>(bytes),
        5 => params::parse::<ListQuery>(bytes).map(drop),
        6 => params::parse::<AdjustmentsQuery>(bytes).map(drop),
        _ => patch(bytes).await,
    };
    read.map_err(|problem| problem.status().as_u16())
}

fn taken<T>(bytes: &[u8]) -> Result<(), Problem>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    body::parse::<T>(bytes).map(drop)
}

/// Panics when a patch that was applied is refused, or changes more, the second time.
async fn patch(bytes: &[u8]) -> Result<(), Problem> {
    let request = TestRequest::patch().insert_header((CONTENT_TYPE, "application/json"));
    let (request, mut payload) = request.set_payload(bytes.to_vec()).to_http_parts();
    let patch = MergePatch::<ProductPatch>::from_request(&request, &mut payload).await?;
    let before: ProductBody = whole(json!({
        "sku": "MUG", "name": "Mug", "price": { "amount": 1250, "currency": "EUR" },
        "handle": "mug", "attributes": { "size": "large", "colour": "blue" },
    }));
    let once = patch.apply(&before)?;
    let twice = patch.apply(&once)?;
    assert_eq!(plain(&once), plain(&twice));
    Ok(())
}

fn whole(json: Value) -> ProductBody {
    match serde_json::from_value(json) {
        Ok(body) => body,
        Err(error) => panic!("{error}"),
    }
}

fn plain(body: &ProductBody) -> Option<Value> {
    serde_json::to_value(body).ok()
}
