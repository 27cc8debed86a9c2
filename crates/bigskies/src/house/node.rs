//! The node's login at the broker, and those of its roles, which derive from it.

use std::path::Path;

use bus::{BrokerKind, Credentials};
use catalog::{Face, Party};
use vocabulary::{Fault, ids::AccountName};

use crate::data_folder::credentials_file;

/// The name of the node's account.
#[expect(clippy::expect_used, reason = "a constant that is a name")]
pub(crate) fn node() -> AccountName {
    "node".parse().expect("a name")
}

/// As whom everybody counts where everybody is let in.
#[expect(clippy::expect_used, reason = "a constant that is a name")]
pub(crate) fn operator() -> AccountName {
    "operator".parse().expect("a name")
}

/// Reads the node's login from the data folder, or makes one there.
pub(crate) fn read_or_make(data: &Path) -> Result<Credentials, Fault> {
    Ok(Credentials::read_or_make(&credentials_file(data, node().as_str()), node(), BrokerKind::Embedded)?)
}

/// The login of a face.
pub(crate) fn of_face(credentials: Option<&Credentials>, face: Face) -> Result<Option<Credentials>, Fault> {
    let account = Party::Face(face).account().map_err(|e| Fault::internal(e.to_string()))?;
    credentials.map(|credentials| credentials.for_role(&account)).transpose()
}
