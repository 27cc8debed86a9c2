//! Rows as the bus sees them.

use catalog::security::{
    ApiKey, AuditBreak, AuditOutcome, AuditRow, Certificate, CertificateKind, CertificatePurpose, CertificateStatus,
    Group, Organisation, Permission, Role, Rule, Ruling, User,
};
use engine_tls::{Kind, Purpose, State};
use store::{
    Cursor, Slice,
    accounts::{
        grants::Grant,
        groups,
        organisations::{self},
        permissions::{self, Effect, Holder},
        roles, users,
    },
    audit::{Break, Outcome, Record},
    tokens,
};

/// A part of a list, as a message asks for it.
pub(crate) fn slice(limit: Option<u32>, cursor: Option<String>) -> Slice {
    Slice { limit, cursor: cursor.map(Cursor) }
}

pub(crate) fn next(cursor: Option<Cursor>) -> Option<String> {
    cursor.map(|Cursor(text)| text)
}

pub(crate) fn user(row: users::User) -> User {
    User {
        id: row.id,
        username: row.username,
        email: row.email,
        enabled: row.enabled,
        organisation_id: row.organisation,
        is_service: row.is_service,
        has_totp: row.has_second_factor,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

pub(crate) fn group(row: groups::Group) -> Group {
    Group {
        id: row.id,
        name: row.name,
        description: row.description,
        organisation_id: row.organisation,
        builtin: row.builtin,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

pub(crate) fn role(row: roles::Role) -> Role {
    Role {
        id: row.id,
        name: row.name,
        description: row.description,
        builtin: row.builtin,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

pub(crate) fn organisation(row: organisations::Organisation) -> Organisation {
    Organisation {
        id: row.id,
        name: row.name,
        description: row.description,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

pub(crate) fn rule(row: permissions::Rule) -> Rule {
    let effect = match row.effect {
        Effect::Allow => Ruling::Allow,
        Effect::Deny => Ruling::Deny,
    };
    Rule { resource: row.resource, action: row.action, effect, scope: row.scope }
}

pub(crate) fn rule_row(rule: Rule) -> permissions::Rule {
    let effect = match rule.effect {
        Ruling::Allow => Effect::Allow,
        Ruling::Deny => Effect::Deny,
    };
    permissions::Rule { resource: rule.resource, action: rule.action, effect, scope: rule.scope }
}

pub(crate) fn permission(row: Grant) -> Permission {
    let (role_id, group_id) = match row.holder {
        Holder::Role(role) => (Some(role), None),
        Holder::Group(group) => (None, Some(group)),
    };
    Permission { id: row.id, rule: rule(row.rule), role_id, group_id, granted_at: row.granted_at }
}

pub(crate) fn key(row: tokens::ApiKey) -> ApiKey {
    ApiKey {
        id: row.id,
        name: row.name,
        prefix: row.prefix,
        user_id: row.user_id,
        username: row.account,
        scopes: row.scopes,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    }
}

pub(crate) fn certificate(row: engine_tls::Certificate) -> Certificate {
    Certificate {
        id: row.id,
        domain: row.domain,
        names: row.names,
        kind: match row.kind {
            Kind::SelfSigned => CertificateKind::SelfSigned,
            Kind::Internal => CertificateKind::Internal,
            Kind::Acme => CertificateKind::Acme,
            Kind::Imported => CertificateKind::Imported,
        },
        purpose: match row.purpose {
            Purpose::Server => CertificatePurpose::Server,
            Purpose::Node => CertificatePurpose::Node,
            Purpose::Account => CertificatePurpose::Account,
        },
        status: match row.state {
            State::Valid => CertificateStatus::Valid,
            State::Due => CertificateStatus::Due,
            State::Awaited => CertificateStatus::Awaited,
            State::Expired => CertificateStatus::Expired,
        },
        serial: Some(row.serial).filter(|text| !text.is_empty()),
        issuer: Some(row.issuer).filter(|text| !text.is_empty()),
        not_before: row.not_before,
        expires_at: row.expires_at,
        renew_after: row.renew_after,
        retry_after: row.retry_after,
        last_error: row.last_error,
    }
}

pub(crate) fn record(row: Record) -> AuditRow {
    let entry = row.entry;
    AuditRow {
        sequence: row.sequence,
        at: entry.at,
        account: entry.account,
        user_id: entry.user_id,
        action: entry.action,
        object: entry.object,
        outcome: match entry.outcome {
            Outcome::Done => AuditOutcome::Done,
            Outcome::Refused => AuditOutcome::Refused,
            Outcome::Failed => AuditOutcome::Failed,
        },
        code: entry.code,
        peer: entry.peer,
        source: entry.source,
        message_id: entry.message_id,
        details: entry.details,
        previous_hash: hexadecimal(&row.previous_hash),
        hash: hexadecimal(&row.hash),
    }
}

pub(crate) const fn outcome_row(outcome: AuditOutcome) -> Outcome {
    match outcome {
        AuditOutcome::Done => Outcome::Done,
        AuditOutcome::Refused => Outcome::Refused,
        AuditOutcome::Failed => Outcome::Failed,
    }
}

pub(crate) fn broken(row: Break) -> AuditBreak {
    AuditBreak { sequence: row.sequence, flaw: row.flaw.to_string() }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
