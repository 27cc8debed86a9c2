//! What our own authority issues to be handed out, and what it revokes.

use catalog::{
    Done, Secret,
    security::{
        Authority, GetAuthority, IssueAccountCertificate, IssueNodeCertificate, IssuedCertificate, RevocationReason,
        RevokeCertificate,
    },
};
use engine_tls::{Issued, RevocationReason as Reason};
use vocabulary::{Fault, ids::NodeRole};

use crate::{Cx, faults::of_accounts, guards, shown};

/// The certificates of our authority, which everybody may have.
pub(crate) async fn authority(cx: Cx, _: GetAuthority) -> Result<Authority, Fault> {
    Ok(Authority { authorities_pem: cx.certificates.authorities_pem() })
}

/// Issues one for a process of ours, which may do more with it than any user.
pub(crate) async fn node(cx: Cx, issue: IssueNodeCertificate) -> Result<IssuedCertificate, Fault> {
    guards::administrator(&cx, "have a certificate issued that stands for a process of the platform")?;
    let IssueNodeCertificate { name, role, hosts } = issue;
    let role: NodeRole = match role {
        Some(role) => role,
        None => name.as_str().parse().map_err(|_| Fault::invalid(format!("{name} is no role")))?,
    };
    cx.note("role", role.as_str());
    let issued = cx.certificates.issue_node(&name, &role, &hosts).await?;
    handed_out(&cx, issued).await
}

/// Issues one for an account, with which somebody can act as it.
pub(crate) async fn account(cx: Cx, issue: IssueAccountCertificate) -> Result<IssuedCertificate, Fault> {
    let user = cx.accounts.user_of_name(&issue.username).await.map_err(of_accounts)?;
    guards::take_over(&cx, &user).await?;
    let issued = cx.certificates.issue_account(&user.username).await?;
    handed_out(&cx, issued).await
}

async fn handed_out(cx: &Cx, issued: Issued) -> Result<IssuedCertificate, Fault> {
    cx.note("serial", issued.certificate.serial.as_str());
    cx.certificates_changed().await;
    let certificate_pem = issued.certificate.certificate_pem.clone();
    Ok(IssuedCertificate {
        certificate: shown::certificate(issued.certificate),
        certificate_pem,
        private_key_pem: Secret::new(issued.private_key_pem.expose()),
        authorities_pem: issued.authorities_pem,
    })
}

/// Revokes one by its serial number.
pub(crate) async fn revoke(cx: Cx, revoke: RevokeCertificate) -> Result<Done, Fault> {
    let revoked = cx.certificates.revoke(&revoke.serial, reason(revoke.reason)).await?;
    if let Some(certificate) = revoked {
        cx.note("domain", certificate.domain);
    }
    cx.certificates_changed().await;
    Ok(Done {})
}

const fn reason(reason: RevocationReason) -> Reason {
    match reason {
        RevocationReason::Unspecified => Reason::Unspecified,
        RevocationReason::KeyCompromise => Reason::KeyCompromise,
        RevocationReason::AffiliationChanged => Reason::AffiliationChanged,
        RevocationReason::Superseded => Reason::Superseded,
        RevocationReason::CessationOfOperation => Reason::CessationOfOperation,
        RevocationReason::PrivilegeWithdrawn => Reason::PrivilegeWithdrawn,
    }
}
