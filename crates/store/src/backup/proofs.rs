//! What a restoration must not bring back: proofs that were taken back since the backup was made. Rights and settings are as the backup
//! has them, and everybody logs in again.
//!
//! - No signing key survives, neither the backup's nor the one here: one that was stolen and taken back since may be among them. The engine
//!   makes others at once. So no token of a user, plugin or node is good any more, whoever signed it; what is being issued meanwhile is
//!   void by its epoch, which is above all that were ever reached in either database.
//! - No session goes on, and no one-time secret is good.
//! - An API key that was taken back here stays so, and one that is gone here does not come back; the others are good again.
//! - Used steps of a second factor and used recovery codes stay used.
//! - Certificates that were revoked here stay so.
//! - The audit trail here stays where it is the one in the backup and goes on from there: a restoration hides nothing. Only where it is
//!   another one (the backup of a machine that is lost) does the backup's take its place.
//!
//! In a database without accounts (that of a new machine) nothing is known of what was taken back, so that API keys are as in the backup.

use sqlx::PgConnection;

use super::{STEP_BOUND, TABLE_BOUND};
use crate::{StoreError, tx::bounded};

/// What there is before, kept until the end of the transaction. The lock is against those who would take something back meanwhile.
const REMEMBER: &str = "
    LOCK TABLE users, recovery_codes, setup_secrets, signing_keys, refresh_tokens, token_epochs, api_keys, revoked_certificates, audit,
        audit_ends IN SHARE ROW EXCLUSIVE MODE;
    CREATE TEMPORARY TABLE replaced_users ON COMMIT DROP AS SELECT id, token_epoch, totp_last_step FROM users;
    CREATE TEMPORARY TABLE replaced_codes ON COMMIT DROP AS SELECT user_id, code_hash FROM recovery_codes;
    CREATE TEMPORARY TABLE replaced_epochs ON COMMIT DROP AS SELECT * FROM token_epochs;
    CREATE TEMPORARY TABLE replaced_keys ON COMMIT DROP AS SELECT id, revoked_at FROM api_keys;
    CREATE TEMPORARY TABLE replaced_certificates ON COMMIT DROP AS SELECT * FROM revoked_certificates;
    CREATE TEMPORARY TABLE replaced_audit ON COMMIT DROP AS SELECT * FROM audit;
    CREATE TEMPORARY TABLE replaced_ends ON COMMIT DROP AS SELECT * FROM audit_ends;
";

/// What of it holds in what was restored. The tables' triggers are off meanwhile; everybody is told at the end.
const SETTLE: &str = "
    DELETE FROM signing_keys;
    DELETE FROM refresh_tokens;
    DELETE FROM setup_secrets;

    INSERT INTO token_epochs SELECT * FROM replaced_epochs ON CONFLICT DO NOTHING;
    CREATE TEMPORARY TABLE next_epoch ON COMMIT DROP AS
        SELECT coalesce(max(epoch), 0) + 1 AS epoch FROM (
            SELECT token_epoch AS epoch FROM users UNION ALL SELECT token_epoch FROM replaced_users
            UNION ALL SELECT epoch FROM token_epochs UNION ALL SELECT epoch FROM replaced_epochs) AS reached;
    UPDATE users SET token_epoch = (SELECT epoch FROM next_epoch);
    UPDATE token_epochs SET epoch = (SELECT epoch FROM next_epoch);

    UPDATE users u SET totp_last_step = greatest(u.totp_last_step, r.totp_last_step) FROM replaced_users r WHERE r.id = u.id;
    DELETE FROM recovery_codes c WHERE EXISTS (SELECT FROM replaced_users r WHERE r.id = c.user_id)
        AND NOT EXISTS (SELECT FROM replaced_codes r WHERE r.user_id = c.user_id AND r.code_hash = c.code_hash);

    UPDATE api_keys k SET revoked_at = least(k.revoked_at, r.revoked_at) FROM replaced_keys r WHERE r.id = k.id;
    DELETE FROM api_keys k WHERE EXISTS (SELECT FROM replaced_users r WHERE r.id = k.user_id)
        AND NOT EXISTS (SELECT FROM replaced_keys r WHERE r.id = k.id);

    INSERT INTO revoked_certificates SELECT * FROM replaced_certificates r
        WHERE EXISTS (SELECT FROM authorities a WHERE a.id = r.authority_id) ON CONFLICT DO NOTHING;
";

/// Whether the trail that was here goes on from the end of the one that was restored, or has forgotten so much that nobody can tell.
const IS_THE_SAME_TRAIL: &str = "
    SELECT EXISTS (
        SELECT FROM audit_ends e, replaced_ends r
        WHERE e.sequence <= r.anchor_sequence
           OR EXISTS (SELECT FROM replaced_audit a WHERE a.sequence = e.sequence AND a.hash = e.hash))";

const KEEP_THE_TRAIL: &str = "
    DELETE FROM audit;
    DELETE FROM audit_ends;
    INSERT INTO audit SELECT * FROM replaced_audit;
    INSERT INTO audit_ends SELECT * FROM replaced_ends;
";

/// Keeps what must not be undone, and everybody from changing it meanwhile.
pub(super) async fn remember(connection: &mut PgConnection) -> Result<(), StoreError> {
    bounded("restore proofs", TABLE_BOUND, sqlx::raw_sql(REMEMBER).execute(connection)).await.map(|_| ())
}

/// Puts it into force over what was restored.
pub(super) async fn settle(connection: &mut PgConnection) -> Result<(), StoreError> {
    bounded("restore proofs", TABLE_BOUND, sqlx::raw_sql(SETTLE).execute(&mut *connection)).await?;
    let question = sqlx::query_scalar::<_, bool>(IS_THE_SAME_TRAIL);
    if bounded("restore proofs", STEP_BOUND, question.fetch_one(&mut *connection)).await? {
        bounded("restore proofs", TABLE_BOUND, sqlx::raw_sql(KEEP_THE_TRAIL).execute(connection)).await?;
    }
    Ok(())
}
