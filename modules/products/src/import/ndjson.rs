use std::collections::BTreeMap;

use iso_currency::Currency;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::category::Category;
use super::change::{Attributes, Change, Cleared, Names};

pub const NAMES: Names = Names {
    sku: "sku",
    name: "name",
    description: "description",
    price: "price.amount",
    category: "category",
    handle: "handle",
    on_hand: "stock.on_hand",
};

/// Reads one line: a JSON object with any of the fields that the module's documentation names.
pub fn read(raw: &[u8], currency: Currency) -> Result<Change, String> {
    let text = std::str::from_utf8(raw).map_err(|_| "the line is not valid UTF-8".to_owned())?;
    let fields: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "the line is not a JSON object".to_owned(),
            _ => format!("the line is not valid JSON: {}", without_line(&error)),
        })?;
    let mut fields = Fields { fields, within: "" };
    let change = Change {
        id: Uuid::nil(),
        sku: fields.text("sku")?.ok_or("sku: is required")?,
        name: fields.text("name")?,
        description: fields.text("description")?,
        price_minor: price(&mut fields, currency)?,
        category: category(&mut fields)?,
        handle: fields.clearable("handle", string)?,
        attributes: fields
            .take("attributes", object)?
            .map(attributes)
            .transpose()?,
        is_active: fields.take("is_active", |value| value.as_bool().ok_or("true or false"))?,
        on_hand: on_hand(&mut fields)?,
    };
    fields.refuse_others()?;
    change.check(&NAMES)?;
    Ok(change)
}

/// The attributes of a JSON object.
pub fn attributes(object: Map<String, Value>) -> Result<Attributes, String> {
    let map: Result<BTreeMap<_, _>, _> = object
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(format!("attributes.{name}: must be a string")),
        })
        .collect();
    map.map(Attributes::Replace)
}

fn price(fields: &mut Fields, currency: Currency) -> Result<Option<i64>, String> {
    let Some(price) = fields.take("price", object)? else {
        return Ok(None);
    };
    let mut price = Fields {
        fields: price,
        within: "price.",
    };
    let amount = price
        .take("amount", integer)?
        .ok_or("price.amount: is required")?;
    let code = price
        .text("currency")?
        .ok_or("price.currency: is required")?;
    if code != currency.code() {
        return Err(other_currency("price.currency", currency));
    }
    price.refuse_others()?;
    Ok(Some(amount))
}

pub fn other_currency(field: &str, currency: Currency) -> String {
    format!("{field}: must be {}, the shop's currency", currency.code())
}

fn category(fields: &mut Fields) -> Result<Option<Cleared<Category>>, String> {
    let path = fields.clearable("category", string)?;
    let slugs = fields.text("category_slug")?;
    let id = fields.clearable("category_id", |value| {
        let id = value.as_str().and_then(|text| Uuid::try_parse(text).ok());
        id.ok_or("the id of a category")
    })?;
    match (path, id, slugs) {
        (Some(Cleared::To(path)), None, slugs) => {
            Category::parse(&path, slugs.as_deref()).map(|path| Some(Cleared::To(path)))
        }
        (_, _, Some(_)) => Err("category_slug: goes with `category`".to_owned()),
        (Some(_), Some(_), _) => Err("category_id: give it or `category`, not both".to_owned()),
        (Some(Cleared::Clear), None, None) => Ok(Some(Cleared::Clear)),
        (None, Some(Cleared::To(id)), None) => Ok(Some(Cleared::To(Category::Id(id)))),
        (None, Some(Cleared::Clear), None) => Ok(Some(Cleared::Clear)),
        (None, None, None) => Ok(None),
    }
}

fn on_hand(fields: &mut Fields) -> Result<Option<i64>, String> {
    let Some(stock) = fields.take("stock", object)? else {
        return Ok(None);
    };
    let mut stock = Fields {
        fields: stock,
        within: "stock.",
    };
    let on_hand = stock
        .take("on_hand", integer)?
        .ok_or("stock.on_hand: is required")?;
    stock.refuse_others()?;
    Ok(Some(on_hand))
}

/// The members of an object that have not been taken yet.
struct Fields {
    fields: Map<String, Value>,
    within: &'static str,
}

type As<T> = Result<T, &'static str>;

impl Fields {
    fn take<T>(&mut self, name: &str, r#as: impl Fn(Value) -> As<T>) -> Result<Option<T>, String> {
        let within = self.within;
        let value = self.fields.remove(name).map(r#as).transpose();
        value.map_err(|wanted| format!("{within}{name}: must be {wanted}"))
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        self.take(name, string)
    }

    /// `null` clears the field.
    fn clearable<T>(
        &mut self,
        name: &str,
        r#as: impl Fn(Value) -> As<T>,
    ) -> Result<Option<Cleared<T>>, String> {
        self.take(name, |value| match value {
            Value::Null => Ok(Cleared::Clear),
            value => r#as(value).map(Cleared::To),
        })
    }

    fn refuse_others(&self) -> Result<(), String> {
        match self.fields.keys().next() {
            Some(other) => {
                let shown: String = other.chars().take(100).collect();
                Err(format!("{}{shown}: is not a writable field", self.within))
            }
            None => Ok(()),
        }
    }
}

fn string(value: Value) -> As<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("a string"),
    }
}

fn integer(value: Value) -> As<i64> {
    value.as_i64().ok_or("an integer")
}

fn object(value: Value) -> As<Map<String, Value>> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err("an object"),
    }
}

/// The line that serde_json tells is always 1 here and would only confuse.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => format!("{} at column {}", &text[..end], error.column()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(line: &str) -> Change {
        read(line.as_bytes(), Currency::EUR).unwrap()
    }

    #[test]
    fn reads_every_writable_field() {
        let change = good(
            r#"{"sku":"A","name":"N","description":"D","price":{"amount":5,"currency":"EUR"},
            "category":"X > Y","handle":"h","attributes":{"Size":"S"},"is_active":false,
            "stock":{"on_hand":3}}"#,
        );
        assert_eq!(change.price_minor, Some(5));
        assert_eq!(change.on_hand, Some(3));
        assert_eq!(change.is_active, Some(false));
        assert_eq!(change.attributes.unwrap().map()["Size"], "S");
        let Some(Cleared::To(Category::Path(levels))) = change.category else {
            panic!("a path");
        };
        assert_eq!(levels.len(), 2);
    }

    #[test]
    fn tells_absent_from_null() {
        assert_eq!(good(r#"{"sku":"A"}"#).handle, None);
        let cleared = good(r#"{"sku":"A","handle":null,"category":null}"#);
        assert_eq!(cleared.handle, Some(Cleared::Clear));
        assert_eq!(cleared.category, Some(Cleared::Clear));
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        for (line, field) in [
            (r#"{}"#, "sku: "),
            (r#"{"sku":1}"#, "sku: "),
            (r#"{"sku":null}"#, "sku: "),
            (r#"{"sku":"A","extra":1}"#, "extra: "),
            (r#"{"sku":"A","id":"x"}"#, "id: "),
            (r#"{"sku":"A","name":null}"#, "name: "),
            (r#"{"sku":"A","price":5}"#, "price: "),
            (
                r#"{"sku":"A","price":{"amount":1.5,"currency":"EUR"}}"#,
                "price.amount: ",
            ),
            (
                r#"{"sku":"A","price":{"amount":-1,"currency":"EUR"}}"#,
                "price.amount: ",
            ),
            (
                r#"{"sku":"A","price":{"amount":1,"currency":"USD"}}"#,
                "price.currency: ",
            ),
            (r#"{"sku":"A","price":{"amount":1}}"#, "price.currency: "),
            (
                r#"{"sku":"A","price":{"amount":1,"currency":"EUR","x":1}}"#,
                "price.x: ",
            ),
            (r#"{"sku":"A","stock":{"on_hand":-1}}"#, "stock.on_hand: "),
            (
                r#"{"sku":"A","stock":{"on_hand":1,"reserved":1}}"#,
                "stock.reserved: ",
            ),
            (r#"{"sku":"A","attributes":{"a":1}}"#, "attributes.a: "),
            (r#"{"sku":"A","name":"a\u0000"}"#, "name: "),
            (r#"{"sku":"A","category_id":"x"}"#, "category_id: "),
            (
                r#"{"sku":"A","category":"a","category_id":null}"#,
                "category_id: ",
            ),
            (r#"{"sku":"A","category_slug":"a"}"#, "category_slug: "),
            (r#"{"sku":"A","is_active":"true"}"#, "is_active: "),
        ] {
            let message = read(line.as_bytes(), Currency::EUR).unwrap_err();
            assert!(message.starts_with(field), "{line} -> {message}");
        }
        for line in [
            &b"{"[..],
            b"[]",
            b"1",
            b"\xff",
            b"{\"sku\":\"A\"} x",
            b"null",
        ] {
            assert!(read(line, Currency::EUR).is_err());
        }
        let nested = "[".repeat(100_000);
        assert!(read(nested.as_bytes(), Currency::EUR).is_err());
    }
}
