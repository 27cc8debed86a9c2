//! Topic rights as the plugin keeps them.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use catalog::{Access, topic};
use serde::{Deserialize, Serialize};
use vocabulary::ids::AccountName;

const PUBLISH: &str = "publishClientSend";
const RECEIVE: &str = "publishClientReceive";
const SUBSCRIBE: &str = "subscribePattern";

/// One line of a role: a topic or filter, and what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Acl {
    /// What may be done, in the plugin's word.
    #[serde(rename = "acltype")]
    pub kind: Cow<'static, str>,
    /// With what.
    pub topic: String,
    /// Lines with more come first; ours have none.
    #[serde(default)]
    pub priority: i64,
    /// Whether it may be done.
    #[serde(default)]
    pub allow: bool,
}

impl Acl {
    fn allowing(kind: &'static str, topic: impl Into<String>) -> Self {
        Self { kind: kind.into(), topic: topic.into(), priority: 0, allow: true }
    }

    fn publishing(topic: &str) -> Self {
        Self::allowing(PUBLISH, topic)
    }

    /// To read takes a subscription, alone or shared, and the deliveries.
    fn reading(filter: &str) -> [Self; 3] {
        [
            Self::allowing(RECEIVE, filter),
            Self::allowing(SUBSCRIBE, filter),
            Self::allowing(SUBSCRIBE, topic::shared(filter)),
        ]
    }
}

/// What one client may: what is its own alone, and what it shares with all who may the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRights {
    /// In its own role.
    pub own: Vec<Acl>,
    /// The name of the role with the rest.
    pub role: String,
    /// The rest.
    pub shared: Shape,
}

/// Lines that many may have.
pub type Shape = Arc<Vec<Acl>>;

impl ClientRights {
    /// Its own answers, and the lines of a role that is called so.
    pub fn new(account: &AccountName, role: String, shared: Shape) -> Self {
        Self { own: Acl::reading(&topic::clients_of(account)).into(), role, shared }
    }

    /// Lets the account command the plugin.
    pub(crate) fn add_commanding(&mut self) {
        self.own.push(Acl::publishing(topic::DYNAMIC_SECURITY));
        self.own.extend(Acl::reading(topic::DYNAMIC_SECURITY_RESPONSE));
    }
}

/// What `access` allows besides the account's own answers.
pub(crate) fn shape_of(account: &AccountName, access: &Access) -> Shape {
    let own = topic::clients_of(account);
    let publishing = access.publishes().into_iter().map(Acl::publishing);
    let reading = access.reads().into_iter().filter(|filter| *filter != own).flat_map(Acl::reading);
    Arc::new(publishing.chain(reading).collect())
}

/// What comes before a word or digest in the name of a role that clients may share.
pub(crate) const SHARED_ROLE: &str = "rights.";
/// What comes before the account in the name of its own role.
const OWN_ROLE: &str = "account.";

/// The role of all who are what `who` says.
pub(crate) fn shared_role(who: &str) -> String {
    format!("{SHARED_ROLE}{who}")
}

/// The role that an account has alone. Who has it is ours.
pub(crate) fn own_role(account: &str) -> String {
    format!("{OWN_ROLE}{account}")
}

/// The account whose own role this is.
pub(crate) fn account_of_role(role: &str) -> Option<&str> {
    role.strip_prefix(OWN_ROLE)
}

/// The first half of a SHA-256, in hexadecimal digits.
pub(crate) fn short_digest(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
