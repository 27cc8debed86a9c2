//! The security coordinator's messages: who somebody is, what they may do, certificates, keys, and the audit trail.

mod audit;
mod auth;
mod authority;
mod certificate;
mod group;
mod key;
mod organisation;
mod password;
mod permission;
mod plugin;
mod role;
mod session;
mod totp;
mod user;

pub use audit::{
    AuditBreak, AuditBroken, AuditLines, AuditOutcome, AuditRow, AuditRows, AuditVerdict, ExportAudit, QueryAudit,
    VerifyAudit,
};
pub use auth::{
    AccountLocked, Login, LoginFailed, LoginRefusal, Logout, PublicKey, PublicKeys, Refresh, Revoked, Session,
    TokenRevoked, TokenValidity, Validate,
};
pub use authority::{
    Authority, GetAuthority, IssueAccountCertificate, IssueNodeCertificate, IssuedCertificate, RevocationReason,
    RevokeCertificate,
};
pub use certificate::{
    Certificate, CertificateExpiring, CertificateIssued, CertificateKind, CertificateOrder, CertificatePurpose,
    CertificateStatus, Certificates, GetCertificate, ImportCertificate, ListCertificates, OneCertificate,
    RemoveCertificate, RenewCertificate, RequestCertificate,
};
pub use group::{
    AddMember, CreateGroup, DeleteGroup, GetGroup, Group, Groups, ListGroups, OneGroup, RemoveMember, UpdateGroup,
};
pub use key::{ApiKey, ApiKeys, CreateKey, KeyCreated, ListKeys, RevokeKey};
pub use organisation::{
    CreateOrganisation, DeleteOrganisation, ListOrganisations, OneOrganisation, Organisation, Organisations,
    UpdateOrganisation,
};
pub use password::{ChangePassword, PasswordReset, ResetPassword, SetUp};
pub use permission::{
    CheckPermission, Decision, GrantPermission, Holder, ListPermissions, Permission, Permissions, RightsChange,
    RightsChanged, Rule, Ruling, WithdrawPermission,
};
pub use plugin::{
    AdmitPlugin, AdmittedPlugin, AdmittedPlugins, DismissPlugin, ListAdmittedPlugins, PluginAdmitted, PluginToken,
};
pub use role::{
    AssignRole, CreateRole, DeleteRole, GetRole, ListRoles, OneRole, RemoveRole, Role, Roles, UpdateRole, WhichRole,
};
pub use session::{EndSession, EndSessions, ListSessions, OpenSession, OpenSessions, SessionsEnded};
pub use totp::{ConfirmTotp, EnrolTotp, RecoveryCodes, RemoveTotp, TotpEnrolment};
pub use user::{
    CreateUser, DeleteUser, EnableUser, GetUser, ListUsers, Me, NewUser, OneUser, UnlockUser, UpdateUser, User,
    UserChange, UserChanged, UserCreated, Users, WhichUser, WhoAmI,
};

use vocabulary::{
    Fault,
    ids::{GroupId, NotAnId, RoleId, UserId},
};

use crate::Entry;

/// Its rows.
pub const MESSAGES: &[Entry] = &[
    Entry::command::<Login>(),
    Entry::command::<Refresh>(),
    Entry::command::<Validate>(),
    Entry::command::<Logout>(),
    Entry::command::<ListSessions>(),
    Entry::command::<EndSession>(),
    Entry::command::<EndSessions>(),
    Entry::command::<CreateUser>(),
    Entry::command::<GetUser>(),
    Entry::command::<ListUsers>(),
    Entry::command::<UpdateUser>(),
    Entry::command::<DeleteUser>(),
    Entry::command::<EnableUser>(),
    Entry::command::<UnlockUser>(),
    Entry::command::<Me>(),
    Entry::command::<ChangePassword>(),
    Entry::command::<ResetPassword>(),
    Entry::command::<SetUp>(),
    Entry::command::<EnrolTotp>(),
    Entry::command::<ConfirmTotp>(),
    Entry::command::<RemoveTotp>(),
    Entry::command::<CreateRole>(),
    Entry::command::<UpdateRole>(),
    Entry::command::<DeleteRole>(),
    Entry::command::<GetRole>(),
    Entry::command::<ListRoles>(),
    Entry::command::<AssignRole>(),
    Entry::command::<RemoveRole>(),
    Entry::command::<CreateGroup>(),
    Entry::command::<UpdateGroup>(),
    Entry::command::<DeleteGroup>(),
    Entry::command::<GetGroup>(),
    Entry::command::<ListGroups>(),
    Entry::command::<AddMember>(),
    Entry::command::<RemoveMember>(),
    Entry::command::<CheckPermission>(),
    Entry::command::<ListPermissions>(),
    Entry::command::<GrantPermission>(),
    Entry::command::<WithdrawPermission>(),
    Entry::command::<CreateOrganisation>(),
    Entry::command::<UpdateOrganisation>(),
    Entry::command::<ListOrganisations>(),
    Entry::command::<DeleteOrganisation>(),
    Entry::command::<RequestCertificate>(),
    Entry::command::<RenewCertificate>(),
    Entry::command::<ListCertificates>(),
    Entry::command::<GetCertificate>(),
    Entry::command::<ImportCertificate>(),
    Entry::command::<RemoveCertificate>(),
    Entry::command::<RevokeCertificate>(),
    Entry::command::<GetAuthority>(),
    Entry::command::<IssueNodeCertificate>(),
    Entry::command::<IssueAccountCertificate>(),
    Entry::command::<CreateKey>(),
    Entry::command::<ListKeys>(),
    Entry::command::<RevokeKey>(),
    Entry::command::<AdmitPlugin>(),
    Entry::command::<DismissPlugin>(),
    Entry::command::<ListAdmittedPlugins>(),
    Entry::command::<QueryAudit>(),
    Entry::command::<ExportAudit>(),
    Entry::command::<VerifyAudit>(),
    Entry::event::<UserCreated>(),
    Entry::event::<UserChanged>(),
    Entry::event::<RightsChanged>(),
    Entry::event::<LoginFailed>(),
    Entry::event::<AccountLocked>(),
    Entry::event::<TokenRevoked>(),
    Entry::event::<CertificateIssued>(),
    Entry::event::<CertificateExpiring>(),
    Entry::event::<AuditBroken>(),
    Entry::state::<PublicKeys>(),
    Entry::state::<Certificate>(),
    PluginToken::ENTRY,
];

/// The one of two fields that is given, as what the two tell apart.
fn exactly_one<T>(one: Option<T>, other: Option<T>, names: [&str; 2], hint: &str) -> Result<T, Fault> {
    let [first, second] = names;
    match (one, other) {
        (Some(given), None) | (None, Some(given)) => Ok(given),
        (None, None) => Err(Fault::invalid(format!("neither {first} nor {second} is given")).hint(hint)),
        (Some(_), Some(_)) => {
            Err(Fault::invalid(format!("both {first} and {second} are given")).hint("name only one of them"))
        }
    }
}

fn example_user() -> UserId {
    example_id("0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a21")
}

fn example_group() -> GroupId {
    example_id("0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a22")
}

fn example_role() -> RoleId {
    example_id("operator")
}

#[expect(clippy::expect_used, reason = "constants that the tests read")]
fn example_id<T: std::str::FromStr<Err = NotAnId>>(text: &str) -> T {
    text.parse().expect("an id")
}
