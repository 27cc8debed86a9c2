//! Fields that many messages share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which page of a list is wanted. A message has the two fields itself, since unknown fields are refused and serde can't flatten then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Paging {
    /// At most so many items; 100 where nothing is said, 1000 at most.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Paging {
    /// From the two fields of a message.
    pub const fn new(limit: Option<u32>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// The number of items of a page, from 1 to 1000.
    pub fn size(&self) -> u32 {
        self.limit.unwrap_or(100).clamp(1, 1000)
    }
}
