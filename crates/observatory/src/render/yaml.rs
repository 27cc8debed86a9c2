//! YAML whose keys stand in the order in which they are given.

use serde_norway::{Mapping, Value};

use crate::failure::{Failure, Reason};

/// A mapping of these pairs; those whose value is null are left out.
pub(crate) fn map<K: Into<String>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Value {
    let mut mapping = Mapping::new();
    for (key, value) in pairs.into_iter().filter(|(_, value)| !value.is_null()) {
        mapping.insert(Value::String(key.into()), value);
    }
    Value::Mapping(mapping)
}

/// A sequence of these.
pub(crate) fn list<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Value {
    Value::Sequence(values.into_iter().map(Into::into).collect())
}

/// A text.
pub(crate) fn text(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

/// The document, with one sentence above it.
pub(crate) fn document(sentence: &str, value: &Value) -> Result<String, Failure> {
    let yaml = serde_norway::to_string(value)
        .map_err(|error| Failure::new(Reason::Defect, format!("YAML can't be written: {error}")))?;
    Ok(format!("# {sentence}\n{yaml}"))
}
