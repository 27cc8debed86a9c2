//! Certificates: those that are served or handed out, one for each domain, with sealed keys.
//!
//! A row of a domain that was asked for from an ACME directory may stand without a certificate until there is one.

pub mod accounts;
pub mod authorities;
pub mod challenges;
pub mod readers;
pub mod revocations;

use vocabulary::{
    Timestamp,
    ids::{CertificateId, NodeRole},
};

use crate::{Page, Slice, Store, StoreError, Tx, telescopes::words, tx::bounded};

/// What the database notifies when rows of this kind were changed.
pub const CHANNEL: &str = crate::changes::CERTIFICATES;
/// How many rows are read at once where all are wanted; an observatory has a few dozen.
const ROWS_MAX: i64 = 10_000;

words! {
    /// Where a certificate comes from.
    Kind {
        /// Signed with its own key, for development.
        SelfSigned = "self-signed",
        /// Issued by our own authority.
        Internal = "internal",
        /// Obtained from an ACME directory.
        Acme = "acme",
        /// Brought by an administrator.
        Imported = "imported",
    }
}

words! {
    /// What a certificate is for.
    Purpose {
        /// Shown by a listener to whoever comes.
        Server = "server",
        /// Shown by a process of ours to another, on both ends.
        Node = "node",
        /// Shown by a client that has an account; its key is not kept.
        Account = "account",
    }
}

words! {
    /// How the owner of a domain proves to an ACME directory that it is theirs (RFC 8555, section 8; RFC 8737).
    ChallengeKind {
        /// A file over HTTP on port 80.
        Http01 = "http-01",
        /// A certificate over TLS on port 443.
        TlsAlpn01 = "tls-alpn-01",
    }
}

/// A certificate's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its id.
    pub id: CertificateId,
    /// What it is known by: a DNS name or an address; `node:…` and `account:…` for those.
    pub domain: String,
    /// The DNS names and addresses that it is valid for.
    pub names: Vec<String>,
    /// Where it comes from.
    pub kind: Kind,
    /// What it is for.
    pub purpose: Purpose,
    /// What the node is for, where it is a node's.
    pub role: Option<NodeRole>,
    /// The certificate, once there is one.
    pub material: Option<Material>,
    /// How often it was tried to get or renew it since that worked last.
    pub attempts: u32,
    /// Before this it is not tried again.
    pub retry_after: Option<Timestamp>,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// The certificate itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// The chain, the certificate itself first.
    pub certificate_pem: String,
    /// The key, sealed for [`private_key_place`]; none where it was handed out.
    pub private_key_sealed: Option<String>,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Who issued it, as it says.
    pub issuer: String,
    /// When it becomes valid.
    pub not_before: Timestamp,
    /// When it ends to be valid.
    pub expires_at: Timestamp,
    /// When it should be renewed.
    pub renew_after: Timestamp,
}

/// The place for which a certificate's key is sealed.
pub fn private_key_place(id: &CertificateId) -> String {
    format!("tls_certificates|private_key_pem|{id}")
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    domain: String,
    names: Vec<String>,
    kind: String,
    purpose: String,
    role: Option<String>,
    certificate_pem: Option<String>,
    private_key_pem: Option<String>,
    serial: Option<String>,
    issuer: String,
    not_before: Option<time::OffsetDateTime>,
    expires_at: Option<time::OffsetDateTime>,
    renew_after: Option<time::OffsetDateTime>,
    attempts: i32,
    retry_after: Option<time::OffsetDateTime>,
    last_error: Option<String>,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

impl TryFrom<Row> for Certificate {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let role = row.role.map(id_of).transpose()?;
        let material = match (row.certificate_pem, row.serial, row.not_before, row.expires_at, row.renew_after) {
            (Some(certificate_pem), Some(serial), Some(not_before), Some(expires_at), Some(renew_after)) => {
                Some(Material {
                    certificate_pem,
                    private_key_sealed: row.private_key_pem,
                    serial,
                    issuer: row.issuer,
                    not_before: Timestamp::new(not_before),
                    expires_at: Timestamp::new(expires_at),
                    renew_after: Timestamp::new(renew_after),
                })
            }
            _ => None,
        };
        Ok(Self {
            id: id_of(row.id)?,
            domain: row.domain,
            names: row.names,
            kind: row.kind.parse()?,
            purpose: row.purpose.parse()?,
            role,
            material,
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            retry_after: row.retry_after.map(Timestamp::new),
            last_error: row.last_error,
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}

/// Keeps a new certificate, or what has changed of one; when the row was made stays.
///
/// # Errors
/// Its domain has a certificate under another id, or the database does not answer within the bounds.
pub async fn put(tx: &mut Tx, certificate: &Certificate) -> Result<(), StoreError> {
    let material = certificate.material.as_ref();
    let statement = sqlx::query!(
        "INSERT INTO tls_certificates
             (id, domain, names, kind, purpose, role, certificate_pem, private_key_pem, serial, issuer, not_before,
              expires_at, renew_after, attempts, retry_after, last_error, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (id) DO UPDATE SET domain = excluded.domain, names = excluded.names, kind = excluded.kind,
             purpose = excluded.purpose, role = excluded.role, certificate_pem = excluded.certificate_pem,
             private_key_pem = excluded.private_key_pem, serial = excluded.serial, issuer = excluded.issuer,
             not_before = excluded.not_before, expires_at = excluded.expires_at, renew_after = excluded.renew_after,
             attempts = excluded.attempts, retry_after = excluded.retry_after, last_error = excluded.last_error,
             updated_at = excluded.updated_at",
        certificate.id.as_str(),
        certificate.domain,
        &certificate.names,
        certificate.kind.as_str(),
        certificate.purpose.as_str(),
        certificate.role.as_ref().map(NodeRole::as_str),
        material.map(|m| m.certificate_pem.as_str()),
        material.and_then(|m| m.private_key_sealed.as_deref()),
        material.map(|m| m.serial.as_str()),
        material.map_or("", |m| m.issuer.as_str()),
        material.map(|m| m.not_before.instant()),
        material.map(|m| m.expires_at.instant()),
        material.map(|m| m.renew_after.instant()),
        i32::try_from(certificate.attempts).unwrap_or(i32::MAX),
        certificate.retry_after.map(Timestamp::instant),
        certificate.last_error.as_deref(),
        certificate.created_at.instant(),
        certificate.updated_at.instant()
    );
    let bound = tx.bound();
    let done = bounded("certificate put", bound, statement.execute(tx.connection())).await;
    done.map(|_| ()).map_err(|error| in_words(error, &certificate.domain))
}

/// Records that it could not be had or renewed, and when to try again. What is there stays.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn record_failure(
    tx: &mut Tx,
    id: &CertificateId,
    error: &str,
    retry_after: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE tls_certificates SET attempts = attempts + 1, last_error = $2, retry_after = $3, updated_at = $4
         WHERE id = $1",
        id.as_str(),
        error,
        retry_after.instant(),
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("certificate failure", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("certificate", id)) } else { Ok(()) }
}

/// Seals a key anew; nothing happens where it is not as it was read.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn reseal(tx: &mut Tx, id: &CertificateId, before: &str, after: &str) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE tls_certificates SET private_key_pem = $3 WHERE id = $1 AND private_key_pem = $2",
        id.as_str(),
        before,
        after
    );
    let bound = tx.bound();
    bounded("certificate reseal", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// The certificate of a domain.
///
/// # Errors
/// There is none, or the database does not answer within the bounds.
pub async fn get(store: &Store, domain: &str) -> Result<Certificate, StoreError> {
    find(store, domain).await?.ok_or_else(|| StoreError::not_found("certificate for", domain))
}

/// The certificate of a domain, if it has one.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn find(store: &Store, domain: &str) -> Result<Option<Certificate>, StoreError> {
    let row = store
        .read("certificate get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, domain, names, kind, purpose, role, certificate_pem, private_key_pem, serial, issuer,
                     not_before, expires_at, renew_after, attempts, retry_after, last_error, created_at, updated_at
                 FROM tls_certificates WHERE domain = $1",
                domain
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.map(Certificate::try_from).transpose()
}

/// The certificate with a serial number, if it is here.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn with_serial(store: &Store, serial: &str) -> Result<Option<Certificate>, StoreError> {
    let row = store
        .read("certificate by serial", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, domain, names, kind, purpose, role, certificate_pem, private_key_pem, serial, issuer,
                     not_before, expires_at, renew_after, attempts, retry_after, last_error, created_at, updated_at
                 FROM tls_certificates WHERE serial = $1 LIMIT 1",
                serial
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.map(Certificate::try_from).transpose()
}

/// The certificates, by domain.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, slice: &Slice) -> Result<Page<Certificate>, StoreError> {
    let certificates = after(store, slice.after()?, slice.rows_to_read()).await?;
    Ok(Page::of(certificates, slice, |certificate| certificate.domain.clone()))
}

/// All certificates, ten thousand at most, by domain.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn all(store: &Store) -> Result<Vec<Certificate>, StoreError> {
    after(store, None, ROWS_MAX).await
}

async fn after(store: &Store, after: Option<String>, limit: i64) -> Result<Vec<Certificate>, StoreError> {
    let after = after.as_deref();
    let rows = store
        .read("certificates list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, domain, names, kind, purpose, role, certificate_pem, private_key_pem, serial, issuer,
                     not_before, expires_at, renew_after, attempts, retry_after, last_error, created_at, updated_at
                 FROM tls_certificates WHERE $1::text IS NULL OR domain > $1 ORDER BY domain LIMIT $2",
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    rows.into_iter().map(Certificate::try_from).collect()
}

/// Removes the certificate of a domain.
///
/// # Errors
/// There is none, or the database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, domain: &str) -> Result<(), StoreError> {
    let statement = sqlx::query!("DELETE FROM tls_certificates WHERE domain = $1", domain);
    let bound = tx.bound();
    let done = bounded("certificate remove", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("certificate for", domain)) } else { Ok(()) }
}

/// The words of the operator for what the constraints say.
fn in_words(error: StoreError, domain: &str) -> StoreError {
    match error {
        StoreError::Conflict { what } if what.contains("certificate_of_domain") => {
            StoreError::Conflict { what: format!("{domain} has a certificate already") }
        }
        other => other,
    }
}

/// What an identifier of ours in a row is read as.
fn id_of<T: TryFrom<String, Error = vocabulary::ids::NotAnId>>(text: String) -> Result<T, StoreError> {
    T::try_from(text).map_err(|e| StoreError::unreadable("certificates", e))
}
