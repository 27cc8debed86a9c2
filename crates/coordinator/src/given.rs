//! The handlers that the frame gives to every coordinator: health, and settings.

use std::{sync::Arc, time::Duration};

use catalog::{
    Done, Entry,
    frame::{
        GetHealth, GetSetting, HealthNow, ListSettings, OneSetting, RollbackSetting, SetSetting, SettingChange,
        SettingChanges, SettingHistory, Settings, SettingsChanged, UnsetSetting,
    },
};
use serde_json::{Value, json};
use store::{
    Tx,
    page::{Cursor, Slice},
    setting_rows::{self, SettingRow},
};
use vocabulary::Fault;

use crate::{
    Coordinator, Cx, Routes,
    live::{Both, Parsed, Rows, parse},
    shift::Shared,
};

/// How long a coordinator may take to put settings into effect.
const APPLY_LIMIT: Duration = Duration::from_secs(10);

/// The routes of a coordinator with the frame's beside its own.
pub(crate) fn routes<C: Coordinator>() -> Routes<C> {
    let owner = C::OWNER;
    C::routes()
        .given(owner, Entry::command::<GetHealth>(), get_health)
        .given(owner, Entry::command::<GetSetting>(), get)
        .given(owner, Entry::command::<ListSettings>(), list)
        .given(owner, Entry::command::<SetSetting>(), set)
        .given(owner, Entry::command::<UnsetSetting>(), unset)
        .given(owner, Entry::command::<SettingHistory>(), history)
        .given(owner, Entry::command::<RollbackSetting>(), rollback)
        .given_notice(owner, Entry::notice::<SettingsChanged>(), changed)
}

async fn get_health<C: Coordinator>(cx: Cx<C>, _: GetHealth) -> Result<HealthNow, Fault> {
    Ok(cx.shared.report().into())
}

async fn get<C: Coordinator>(cx: Cx<C>, get: GetSetting) -> Result<OneSetting, Fault> {
    Ok(OneSetting { setting: cx.shared.live.get(&get.key)? })
}

async fn list<C: Coordinator>(cx: Cx<C>, _: ListSettings) -> Result<Settings, Fault> {
    Ok(Settings { settings: cx.shared.live.list() })
}

async fn set<C: Coordinator>(cx: Cx<C>, set: SetSetting) -> Result<OneSetting, Fault> {
    change(&cx, &set.key, Some(set.value)).await
}

async fn unset<C: Coordinator>(cx: Cx<C>, unset: UnsetSetting) -> Result<OneSetting, Fault> {
    change(&cx, &unset.key, None).await
}

async fn rollback<C: Coordinator>(cx: Cx<C>, rollback: RollbackSetting) -> Result<OneSetting, Fault> {
    let id = rollback.change_id.parse().map_err(|_| {
        Fault::invalid(format!("change_id {:?} is not one", rollback.change_id)).hint("settings/history shows them")
    })?;
    let change_then = setting_rows::change(cx.store(), &C::OWNER.component(), id).await?;
    if change_then.secret {
        return Err(Fault::invalid(format!("setting {} is a secret, whose old values are not kept", change_then.key))
            .hint("set it anew"));
    }
    change(&cx, &change_then.key, change_then.new_value).await
}

/// The gate: parse, validate, apply, look at the health, commit; whatever fails, the old values stay.
async fn change<C: Coordinator>(cx: &Cx<C>, key: &str, value: Option<Value>) -> Result<OneSetting, Fault> {
    let shared = &cx.shared;
    let name = &C::OWNER.component();
    let known = shared.live.settable(key)?;
    let mut tx = cx.begin().await?;
    let mut rows = shared.seals.open(setting_rows::load_for_change(&mut tx, name).await?);
    let author = cx.caller().account.as_str();
    match &value {
        Some(value) => {
            rows.insert(key.to_owned(), value.clone());
            let parsed = parse::<C::Settings>(&rows).map_err(|complaints| refusal(key, &complaints))?;
            let sealed = if known.secret { shared.seals.seal(key, value)? } else { value.clone() };
            let (kind, secret) = (known.kind.as_str(), known.secret);
            let row = SettingRow { coordinator: name, key, value: &sealed, kind, secret };
            setting_rows::put(&mut tx, &row, author).await?;
            finish(cx, tx, rows, parsed, key).await
        }
        None => {
            rows.remove(key);
            let parsed = parse::<C::Settings>(&rows).map_err(|complaints| refusal(key, &complaints))?;
            setting_rows::remove(&mut tx, name, key, author).await?;
            finish(cx, tx, rows, parsed, key).await
        }
    }
}

async fn finish<C: Coordinator>(
    cx: &Cx<C>,
    tx: Tx,
    rows: Rows,
    parsed: Parsed<C::Settings>,
    key: &str,
) -> Result<OneSetting, Fault> {
    let shared = &cx.shared;
    let old = shared.live.now();
    apply(shared, &old, &parsed.both).await?;
    let mut setting = shared.live.get(key)?;
    let values = settings::to_rows(&parsed.both.own).into_iter().chain(settings::to_rows(&parsed.both.frame));
    let value = values.into_iter().find(|(other, _)| other == key).map(|(_, value)| value);
    setting.value = if setting.secret { json!("***") } else { value.unwrap_or_default() };
    setting.origin = if rows.contains_key(key) { "row" } else { "default" }.to_owned();
    match cx.commit(tx, OneSetting { setting }).await {
        Ok(reply) => {
            shared.live.hold(rows, parsed.both);
            Ok(reply)
        }
        Err(fault) => {
            undo(shared, &old).await;
            Err(fault)
        }
    }
}

fn refusal(key: &str, complaints: &settings::Complaints) -> Fault {
    Fault::invalid(format!("setting {key} can't be so: {complaints}")).hint("settings/get shows its type and default")
}

/// Puts settings into effect; if that fails or makes the coordinator unhealthy, the old ones again.
async fn apply<C: Coordinator>(
    shared: &Arc<Shared<C>>,
    old: &Both<C::Settings>,
    new: &Both<C::Settings>,
) -> Result<(), Fault> {
    let was = shared.report().status;
    let applied = tokio::time::timeout(APPLY_LIMIT, shared.coordinator.apply(&new.own)).await;
    let fault = match applied {
        Ok(Ok(())) => {
            shared.apply_frame(&new.frame);
            let is = shared.report();
            if is.status != health::Status::Unhealthy || was == health::Status::Unhealthy {
                return Ok(());
            }
            Fault::invalid(format!("settings made {} unhealthy: {}", is.component, is.message))
        }
        Ok(Err(fault)) => fault,
        Err(_) => Fault::timeout(format!("settings could not be applied within {} s", APPLY_LIMIT.as_secs())),
    };
    undo(shared, old).await;
    Err(fault.hint("the old settings hold"))
}

async fn undo<C: Coordinator>(shared: &Arc<Shared<C>>, old: &Both<C::Settings>) {
    shared.apply_frame(&old.frame);
    let undone = tokio::time::timeout(APPLY_LIMIT, shared.coordinator.apply(&old.own)).await;
    if !matches!(undone, Ok(Ok(()))) {
        tracing::error!("old settings could not be applied again");
    }
}

/// Rows were changed by hand: the same gate, but for the writing.
async fn changed<C: Coordinator>(cx: Cx<C>, _: SettingsChanged) -> Result<Done, Fault> {
    reload(&cx.shared).await?;
    Ok(Done {})
}

/// Reads the rows again; those that can't hold are refused and complained about in the health.
pub(crate) async fn reload<C: Coordinator>(shared: &Arc<Shared<C>>) -> Result<(), Fault> {
    let rows = shared.seals.open(setting_rows::load(&shared.store, &C::OWNER.component()).await?);
    let old = shared.live.now();
    let parsed = match parse::<C::Settings>(&rows) {
        Ok(parsed) => parsed,
        Err(complaints) => {
            shared.live.refuse(complaints.to_string());
            return Err(Fault::invalid(format!("rows of settings can't hold: {complaints}"))
                .hint("the old settings hold; correct the rows and announce them again"));
        }
    };
    if !parsed.ignored.is_empty() {
        tracing::warn!(keys = ?parsed.ignored, "rows of settings are ignored: boot settings or unknown keys");
    }
    if parsed.both != old
        && let Err(fault) = apply(shared, &old, &parsed.both).await
    {
        shared.live.refuse(fault.message.clone());
        return Err(fault);
    }
    shared.live.hold(rows, parsed.both);
    Ok(())
}

async fn history<C: Coordinator>(cx: Cx<C>, history: SettingHistory) -> Result<SettingChanges, Fault> {
    let slice = Slice { limit: history.limit, cursor: history.cursor.map(Cursor) };
    let page = setting_rows::history(cx.store(), &C::OWNER.component(), history.key.as_deref(), &slice).await?;
    let changes = page.items.into_iter().map(|change| {
        let hide = |value: Option<Value>| match value {
            Some(_) if change.secret => json!("***"),
            other => other.unwrap_or_default(),
        };
        SettingChange {
            id: change.id.to_string(),
            key: change.key.clone(),
            old_value: hide(change.old_value.clone()),
            new_value: hide(change.new_value.clone()),
            changed_at: change.changed_at,
            changed_by: Some(change.changed_by.clone()),
        }
    });
    Ok(SettingChanges { changes: changes.collect(), next: page.next.map(|cursor| cursor.0) })
}
