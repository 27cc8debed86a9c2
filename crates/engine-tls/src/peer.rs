//! Who a peer is, by the certificate that it showed.

use rustls::pki_types::CertificateDer;
use vocabulary::ids::{AccountName, NodeName, NodeRole};

use crate::x509::Facts;

const NODE: &str = "bigskies:node:";
const ROLE: &str = "bigskies:role:";
const ACCOUNT: &str = "bigskies:account:";

/// Who showed a certificate of our own authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A process of ours.
    Node {
        /// Its name.
        name: NodeName,
        /// What it is for.
        role: NodeRole,
    },
    /// A client that has an account.
    Account(AccountName),
}

impl Peer {
    /// The names that stand for it in its certificate, as URIs.
    pub(crate) fn uris(&self) -> Vec<String> {
        match self {
            Self::Node { name, role } => vec![format!("{NODE}{name}"), format!("{ROLE}{role}")],
            Self::Account(name) => vec![format!("{ACCOUNT}{name}")],
        }
    }

    /// What its certificate is known by.
    pub(crate) fn domain(&self) -> String {
        match self {
            Self::Node { name, .. } => node_domain(name),
            Self::Account(name) => format!("account:{name}"),
        }
    }
}

/// What a node's certificate is known by.
pub(crate) fn node_domain(name: &NodeName) -> String {
    format!("node:{name}")
}

/// Who showed this chain, which must have been verified in a handshake with one of our configurations: only our own authority is
/// trusted there, and only it writes such names. Nothing where the certificate is a listener's.
pub fn peer_identity(chain: &[CertificateDer<'_>]) -> Option<Peer> {
    let facts = Facts::of(chain.first()?).ok()?;
    let one = |beginning: &str| {
        let mut found = facts.uris.iter().filter_map(|uri| uri.strip_prefix(beginning));
        // Two names would leave open which one is meant.
        found.next().filter(|_| found.next().is_none())
    };
    match (one(NODE), one(ROLE), one(ACCOUNT)) {
        (Some(name), Some(role), None) => Some(Peer::Node { name: name.parse().ok()?, role: role.parse().ok()? }),
        (None, None, Some(name)) => Some(Peer::Account(name.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn check(uris: &[&str], expected: Option<&str>) {
        let mut params = CertificateParams::new(vec!["sky.example.org".to_owned()]).unwrap();
        for uri in uris {
            params.subject_alt_names.push(SanType::URI((*uri).try_into().unwrap()));
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let found = peer_identity(&[certificate.der().clone()]).map(|peer| match peer {
            Peer::Node { name, role } => format!("{name} as {role}"),
            Peer::Account(name) => name.to_string(),
        });
        assert_eq!(found.as_deref(), expected, "{uris:?}");
    }

    #[test]
    fn who_it_is() {
        check(&[], None);
        check(&["bigskies:node:one", "bigskies:role:telescope"], Some("one as telescope"));
        check(&["https://example.org/", "bigskies:role:telescope", "bigskies:node:one"], Some("one as telescope"));
        check(&["bigskies:account:vera"], Some("vera"));
        check(&["bigskies:node:one"], None);
        check(&["bigskies:role:telescope"], None);
        check(&["bigskies:node:one", "bigskies:node:two", "bigskies:role:telescope"], None);
        check(&["bigskies:node:one", "bigskies:role:telescope", "bigskies:account:vera"], None);
        check(&["bigskies:account:vera", "bigskies:account:ada"], None);
        check(&["bigskies:account:vera/#"], None);
        check(&["bigskies:account:"], None);
        check(&["BIGSKIES:account:vera"], None);
        assert_eq!(peer_identity(&[]), None);
        assert_eq!(peer_identity(&[CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])]), None);
    }
}
