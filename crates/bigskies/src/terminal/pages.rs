//! Lists that come in pages, read to their end.

use catalog::{Command, Paging};
use vocabulary::Fault;

use crate::terminal::client::Client;

/// How many items are asked for at once.
const PAGE: u32 = 1000;
/// How many pages are read at most.
const PAGES_MAX: usize = 100;

/// All items of a list. `question` asks for a page, `content` takes out of the answer what is on it and where the next begins.
///
/// # Errors
/// What the owner says.
pub(crate) async fn all<C: Command, T>(
    client: &Client,
    question: impl Fn(Paging) -> C,
    content: impl Fn(C::Reply) -> (Vec<T>, Option<String>),
) -> Result<Vec<T>, Fault> {
    let mut all = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let (items, next) = content(client.ask(&question(Paging::new(Some(PAGE), cursor))).await?);
        all.extend(items);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(all)
}
