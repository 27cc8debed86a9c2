//! The account at a directory: made once, its key kept sealed.

use instant_acme::{Account, AccountBuilder, AccountCredentials, NewAccount};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use store::certificates::accounts::{self, AcmeAccount, credentials_place};
use vocabulary::ids::AcmeAccountId;

use super::{Directory, is_forgotten};
use crate::{TlsError, certificates::Inner};

/// The account at a directory, ready to be used.
pub(super) async fn of(inner: &Inner, directory: &Directory) -> Result<Account, TlsError> {
    match accounts::find(&inner.store, &directory.url).await? {
        Some(row) => kept(inner, directory, row).await,
        None => made(inner, directory).await,
    }
}

/// Forgets it, where the directory has.
pub(super) async fn forget(inner: &Inner, directory: &Directory) -> Result<(), TlsError> {
    let mut tx = inner.store.begin().await?;
    accounts::remove(&mut tx, &directory.url).await?;
    Ok(tx.commit().await?)
}

async fn kept(inner: &Inner, directory: &Directory, row: AcmeAccount) -> Result<Account, TlsError> {
    let place = credentials_place(&row.id);
    let credentials = inner.vault.open(&place, &row.credentials_sealed)?;
    let read = serde_json::from_slice::<AccountCredentials>(&credentials);
    let read = read.map_err(|e| TlsError::defect("reading an ACME account")(e.to_string()))?;
    let account = builder(directory)?.from_credentials(read).await.map_err(|e| directory.failed(&e))?;
    if row.contact != directory.contact {
        let contact = contact(directory);
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        match account.update_contacts(&contact).await {
            // Who orders with it finds that out too, and makes another.
            Err(error) if is_forgotten(&error) => return Ok(account),
            moved => moved.map_err(|e| directory.failed(&e))?,
        }
        let contact = directory.contact.clone();
        keep(inner, &AcmeAccount { contact, updated_at: inner.clock.now(), ..row }).await?;
    }
    Ok(account)
}

async fn made(inner: &Inner, directory: &Directory) -> Result<Account, TlsError> {
    let contact = contact(directory);
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let created = builder(directory)?.create(&wanted, directory.url.clone(), None).await;
    let (account, credentials) = created.map_err(|e| directory.failed(&e))?;
    let credentials = serde_json::to_vec(&credentials);
    let credentials = credentials.map_err(|e| TlsError::defect("writing an ACME account")(e.to_string()))?;
    let (id, now) = (AcmeAccountId::fresh(), inner.clock.now());
    let credentials_sealed = inner.vault.seal(&credentials_place(&id), &credentials)?;
    let row = AcmeAccount {
        id,
        directory_url: directory.url.clone(),
        contact: directory.contact.clone(),
        credentials_sealed,
        created_at: now,
        updated_at: now,
    };
    keep(inner, &row).await?;
    tracing::info!(directory = directory.url, "an account at an ACME directory was made");
    Ok(account)
}

async fn keep(inner: &Inner, row: &AcmeAccount) -> Result<(), TlsError> {
    let mut tx = inner.store.begin().await?;
    accounts::put(&mut tx, row).await?;
    Ok(tx.commit().await?)
}

fn builder(directory: &Directory) -> Result<AccountBuilder, TlsError> {
    if CryptoProvider::get_default().is_none() {
        // Its client of HTTP takes the process's; that there is one already is as good.
        let _ = aws_lc_rs::default_provider().install_default();
    }
    let building = match &directory.root_file {
        None => Account::builder(),
        Some(path) => {
            if let Err(source) = std::fs::metadata(path) {
                return Err(TlsError::File { path: path.clone(), source });
            }
            Account::builder_with_root(path)
        }
    };
    building.map_err(|e| directory.failed(&e))
}

fn contact(directory: &Directory) -> Vec<String> {
    let contact = &directory.contact;
    if contact.is_empty() { Vec::new() } else { vec![format!("mailto:{contact}")] }
}
