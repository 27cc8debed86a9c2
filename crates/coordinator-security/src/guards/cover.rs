//! Whether what somebody has covers a rule: some rule of his allows all of it, and none denies any of it.

use store::accounts::permissions::{Effect, Rule};
use vocabulary::Scopes;

/// What stands for every kind of thing, or every action.
const EVERY: &str = "*";

/// What somebody has.
pub(super) struct Reach<'a> {
    /// The rules of his roles and groups.
    pub(super) rules: &'a [Rule],
    /// What his token or key leaves in; nothing where that is all.
    pub(super) scopes: Option<&'a Scopes>,
}

impl Reach<'_> {
    /// Whether all that the rule is about is allowed to him. One rule must allow it whole: rather too little than too much.
    pub(super) fn covers(&self, wanted: &Rule) -> bool {
        let of = |effect: Effect| self.rules.iter().filter(move |rule| rule.effect == effect);
        of(Effect::Allow).any(|rule| contains(rule, wanted))
            && !of(Effect::Deny).any(|rule| touches(rule, wanted))
            && self.scopes.is_none_or(|scopes| scopes.permit(&wanted.resource, &wanted.action))
    }
}

fn contains(rule: &Rule, wanted: &Rule) -> bool {
    let all_of = |pattern: &str, word: &str| pattern == EVERY || pattern == word;
    all_of(&rule.resource, &wanted.resource)
        && all_of(&rule.action, &wanted.action)
        && (rule.scope.is_none() || rule.scope == wanted.scope)
}

fn touches(rule: &Rule, wanted: &Rule) -> bool {
    let some_of = |one: &str, other: &str| one == EVERY || other == EVERY || one == other;
    // A scope may lie in another, for example a telescope in an organisation, so two of them may be about the same.
    some_of(&rule.resource, &wanted.resource) && some_of(&rule.action, &wanted.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        let (effect, text) = match text.strip_prefix('!') {
            Some(text) => (Effect::Deny, text),
            None => (Effect::Allow, text),
        };
        let (right, scope) = text.split_once('@').map_or((text, None), |(right, scope)| (right, Some(scope)));
        let (resource, action) = right.split_once(':').unwrap();
        let scope = scope.map(str::to_owned);
        Rule { resource: resource.to_owned(), action: action.to_owned(), effect, scope }
    }

    #[test]
    fn what_covers_what() {
        for (mine, scopes, wanted, covered) in [
            (vec!["telescope:read"], None, "telescope:read", true),
            (vec!["telescope:read"], None, "telescope:control", false),
            (vec!["telescope:read"], None, "telescope:*", false),
            (vec!["telescope:*"], None, "telescope:control", true),
            (vec!["telescope:*"], None, "telescope:*", true),
            (vec!["telescope:*"], None, "*:control", false),
            (vec!["*:*"], None, "*:*", true),
            (vec!["*:*"], None, "user:configure@organisation:x", true),
            (vec!["*:*", "!user:configure"], None, "user:configure", false),
            (vec!["*:*", "!user:configure"], None, "user:*", false),
            (vec!["*:*", "!user:configure"], None, "*:*", false),
            (vec!["*:*", "!user:configure"], None, "user:read", true),
            (vec!["*:*", "!user:configure@user:u"], None, "user:configure", false),
            (vec!["*:*", "!user:configure@user:u"], None, "user:configure@organisation:x", false),
            (vec!["user:write@organisation:x"], None, "user:write", false),
            (vec!["user:write@organisation:x"], None, "user:write@organisation:x", true),
            (vec!["user:write@organisation:x"], None, "user:write@organisation:y", false),
            (vec![], None, "telescope:read", false),
            (vec!["!telescope:read"], None, "telescope:read", false),
            (vec!["*:*"], Some("role:configure"), "user:configure", false),
            (vec!["*:*"], Some("role:configure"), "role:configure", true),
            (vec!["*:*"], Some("role:configure"), "role:*", false),
            (vec!["*:*"], Some("role:*"), "role:*", true),
        ] {
            let rules: Vec<Rule> = mine.iter().map(|text| rule(text)).collect();
            let scopes = scopes.map(|text| Scopes::parse([text]).unwrap());
            let reach = Reach { rules: &rules, scopes: scopes.as_ref() };
            assert_eq!(reach.covers(&rule(wanted)), covered, "{mine:?} {wanted}");
        }
    }
}
