//! Text that must not be shown: passwords, tokens, keys.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

/// A secret on its way. It travels as plain text, on private topics only, and prints as `***`.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A derived one would quote what is no text, and a password of digits alone is easily sent as a number.
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("a secret is not text: send it as a JSON string")),
        }
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret: Secret = serde_json::from_value(json!("hunter2")).unwrap();
        assert_eq!((format!("{:?}", Some(&secret)).as_str(), secret.expose()), ("Some(***)", "hunter2"));
        assert_eq!(json!(secret), json!("hunter2"));
        for wrong in [json!(1234), json!(["hunter2"]), json!({ "hunter2": 1 }), json!(null), json!(true)] {
            let refusal = serde_json::from_value::<Secret>(wrong.clone()).unwrap_err().to_string();
            assert_eq!(refusal, "a secret is not text: send it as a JSON string", "{wrong}");
        }
    }
}
