//! Plugins let in with the topics of their manifests, let in no more, and listed.

use catalog::{
    Done, Party, Secret,
    security::{
        AdmitPlugin, AdmittedPlugin, AdmittedPlugins, DismissPlugin, ListAdmittedPlugins, PluginAdmitted, RightsChange,
        RightsChanged, UserChange, UserCreated,
    },
};
use engine_accounts::{ExposeSecret as _, PluginAdmission};
use engine_tokens::Which;
use store::{
    StoreError, Tx,
    accounts::{grants, permissions::Rule, plugins::Plugin, users::User},
};
use vocabulary::{
    Fault,
    ids::{AccountName, PluginId, UserId},
};

use crate::{
    Cx, Security,
    announce::{author, rights_change, user_changed, user_revoked},
    faults::of_accounts,
    guards::{self, HolderName},
    shown,
};

impl Security {
    /// How often the tokens of a plugin that is let in were made void; nothing for one that is not.
    pub(super) fn epoch_of_plugin(&self, plugin: &PluginId) -> Option<u64> {
        let account = Party::Plugin(plugin.clone()).account().ok()?;
        let rights = self.given.rights.snapshot();
        let account = rights.account(&account).filter(|account| account.enabled && account.manifest.is_some());
        account.map(|account| account.token_epoch)
    }
}

/// Lets a plugin in, or lets it in anew with something else.
pub(crate) async fn admit(cx: Cx, admit: AdmitPlugin) -> Result<PluginAdmitted, Fault> {
    let AdmitPlugin { plugin_id: id, publishes, reads, permissions } = admit;
    catalog::plugin_may_ask_for(&id, &publishes, &reads)?;
    let permissions: Vec<Rule> = permissions.into_iter().map(shown::rule_row).collect();
    // Nobody looks at what is read, once it may be read: whoever lets the plugin read has to have what its readers need.
    let readers = catalog::plugin_reads_need(&reads).into_iter().map(|right| Rule::allow(right.resource, right.action));
    guards::give(&cx, &permissions.iter().cloned().chain(readers).collect::<Vec<_>>()).await?;
    let former = former(&cx, &id).await?;
    cx.note("publishes", publishes.clone());
    cx.note("reads", reads.clone());
    cx.note("permissions", permissions.iter().map(ToString::to_string).collect::<Vec<_>>());
    let admission = PluginAdmission { id, publishes, reads, permissions };
    let mut tx = cx.begin().await?;
    let admitted = cx.accounts.admit_plugin(&mut tx, &admission).await.map_err(of_accounts)?;
    let user = admitted.user;
    end_all(&cx, &mut tx, &user.id, &admission.id).await?;
    cx.note("user_id", user.id.as_str());
    let password = Secret::new(admitted.password.expose_secret());
    let reply = PluginAdmitted { account: user.username.clone(), user_id: user.id.clone(), password };
    let reply = cx.commit(tx, reply).await?;
    cx.refresh().await;
    cx.doors.password_known(&user.username, &admitted.password).await;
    tell(&cx, former, user).await;
    Ok(reply)
}

/// The account of a plugin that was let in before, if the caller may change what it has.
async fn former(cx: &Cx, id: &PluginId) -> Result<Option<User>, Fault> {
    let account = account_of(id)?;
    let user = match cx.accounts.user_of_name(&account).await {
        Ok(user) => user,
        Err(engine_accounts::AccountsError::Store(StoreError::NotFound { .. })) => return Ok(None),
        Err(error) => return Err(of_accounts(error)),
    };
    guards::user(cx, &user)?;
    guards::holder(cx, &HolderName::Role(account.as_str()))?;
    let has = guards::rules(cx, grants::Filter { user: Some(user.id.clone()), ..grants::Filter::default() }).await?;
    guards::take(cx, &has).await?;
    Ok(Some(user))
}

fn account_of(id: &PluginId) -> Result<AccountName, Fault> {
    Party::Plugin(id.clone()).account().map_err(|error| Fault::invalid(error.to_string()))
}

async fn tell(cx: &Cx, former: Option<User>, user: User) {
    let change = rights_change(cx, RightsChange::RoleUpdated);
    let role_id = user.username.as_str().parse().ok();
    let rights = RightsChanged { role_id, user_id: Some(user.id.clone()), ..change };
    match former {
        None => cx.announce(&UserCreated { user: shown::user(user), changed_by: author(cx) }).await,
        Some(former) => {
            user_revoked(cx, &user, "admitted again").await;
            let what = if former.enabled { UserChange::PasswordChanged } else { UserChange::Enabled };
            user_changed(cx, user, what).await;
        }
    }
    cx.announce(&rights).await;
}

/// Lets a plugin in no more.
pub(crate) async fn dismiss(cx: Cx, dismiss: DismissPlugin) -> Result<Done, Fault> {
    let id = dismiss.plugin_id;
    former(&cx, &id).await?;
    let mut tx = cx.begin().await?;
    let user = cx.accounts.dismiss_plugin(&mut tx, &id).await.map_err(of_accounts)?;
    end_all(&cx, &mut tx, &user.id, &id).await?;
    cx.note("user_id", user.id.as_str());
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    user_revoked(&cx, &user, "dismissed").await;
    user_changed(&cx, user, UserChange::Disabled).await;
    Ok(done)
}

/// Ends whatever the plugin could still come with: tokens, sessions, API keys.
async fn end_all(cx: &Cx, tx: &mut Tx, user: &UserId, plugin: &PluginId) -> Result<(), Fault> {
    cx.tokens.revoke_plugin_in(tx, plugin).await?;
    cx.tokens.end_sessions_in(tx, Which::OfUser { user, but: None }, "plugin").await?;
    cx.tokens.revoke_api_keys_of_in(tx, user).await?;
    Ok(())
}

/// Those that are let in.
pub(crate) async fn list(cx: Cx, list: ListAdmittedPlugins) -> Result<AdmittedPlugins, Fault> {
    let page = cx.accounts.plugins(&shown::slice(list.limit, list.cursor)).await.map_err(of_accounts)?;
    Ok(AdmittedPlugins { plugins: page.items.into_iter().filter_map(plugin).collect(), next: shown::next(page.next) })
}

/// A plugin as the bus sees it.
fn plugin(row: Plugin) -> Option<AdmittedPlugin> {
    let Party::Plugin(plugin_id) = Party::of(&row.account) else { return None };
    Some(AdmittedPlugin {
        plugin_id,
        account: row.account,
        user_id: row.user,
        enabled: row.enabled,
        publishes: row.manifest.publishes,
        reads: row.manifest.reads,
        permissions: row.rules.into_iter().map(shown::rule).collect(),
        admitted_at: row.created_at,
        updated_at: row.updated_at,
    })
}
