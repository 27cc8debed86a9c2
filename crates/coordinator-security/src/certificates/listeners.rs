//! Certificates of listeners: asked for, brought along, renewed, removed, shown.

use catalog::{
    Done,
    security::{
        Certificate, CertificateOrder, Certificates, GetCertificate, ImportCertificate, ListCertificates,
        OneCertificate, RemoveCertificate, RenewCertificate, RequestCertificate,
    },
};
use engine_tls::PrivateKeyPem;
use vocabulary::Fault;

use crate::{Cx, shown};

/// Gets a certificate; answered when it is there.
pub(crate) async fn request(cx: Cx, request: RequestCertificate) -> Result<Certificate, Fault> {
    let RequestCertificate { domain, email, order, sans } = request;
    let contact = cx.settings().certificates.acme_contact.clone();
    if order == CertificateOrder::Letsencrypt && email.as_ref().is_some_and(|email| *email != contact) {
        // The directory has one account of ours, and one address with it.
        return Err(Fault::invalid("email is another than the one that the directory has of us")
            .hint("leave it out, or change the setting acme_contact"));
    }
    let made = match order {
        CertificateOrder::SelfSigned => cx.certificates.issue_self_signed(&domain, &sans).await,
        CertificateOrder::Internal => cx.certificates.issue_server(&domain, &sans).await,
        CertificateOrder::Letsencrypt => cx.certificates.order(&domain, &sans).await,
    };
    // An order that failed stands, and is tried again.
    cx.certificates_changed().await;
    Ok(shown::certificate(made?))
}

/// Renews one now.
pub(crate) async fn renew(cx: Cx, renew: RenewCertificate) -> Result<Certificate, Fault> {
    let renewed = cx.certificates.renew(&renew.domain).await;
    cx.certificates_changed().await;
    Ok(shown::certificate(renewed?))
}

/// All of them.
pub(crate) async fn list(cx: Cx, list: ListCertificates) -> Result<Certificates, Fault> {
    let page = cx.certificates.list(&shown::slice(list.limit, list.cursor)).await?;
    let certificates = page.items.into_iter().map(shown::certificate).collect();
    Ok(Certificates { certificates, next: shown::next(page.next) })
}

/// One of them, with its chain.
pub(crate) async fn get(cx: Cx, get: GetCertificate) -> Result<OneCertificate, Fault> {
    let found = cx.certificates.get(&get.domain).await?;
    let certificate_pem = found.certificate_pem.clone();
    Ok(OneCertificate { certificate: shown::certificate(found), certificate_pem })
}

/// Takes one that was made elsewhere.
pub(crate) async fn import(cx: Cx, import: ImportCertificate) -> Result<Certificate, Fault> {
    let key = PrivateKeyPem::new(import.private_key_pem.expose());
    let imported = cx.certificates.import(Some(&import.domain), &import.certificate_pem, &key).await?;
    cx.certificates_changed().await;
    Ok(shown::certificate(imported))
}

/// Takes one away.
pub(crate) async fn remove(cx: Cx, remove: RemoveCertificate) -> Result<Done, Fault> {
    cx.certificates.remove(&remove.domain).await?;
    cx.certificates_changed().await;
    Ok(Done {})
}
