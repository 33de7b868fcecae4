//! Cursors: any text is refused or is one, and what is one can be given out again.
use std::fmt::Debug;

use crate::choices;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::{Cursor, Limit, Page};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub fn run(data: &[u8]) {
    let Some(([form, sort], rest)) = choices(data) else {
        return;
    };
    // As it is, or as what stands within one.
    let text = match form % 2 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        _ => URL_SAFE_NO_PAD.encode(rest),
    };
    again::<(i64, Uuid)>(&text);
    again::<(String, Uuid)>(&text);
    again::<(Uuid, i64)>(&text);
    again::<Uuid>(&text);
    for query in [None, Some("mug")] {
        products::fuzzing::cursor(&text, sort, query);
    }
}

fn again<K>(text: &str)
where
    K: Clone + Debug + PartialEq + Serialize + DeserializeOwned,
{
    let Ok(key) = cursor(text).decode::<K>() else {
        return;
    };
    let limit = Limit::try_from(1).unwrap();
    let page = Page::from_rows(vec![(), ()], limit, |()| key.clone());
    let given = page.next_cursor.unwrap();
    assert_eq!(cursor(&given).decode::<K>().unwrap(), key);
}

fn cursor(text: &str) -> Cursor {
    serde_json::from_value(text.into()).unwrap()
}
