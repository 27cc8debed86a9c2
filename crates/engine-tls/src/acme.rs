//! ACME (RFC 8555): orders of certificates from a directory, with an account that is kept.

mod account;

use std::{path::PathBuf, time::Duration};

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus, RetryPolicy,
    RevocationReason as AcmeReason, RevocationRequest,
};
use store::certificates::{
    self, ChallengeKind, challenges, challenges::Challenge, readers, revocations::RevocationReason,
};

use crate::{
    TlsError, TlsSettings,
    certificates::Inner,
    error::AcmeFailure,
    pem,
    workshop::{self, Made},
};

/// How long an order may take as a whole.
const ORDER_BOUND: Duration = Duration::from_secs(150);
/// How long is waited for the directory to look at the challenges, and to issue.
const POLL_BOUND: Duration = Duration::from_secs(60);
/// How long a question to a directory may take where no order is under way.
const QUESTION_BOUND: Duration = Duration::from_secs(30);
/// How often an order is begun where the same again may work.
const TRIES: u32 = 3;
/// How long is waited for the faces in other processes to read the answers before the directory is asked to look, since it counts every
/// look in vain, and some look within a millisecond. They hear of them at once and need hundredths of a second; one that needs longer
/// hangs, and the others may be asked.
const READING_BOUND: Duration = Duration::from_secs(5);
/// How often it is seen whether they have.
const READING_TICK: Duration = Duration::from_millis(20);
/// How long challenges are kept where nobody removes them.
const CHALLENGE_LIFE: Duration = Duration::from_secs(600);

/// The directory that the settings name.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    url: String,
    root_file: Option<PathBuf>,
    contact: String,
    challenge: ChallengeKind,
}

impl Directory {
    /// The directory, if everything that it needs is set.
    pub(crate) fn of(settings: &TlsSettings) -> Result<Self, TlsError> {
        let url = settings.directory_url().ok_or(TlsError::AcmeSettings {
            reason: "no directory is set",
            hint: "set acme_directory to `staging`, `production`, or the https address of one",
        })?;
        if !settings.acme_terms_agreed {
            return Err(TlsError::AcmeSettings {
                reason: "its terms of service are not agreed to",
                hint: "read them at the directory, then set acme_terms_agreed to true",
            });
        }
        Ok(Self {
            url,
            root_file: settings.root_file(),
            contact: settings.acme_contact.clone(),
            challenge: settings.acme_challenge.into(),
        })
    }

    fn failed(&self, error: &Error) -> TlsError {
        let failure = match error {
            Error::Api(problem) => {
                let kind = problem.r#type.as_deref().unwrap_or_default();
                match (kind.rsplit(':').next(), problem.status) {
                    (Some("rateLimited"), _) | (_, Some(429)) => AcmeFailure::RateLimited,
                    (Some("badNonce"), _) => AcmeFailure::BadNonce,
                    (Some("serverInternal"), _) | (_, Some(500..)) => AcmeFailure::Away,
                    _ => AcmeFailure::Refused,
                }
            }
            _ => AcmeFailure::Away,
        };
        TlsError::Acme { directory: self.url.clone(), reason: with_sources(error), failure }
    }

    fn refused(&self, reason: String) -> TlsError {
        TlsError::Acme { directory: self.url.clone(), reason, failure: AcmeFailure::Refused }
    }

    fn late(&self) -> TlsError {
        let reason = format!("it was not done within {} s", ORDER_BOUND.as_secs());
        TlsError::Acme { directory: self.url.clone(), reason, failure: AcmeFailure::Away }
    }
}

/// Obtains a certificate for these names.
pub(crate) async fn obtain(inner: &Inner, names: &[String]) -> Result<Made, TlsError> {
    let directory = Directory::of(&inner.settings())?;
    let mut tokens = Vec::new();
    let ordering = async {
        let mut ordered = order(inner, &directory, names, &mut tokens).await;
        let mut looks_in_vain = 0;
        for _ in 1..TRIES {
            looks_in_vain += u32::from(is_unproved(&ordered));
            // A face that hung or has just started has read by now; more looks would use up what a directory allows in an hour.
            let again = is_out_of_step(&ordered) || (is_unproved(&ordered) && looks_in_vain == 1);
            if !again {
                break;
            }
            ordered = order(inner, &directory, names, &mut tokens).await;
        }
        ordered
    };
    let obtained = tokio::time::timeout(ORDER_BOUND, ordering).await;
    withdraw(inner, &tokens).await;
    obtained.unwrap_or_else(|_| Err(directory.late()))
}

/// Tells the directory that a certificate of it is not good any more.
pub(crate) async fn revoke(
    inner: &Inner,
    row: Option<&certificates::Certificate>,
    reason: RevocationReason,
) -> Result<(), TlsError> {
    let directory = Directory::of(&inner.settings())?;
    let Some(material) = row.and_then(|row| row.material.as_ref()) else { return Ok(()) };
    let chain = pem::chain(&material.certificate_pem)?;
    let Some(certificate) = chain.first() else { return Ok(()) };
    let ask = async || {
        let account = account::of(inner, &directory).await?;
        let request = RevocationRequest { certificate, reason: Some(acme_reason(reason)) };
        account.revoke(&request).await.map_err(|e| directory.failed(&e))
    };
    let asked = async {
        let mut asked = ask().await;
        for _ in 1..TRIES {
            if !is_out_of_step(&asked) {
                break;
            }
            asked = ask().await;
        }
        asked
    };
    tokio::time::timeout(QUESTION_BOUND, asked).await.unwrap_or_else(|_| Err(directory.late()))
}

async fn order(
    inner: &Inner,
    directory: &Directory,
    names: &[String],
    tokens: &mut Vec<String>,
) -> Result<Made, TlsError> {
    let failed = |e: Error| directory.failed(&e);
    let mut order = begin(inner, directory, names).await?;
    let answers = answers(inner, directory, &mut order).await?;
    tokens.extend(answers.iter().map(|answer| answer.token.clone()));
    publish(inner, &answers).await?;
    ready(directory, &mut order).await?;
    proved(directory, &mut order).await?;
    let wanted = names.to_vec();
    let (request, private_key_pem) =
        inner.keyring.workshop().run("making a request", move || workshop::request(&wanted)).await?;
    order.finalize_csr(&request).await.map_err(failed)?;
    let certificate_pem = order.poll_certificate(&patience()).await.map_err(failed)?;
    Ok(Made { certificate_pem, private_key_pem })
}

const fn patience() -> RetryPolicy {
    RetryPolicy::new().timeout(POLL_BOUND)
}

/// Waits until the directory has looked at everything.
async fn proved(directory: &Directory, order: &mut Order) -> Result<(), TlsError> {
    let reason = match order.poll_ready(&patience()).await {
        Ok(OrderStatus::Ready) => return Ok(()),
        Ok(status) => format!("the order is {status:?}"),
        Err(error) => match directory.failed(&error) {
            TlsError::Acme { failure: AcmeFailure::Refused, reason, .. } => reason,
            failed => return Err(failed),
        },
    };
    let reason = reason_of(order, reason).await;
    Err(TlsError::Acme { directory: directory.url.clone(), reason, failure: AcmeFailure::Unproved })
}

/// Begins an order; an account that the directory has forgotten is made anew.
async fn begin(inner: &Inner, directory: &Directory, names: &[String]) -> Result<Order, TlsError> {
    let identifiers: Vec<Identifier> = names.iter().cloned().map(Identifier::Dns).collect();
    let account = account::of(inner, directory).await?;
    match account.new_order(&NewOrder::new(&identifiers)).await {
        Err(error) if is_forgotten(&error) => {
            tracing::warn!(directory = directory.url, "ACME directory has forgotten our account; another is made");
            account::forget(inner, directory).await?;
            let account: Account = account::of(inner, directory).await?;
            account.new_order(&NewOrder::new(&identifiers)).await.map_err(|e| directory.failed(&e))
        }
        other => other.map_err(|e| directory.failed(&e)),
    }
}

/// Whether the directory does not know the account any more.
fn is_forgotten(error: &Error) -> bool {
    let Error::Api(problem) = error else { return false };
    problem.r#type.as_deref().is_some_and(|kind| kind.ends_with(":accountDoesNotExist"))
}

/// What must be answered for the order, without what was proved before.
async fn answers(inner: &Inner, directory: &Directory, order: &mut Order) -> Result<Vec<Challenge>, TlsError> {
    let expires_at = inner.clock.now().plus(CHALLENGE_LIFE);
    let mut answers = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|e| directory.failed(&e))?;
        if authorization.status != AuthorizationStatus::Pending {
            continue;
        }
        let domain = authorization.identifier().to_string();
        let Some(challenge) = authorization.challenge(kind_of(directory.challenge)) else {
            return Err(directory.refused(format!("it does not offer {} for {domain}", directory.challenge)));
        };
        answers.push(Challenge {
            token: challenge.token.clone(),
            domain,
            kind: directory.challenge,
            key_authorisation: challenge.key_authorization().as_str().to_owned(),
            expires_at,
        });
    }
    Ok(answers)
}

/// Lets every face of ours answer.
async fn publish(inner: &Inner, answers: &[Challenge]) -> Result<(), TlsError> {
    if answers.is_empty() {
        return Ok(());
    }
    let mut tx = inner.store.begin().await?;
    for answer in answers {
        challenges::put(&mut tx, answer).await?;
    }
    tx.commit().await?;
    inner.keyring.read().await?;
    let tokens: Vec<String> = answers.iter().map(|answer| answer.token.clone()).collect();
    match tokio::time::timeout(READING_BOUND, read_by_all(inner, &tokens)).await {
        Ok(read) => read,
        Err(_) => {
            tracing::warn!(
                "a process does not read what it should answer to an ACME directory, which is asked to look"
            );
            Ok(())
        }
    }
}

/// Waits until every process that lives answers these challenges.
async fn read_by_all(inner: &Inner, tokens: &[String]) -> Result<(), TlsError> {
    let mut ticks = tokio::time::interval(READING_TICK);
    loop {
        ticks.tick().await;
        if readers::behind(&inner.store, tokens).await? == 0 {
            return Ok(());
        }
    }
}

/// Asks the directory to look.
async fn ready(directory: &Directory, order: &mut Order) -> Result<(), TlsError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|e| directory.failed(&e))?;
        if authorization.status != AuthorizationStatus::Pending {
            continue;
        }
        if let Some(mut challenge) = authorization.challenge(kind_of(directory.challenge)) {
            challenge.set_ready().await.map_err(|e| directory.failed(&e))?;
        }
    }
    Ok(())
}

async fn withdraw(inner: &Inner, tokens: &[String]) {
    if tokens.is_empty() {
        return;
    }
    let withdrawn = async {
        let mut tx = inner.store.begin().await?;
        challenges::remove(&mut tx, tokens, inner.clock.now()).await?;
        tx.commit().await
    };
    if let Err(error) = withdrawn.await {
        tracing::debug!(%error, "challenges could not be removed; they end by themselves");
    }
}

/// Why an order came to nothing: what the directory found at the domain, else how it stands.
async fn reason_of(order: &mut Order, otherwise: String) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { break };
        let error = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(error) = error {
            return error.to_string();
        }
    }
    otherwise
}

/// Whether the directory did not accept a number of its own, even when it was asked again; then the same from the beginning may work.
const fn is_out_of_step<T>(outcome: &Result<T, TlsError>) -> bool {
    matches!(outcome, Err(TlsError::Acme { failure: AcmeFailure::BadNonce, .. }))
}

/// Whether the directory looked and did not find the answer.
const fn is_unproved<T>(outcome: &Result<T, TlsError>) -> bool {
    matches!(outcome, Err(TlsError::Acme { failure: AcmeFailure::Unproved, .. }))
}

const fn kind_of(kind: ChallengeKind) -> ChallengeType {
    match kind {
        ChallengeKind::Http01 => ChallengeType::Http01,
        ChallengeKind::TlsAlpn01 => ChallengeType::TlsAlpn01,
    }
}

const fn acme_reason(reason: RevocationReason) -> AcmeReason {
    match reason {
        RevocationReason::Unspecified => AcmeReason::Unspecified,
        RevocationReason::KeyCompromise => AcmeReason::KeyCompromise,
        RevocationReason::AffiliationChanged => AcmeReason::AffiliationChanged,
        RevocationReason::Superseded => AcmeReason::Superseded,
        RevocationReason::CessationOfOperation => AcmeReason::CessationOfOperation,
        RevocationReason::PrivilegeWithdrawn => AcmeReason::PrivilegeWithdrawn,
    }
}

/// An error with everything that led to it, in one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = inner.source();
    }
    text
}
