//! `bigskies admin certificate`: certificates of listeners, and those of our own authority.

mod tables;

use std::path::{Path, PathBuf};

use catalog::{
    Paging, Secret,
    security::{
        CertificateOrder, GetAuthority, GetCertificate, ImportCertificate, IssueAccountCertificate,
        IssueNodeCertificate, IssuedCertificate, ListCertificates, RemoveCertificate, RenewCertificate,
        RequestCertificate, RevocationReason, RevokeCertificate,
    },
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use vocabulary::{
    Fault,
    ids::{AccountName, NodeName, NodeRole},
};

use crate::terminal::{
    admin::certificate::tables::{details, rows},
    client::Client,
    output::{Ending, Output},
    pages, private_file,
};

/// What to do with certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum Certificate {
    /// Get a certificate for a listener. It is served as soon as it is there.
    Request(RequestArgs),
    /// Renew a certificate now, from where it came.
    #[command(after_help = "Example:\n  bigskies admin certificate renew sky.example.org")]
    Renew(DomainArgs),
    /// Show certificates.
    #[command(after_help = "Example:\n  bigskies admin certificate list")]
    List,
    /// Show one certificate, without its key.
    #[command(after_help = "Example:\n  bigskies admin certificate show sky.example.org")]
    Show(DomainArgs),
    /// Bring a certificate along, with its key. It is served at once.
    Import(ImportArgs),
    /// Take a certificate and its key away. It is not served any more.
    #[command(after_help = "Example:\n  bigskies admin certificate remove sky.example.org")]
    Remove(DomainArgs),
    /// Revoke a certificate of our own authority.
    #[command(after_help = "Example:\n  bigskies admin certificate revoke 3f1f9a27 --reason key-compromise")]
    Revoke {
        /// Its serial number, in hexadecimal, as `list` shows it.
        serial: String,
        /// Why.
        #[arg(long, value_enum, default_value_t = Reason::Unspecified)]
        reason: Reason,
    },
    /// Show the certificates of our own authority, for those who are to trust it.
    #[command(after_help = "Example:\n  bigskies admin certificate authority --out authority.pem")]
    Authority {
        /// Write them to this file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Issue a certificate for a process of ours, and write it with its key.
    Node(NodeArgs),
    /// Issue a certificate with which an account connects, and write it with its key.
    #[command(after_help = "Example:\n  bigskies admin certificate account ann --out ~/certificates")]
    Account {
        /// The account.
        account: AccountName,
        /// The folder to write to; this one where nothing is said.
        #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
        out: PathBuf,
    },
}

/// Which certificate.
#[derive(Debug, Args)]
pub(crate) struct DomainArgs {
    /// What it is known by, as `list` shows it.
    domain: String,
}

/// What is wanted.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bigskies admin certificate request sky.example.org --from letsencrypt --email ann@example.org"
)]
pub(crate) struct RequestArgs {
    /// The name that it is for: a DNS name or, but for an ACME directory, an address.
    domain: String,
    /// From where.
    #[arg(long, value_enum, default_value_t = Source::Internal)]
    from: Source,
    /// Whom the ACME directory writes to; by the setting where nothing is said.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// One more name that it is for; may be given several times.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
}

/// What is brought along.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bigskies admin certificate import sky.example.org --certificate fullchain.pem --key privkey.pem"
)]
pub(crate) struct ImportArgs {
    /// The name that it is to be served for.
    domain: String,
    /// The chain (PEM), the certificate itself first.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Which process.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bigskies admin certificate node telescope-1 --role telescope --host dome.example.org --out /etc/bigskies"
)]
pub(crate) struct NodeArgs {
    /// The process.
    name: NodeName,
    /// What it is: the name of a coordinator or of a face; its own name where nothing is said.
    #[arg(long, value_name = "ROLE")]
    role: Option<NodeRole>,
    /// A DNS name or address at which others reach it, besides its own machine's; may be given several times.
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// The folder to write to; this one where nothing is said.
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    out: PathBuf,
}

/// From where a certificate is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// Signed with its own key, for development.
    SelfSigned,
    /// From our own authority, for those who trust it.
    Internal,
    /// From the ACME directory of the settings, which is Let's Encrypt's where nothing is said.
    #[value(alias = "acme")]
    Letsencrypt,
}

impl From<Source> for CertificateOrder {
    fn from(source: Source) -> Self {
        match source {
            Source::SelfSigned => Self::SelfSigned,
            Source::Internal => Self::Internal,
            Source::Letsencrypt => Self::Letsencrypt,
        }
    }
}

/// Why a certificate is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reason {
    /// It is not said.
    Unspecified,
    /// Somebody else has the key.
    KeyCompromise,
    /// Its owner is called otherwise, or belongs elsewhere.
    AffiliationChanged,
    /// There is another one.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// Its owner may not have it any more.
    PrivilegeWithdrawn,
}

impl From<Reason> for RevocationReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Unspecified => Self::Unspecified,
            Reason::KeyCompromise => Self::KeyCompromise,
            Reason::AffiliationChanged => Self::AffiliationChanged,
            Reason::Superseded => Self::Superseded,
            Reason::CessationOfOperation => Self::CessationOfOperation,
            Reason::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
        }
    }
}

/// Does it.
pub(crate) async fn run(certificate: Certificate, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match certificate {
        Certificate::Request(RequestArgs { domain, from, email, names }) => {
            let request = RequestCertificate { domain, email, order: from.into(), sans: names };
            let reply = client.ask(&request).await?;
            out.show(&reply, |paint| details(paint, &reply))
        }
        Certificate::Renew(DomainArgs { domain }) => {
            let reply = client.ask(&RenewCertificate { domain }).await?;
            out.show(&reply, |paint| details(paint, &reply))
        }
        Certificate::List => {
            let question = |Paging { limit, cursor }| ListCertificates { limit, cursor };
            let all = pages::all(client, question, |page| (page.certificates, page.next)).await?;
            out.show(&json!({ "certificates": all }), |paint| rows(paint, &all))
        }
        Certificate::Show(DomainArgs { domain }) => {
            let reply = client.ask(&GetCertificate { domain }).await?;
            out.show(&reply, |paint| format!("{}\n\n{}", details(paint, &reply.certificate), reply.certificate_pem))
        }
        Certificate::Import(arguments) => {
            let reply = client.ask(&import(arguments)?).await?;
            out.show(&reply, |paint| details(paint, &reply))
        }
        Certificate::Remove(DomainArgs { domain }) => {
            let reply = client.ask(&RemoveCertificate { domain: domain.clone() }).await?;
            out.show(&reply, |_| format!("certificate of {domain} is removed"))
        }
        Certificate::Revoke { serial, reason } => {
            let revoke = RevokeCertificate { serial: serial.clone(), reason: reason.into() };
            let reply = client.ask(&revoke).await?;
            out.show(&reply, |_| format!("certificate {serial} is revoked"))
        }
        Certificate::Authority { out: file } => authority(file, client, out).await,
        Certificate::Node(NodeArgs { name, role, hosts, out: folder }) => {
            let stem = name.to_string();
            let issued = client.ask(&IssueNodeCertificate { name, role, hosts }).await?;
            keep(&issued, &folder, &stem, out)
        }
        Certificate::Account { account, out: folder } => {
            let stem = account.to_string();
            let issued = client.ask(&IssueAccountCertificate { username: account }).await?;
            keep(&issued, &folder, &stem, out)
        }
    }
}

fn import(arguments: ImportArgs) -> Result<ImportCertificate, Fault> {
    let ImportArgs { domain, certificate, key } = arguments;
    let read = |file: &Path| {
        std::fs::read_to_string(file).map_err(|e| {
            Fault::invalid(format!("{} can't be read: {e}", file.display())).hint("name a file in PEM that is yours")
        })
    };
    Ok(ImportCertificate { certificate_pem: read(&certificate)?, private_key_pem: Secret::new(read(&key)?), domain })
}

async fn authority(file: Option<PathBuf>, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let reply = client.ask(&GetAuthority {}).await?;
    let Some(file) = file else { return out.show(&reply, |_| reply.authorities_pem.clone()) };
    private_file::write(&file, reply.authorities_pem.as_bytes())?;
    out.show(&json!({ "authorities": file }), |_| format!("{} holds the authority", file.display()))
}

/// Writes what was issued: chain, key and authority, each in a file that its owner alone reads.
fn keep(issued: &IssuedCertificate, folder: &Path, stem: &str, out: &mut Output) -> Result<(), Ending> {
    let file = |end: &str| folder.join(format!("{stem}{end}"));
    let (chain, key, authorities) = (file(".pem"), file(".key"), file(".authority.pem"));
    private_file::write(&key, issued.private_key_pem.expose().as_bytes())?;
    private_file::write(&chain, issued.certificate_pem.as_bytes())?;
    private_file::write(&authorities, issued.authorities_pem.as_bytes())?;
    let result = json!({
        "certificate": issued.certificate,
        "files": { "certificate": chain, "private_key": key, "authorities": authorities },
    });
    out.show(&result, |paint| {
        let shown = details(paint, &issued.certificate);
        let files = [chain, key, authorities].map(|file| file.display().to_string()).join(", ");
        format!("{shown}\n\nwritten: {files}")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use catalog::Shape as _;

    use super::*;
    use crate::terminal::output::Form;

    #[test]
    fn what_is_issued_is_written_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Output::new(Form::Json);
        keep(&IssuedCertificate::example(), folder.path(), "ann", &mut out).unwrap();
        for (name, label) in
            [("ann.pem", "CERTIFICATE"), ("ann.key", "PRIVATE KEY"), ("ann.authority.pem", "CERTIFICATE")]
        {
            let path = folder.path().join(name);
            assert!(std::fs::read_to_string(&path).unwrap().contains(&format!("BEGIN {label}")), "{name}");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn what_can_be_ordered() {
        for source in Source::value_variants() {
            let word = source.to_possible_value().unwrap().get_name().to_owned();
            assert_eq!(serde_json::to_value(CertificateOrder::from(*source)).unwrap(), word);
        }
        for reason in Reason::value_variants() {
            let word = reason.to_possible_value().unwrap().get_name().to_owned();
            assert_eq!(serde_json::to_value(RevocationReason::from(*reason)).unwrap(), word);
        }
    }
}
