use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A value as it is sent today.
#[derive(Clone)]
pub struct Sample {
    /// The name of its type.
    pub of: &'static str,
    pub file: String,
    pub json: Value,
    reread: fn(&Value) -> serde_json::Result<Value>,
}

impl Sample {
    /// `name` tells it from other samples of its type, if there are any.
    pub fn new<T: Serialize + DeserializeOwned>(name: &str, value: &T) -> Self {
        let path = std::any::type_name::<T>();
        let of = path.rsplit("::").next().unwrap();
        Self {
            of,
            file: match name {
                "" => format!("{}.json", snake_case(of)),
                _ => format!("{}.{}.json", snake_case(of), snake_case(name)),
            },
            json: serde_json::to_value(value).unwrap(),
            reread: |json| serde_json::from_value::<T>(json.clone()).and_then(serde_json::to_value),
        }
    }

    /// What is made of a form of it when it is read, in today's form.
    pub fn reread(&self, form: &Value) -> serde_json::Result<Value> {
        (self.reread)(form)
    }

    /// Unless that form reads as the sample itself.
    pub fn complaint_about(&self, form: &Value, which_is: &str) -> Option<String> {
        let problem = match self.reread(form) {
            Ok(read) if read == self.json => return None,
            Ok(read) => format!("reads as {read}"),
            Err(error) => format!("cannot be read: {error}"),
        };
        Some(format!("`{}`, {which_is}, {problem}", self.file))
    }
}

/// `InsufficientStock` is `insufficient_stock`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// One sample of each variant: a new one does not compile until it has its own.
macro_rules! each_variant {
    ($of:ident { $($variant:ident $(($content:expr))? $({ $($field:tt)* })?),+ $(,)? }) => {{
        let name = |value: &$of| match value {
            $($of::$variant { .. } => stringify!($variant)),+
        };
        let values = [$($of::$variant $(($content))? $({ $($field)* })?),+];
        values.iter().map(|value| Sample::new(name(value), value)).collect::<Vec<_>>()
    }};
}
pub(crate) use each_variant;
