//! `bigskies whoami`: who one is to the observatory, and what one may do.

use catalog::security::{Me, Rule, Ruling, User, WhoAmI};
use clap::Args;

use crate::terminal::{
    client::Client,
    output::{Ending, Output, Paint, harmless},
    table::{Shown, pairs, table},
};

/// Nothing needs to be said.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies whoami --json")]
pub(crate) struct Whoami {}

/// Asks.
pub(crate) async fn run(client: &Client, out: &mut Output) -> Result<(), Ending> {
    let me = client.ask(&Me {}).await?;
    out.show(&me, |paint| words(paint, &me))
}

fn words(paint: Paint, me: &WhoAmI) -> String {
    let user = me.user.as_ref();
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let shown = pairs(
        paint,
        &[
            ("account", me.username.to_string()),
            ("id", or_none(user.map(|user| user.id.to_string()))),
            ("email", or_none(user.and_then(|user| user.email.as_deref().map(harmless)))),
            ("second factor", or_none(user.map(second_factor))),
            ("roles", listed(&me.roles)),
            ("groups", listed(&me.groups)),
        ],
    );
    let rights = if me.is_administrator {
        "everything is allowed".to_owned()
    } else if me.permissions.is_empty() {
        "nothing is allowed".to_owned()
    } else {
        table(paint, &["right", "scope", "is"], me.permissions.iter().map(rule))
    };
    format!("{shown}\n\n{rights}")
}

/// Whether an account has a second factor, in words.
pub(crate) fn second_factor(user: &User) -> String {
    if user.has_totp { "yes" } else { "no" }.to_owned()
}

/// Names behind each other.
pub(crate) fn listed(names: &[String]) -> String {
    if names.is_empty() { "-".to_owned() } else { harmless(&names.join(", ")) }
}

/// What a permission says, as a row of right, scope and ruling.
pub(crate) fn rule(rule: &Rule) -> Vec<Shown> {
    let ruling = match rule.effect {
        Ruling::Allow => Shown::good("allowed"),
        Ruling::Deny => Shown::bad("denied"),
    };
    let scope = rule.scope.as_deref().map_or_else(|| "all".to_owned(), harmless);
    vec![harmless(&format!("{}:{}", rule.resource, rule.action)).into(), scope.into(), ruling]
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn who_and_what() {
        let mut me = WhoAmI::example();
        me.permissions.push(Rule {
            effect: Ruling::Deny,
            scope: Some("telescope:north".to_owned()),
            ..Rule::example()
        });
        assert_eq!(
            words(Paint::Plain, &me),
            "account        ann\n\
             id             0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a21\n\
             email          ann@example.org\n\
             second factor  no\n\
             roles          operator\n\
             groups         north-dome\n\n\
             RIGHT              SCOPE            IS\n\
             telescope:control  all              allowed\n\
             telescope:control  telescope:north  denied"
        );
        let nobody = WhoAmI { user: None, roles: vec![], groups: vec![], permissions: vec![], ..me.clone() };
        assert!(words(Paint::Plain, &nobody).ends_with("nothing is allowed"));
        let all = WhoAmI { is_administrator: true, ..me };
        assert!(words(Paint::Plain, &all).ends_with("everything is allowed"));
    }
}
