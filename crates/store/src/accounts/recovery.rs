//! Recovery codes: what stands for the second factor once.

use vocabulary::{Timestamp, ids::UserId};

use super::count_of;
use crate::{Store, StoreError, Tx, tx::bounded};

/// Keeps these codes, by their SHA-256, in place of whatever codes the account has.
///
/// # Errors
/// The account does not exist, or the database does not answer within the bounds.
pub async fn replace(tx: &mut Tx, user: &UserId, codes: &[[u8; 32]], now: Timestamp) -> Result<(), StoreError> {
    let bound = tx.bound();
    let clear = sqlx::query!("DELETE FROM recovery_codes WHERE user_id = $1", user.as_str());
    bounded("recovery codes", bound.clone(), clear.execute(tx.connection())).await?;
    let codes: Vec<Vec<u8>> = codes.iter().map(|code| code.to_vec()).collect();
    let statement = sqlx::query!(
        "INSERT INTO recovery_codes (user_id, code_hash, created_at) SELECT $1, code, $3 FROM unnest($2::bytea[]) AS code",
        user.as_str(),
        &codes,
        now.instant()
    );
    bounded("recovery codes", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Uses up a code. Tells whether it was one.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn take(tx: &mut Tx, user: &UserId, code: &[u8; 32]) -> Result<bool, StoreError> {
    let statement =
        sqlx::query!("DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2", user.as_str(), &code[..]);
    let bound = tx.bound();
    let done = bounded("recovery code", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() == 1)
}

/// How many codes an account has left.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn count(store: &Store, user: &UserId) -> Result<u64, StoreError> {
    store
        .read("recovery codes", |mut connection| async move {
            sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM recovery_codes WHERE user_id = $1"#, user.as_str())
                .fetch_one(&mut *connection)
                .await
        })
        .await
        .map(count_of)
}
