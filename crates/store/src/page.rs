//! Long lists come in pages: a limit and a cursor in, the rows and the next cursor out.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// How many rows a page has where nothing is said.
pub const DEFAULT_LIMIT: u32 = 100;
/// How many rows a page has at most.
pub const LIMIT_MAX: u32 = 1000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// How many rows at most; [`DEFAULT_LIMIT`] without it, never more than [`LIMIT_MAX`].
    pub limit: Option<u32>,
    /// Where the page before ended; nothing for the first page.
    pub cursor: Option<Cursor>,
}

/// Where a page ended. Opaque to who hands it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// One part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; nothing after the last one.
    pub next: Option<Cursor>,
}

impl Slice {
    /// The first page with `limit` rows.
    pub const fn first(limit: u32) -> Self {
        Self { limit: Some(limit), cursor: None }
    }

    pub(crate) fn rows(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LIMIT_MAX) as usize
    }

    /// One row more than wanted, to see whether there is a next page.
    pub(crate) fn rows_to_read(&self) -> i64 {
        self.rows() as i64 + 1
    }

    /// The text that the last page ended with.
    pub(crate) fn after(&self) -> Result<Option<String>, StoreError> {
        let wrong = || StoreError::invalid("cursor is not one that a list handed out");
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(&cursor.0).map_err(|_| wrong())?;
        String::from_utf8(bytes).map(Some).map_err(|_| wrong())
    }

    /// The number that the last page ended with.
    pub(crate) fn after_number(&self) -> Result<Option<i64>, StoreError> {
        let wrong = |_| StoreError::invalid("cursor is not one that a list handed out");
        self.after()?.map(|text| text.parse().map_err(wrong)).transpose()
    }
}

impl<T> Page<T> {
    /// A page of what [`Slice::rows_to_read`] brought; `end` is the text that the order goes by.
    pub(crate) fn of(mut items: Vec<T>, slice: &Slice, end: impl Fn(&T) -> String) -> Self {
        let more = items.len() > slice.rows();
        items.truncate(slice.rows());
        let next = items.last().filter(|_| more).map(|last| Cursor(URL_SAFE_NO_PAD.encode(end(last))));
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_three_rows() {
        for (limit, read, items, has_next) in [(2, 3, 2, true), (3, 3, 3, false), (0, 2, 1, true), (9, 3, 3, false)] {
            let slice = Slice::first(limit);
            let page = Page::of((0..read).collect(), &slice, i32::to_string);
            assert_eq!((page.items.len(), page.next.is_some()), (items, has_next), "limit {limit}");
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let slice = Slice::first(1);
        let next = Page::of(vec![41_i64, 42], &slice, i64::to_string).next;
        assert_eq!(Slice { limit: None, cursor: next }.after_number().unwrap(), Some(41));
        for wrong in ["!", "AP8", "YQ"] {
            let slice = Slice { limit: None, cursor: Some(Cursor(wrong.to_owned())) };
            assert!(slice.after_number().is_err(), "{wrong}");
        }
    }
}
