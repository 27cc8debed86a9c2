//! Changing one field of the file: everything else, comments too, stays as a person wrote it.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table};

use super::layers::value_of;
use crate::failure::{Failure, Reason};

/// The file's text with this field set, or taken away where there is no value.
///
/// # Errors
/// Where the text is not TOML, or a part of the way to the field is no table.
pub fn set(path: &Path, text: &str, field: &str, value: Option<&str>) -> Result<String, Failure> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        Failure::new(Reason::Configuration, format!("{}: {}", path.display(), error.message()))
            .hint("mend the file by hand first: `observatory config edit`")
    })?;
    let keys: Vec<&str> = field.split('.').collect();
    let Some((last, before)) = keys.split_last().filter(|_| keys.iter().all(|key| !key.is_empty())) else {
        return Err(Failure::new(Reason::Configuration, format!("`{field}` names no field"))
            .hint("name it as `observatory config show --origin` does"));
    };
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for key in before {
        if !table.contains_key(key) {
            let mut implicit = Table::new();
            implicit.set_implicit(true);
            table.insert(key, Item::Table(implicit));
        }
        let next = table.get_mut(key).and_then(Item::as_table_like_mut);
        table = next.ok_or_else(|| {
            Failure::new(Reason::Configuration, format!("`{key}` of `{field}` is no table in {}", path.display()))
                .hint("name it as `observatory config show --origin` does")
        })?;
    }
    match value {
        None => {
            table.remove(last);
        }
        Some(value) => {
            let written = value_of(value).to_string();
            let new: toml_edit::Value = written.parse().map_err(|error| {
                Failure::new(Reason::Defect, format!("`{value}` can't be written as TOML: {error}"))
            })?;
            match table.get_mut(last) {
                Some(Item::Value(old)) => {
                    let decor = old.decor().clone();
                    *old = new;
                    *old.decor_mut() = decor;
                }
                _ => {
                    table.insert(last, Item::Value(new));
                }
            }
        }
    }
    Ok(document.to_string())
}
