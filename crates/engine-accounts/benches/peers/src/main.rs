//! The compiled rights beside Cedar and Casbin, over the same tables and the same questions, in one run; the bench reads what it prints.

#[path = "../../rights/measure.rs"]
mod measure;
#[path = "../../rights/scenario.rs"]
mod scenario;

use std::{
    collections::{HashMap, HashSet},
    hint::black_box,
    str::FromStr,
};

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use engine_accounts::{Rights, rights::Snapshot};
use measure::nanoseconds;
use scenario::{Numbers, Question, questions, tables};
use store::accounts::{
    permissions::{Effect, Rule},
    tables::Tables,
};

/// How many questions each is asked, and how many who takes milliseconds for one.
const MANY: usize = 20_000;
const FEW: usize = 20;
/// How often we are asked all of them, so that it takes long enough to be measured.
const TIMES: usize = 20;
const ROUNDS: usize = 7;

fn main() {
    let mut numbers = Numbers::new();
    let tables = tables(&mut numbers);
    let questions = questions(&mut numbers, MANY);
    let rights = Rights::of(Snapshot::compile(&tables, &[]));
    let ours = |question: &Question| {
        rights.check(&question.account, (question.resource.as_str(), question.action), None).allowed
    };
    let base = || {
        nanoseconds(MANY * TIMES, || {
            for _ in 0..TIMES {
                ask(&questions, &ours);
            }
        })
    };
    let cedar = Cedar::with_sets(&tables);
    beside("cedar 4.14, two policies over sets", &questions, &base, &ours, &|question| cedar.allows(question));
    let cedar = Cedar::with_links(&tables);
    beside("cedar 4.14, a policy for each link", &questions[..FEW], &base, &ours, &|question| cedar.allows(question));
    let casbin = casbin(&tables);
    let enforce = |question: &Question| {
        casbin.enforce((question.account.as_str(), question.resource.as_str(), question.action)).expect("an answer")
    };
    beside("casbin 2.20, a policy for each link", &questions[..FEW], &base, &ours, &enforce);
}

fn ask(questions: &[Question], check: &dyn Fn(&Question) -> bool) {
    for question in questions {
        black_box(check(question));
    }
}

/// A line for each round: the peer, ours, and its own nanoseconds for a question. Who comes first alternates.
fn beside(
    peer: &str,
    questions: &[Question],
    base: &dyn Fn() -> f64,
    ours: &dyn Fn(&Question) -> bool,
    check: &dyn Fn(&Question) -> bool,
) {
    agree(peer, questions, ours, check);
    let theirs = || nanoseconds(questions.len(), || ask(questions, check));
    for round in 0..ROUNDS {
        let (own, their) = if round % 2 == 0 {
            let own = base();
            (own, theirs())
        } else {
            let their = theirs();
            (base(), their)
        };
        println!("{peer}\t{own}\t{their}");
    }
}

fn agree(name: &str, questions: &[Question], one: &dyn Fn(&Question) -> bool, other: &dyn Fn(&Question) -> bool) {
    for question in questions {
        let (account, resource, action) = (&question.account, &question.resource, question.action);
        assert_eq!(one(question), other(question), "{name}: {account} {resource}:{action}");
    }
}

/// Every link of a role or group to a rule.
fn links(tables: &Tables) -> Vec<(String, &Rule)> {
    let rules: HashMap<_, _> = tables.permissions.iter().map(|(id, rule)| (id, rule)).collect();
    let roles = tables.roles.iter().flat_map(|role| role.permissions.iter().map(|id| (role.id.to_string(), rules[id])));
    let groups = tables.groups.iter().flat_map(|one| one.permissions.iter().map(|id| (one.id.to_string(), rules[id])));
    roles.chain(groups).collect()
}

/// The roles and groups of every account.
fn memberships(tables: &Tables) -> Vec<(String, Vec<String>)> {
    let all = |account: &store::accounts::tables::Account| {
        let roles = account.roles.iter().map(ToString::to_string);
        roles.chain(account.groups.iter().map(ToString::to_string)).collect()
    };
    tables.accounts.iter().map(|account| (account.username.to_string(), all(account))).collect()
}

struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
}

fn uid(kind: &str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).expect("a kind"), EntityId::new(id))
}

impl Cedar {
    /// Each account has the set of what it is allowed and of what it is denied: the fastest form that was found.
    fn with_sets(tables: &Tables) -> Self {
        let policies = r#"
            permit (principal, action, resource) when { principal.allowed.contains(context.right) };
            forbid (principal, action, resource) when { principal.denied.contains(context.right) };"#;
        let mut of_holder: HashMap<String, Vec<&Rule>> = HashMap::new();
        for (holder, rule) in links(tables) {
            of_holder.entry(holder).or_default().push(rule);
        }
        let entities = memberships(tables).into_iter().map(|(name, holders)| {
            let rules: HashSet<&Rule> =
                holders.iter().filter_map(|holder| of_holder.get(holder)).flatten().copied().collect();
            let set = |effect: Effect| {
                let those = rules.iter().filter(|rule| rule.effect == effect);
                let words =
                    those.map(|rule| RestrictedExpression::new_string(format!("{}:{}", rule.resource, rule.action)));
                RestrictedExpression::new_set(words)
            };
            let attributes = [("allowed".to_owned(), set(Effect::Allow)), ("denied".to_owned(), set(Effect::Deny))];
            Entity::new(uid("User", &name), attributes.into(), HashSet::new()).expect("an entity")
        });
        Self::of(policies, entities.collect::<Vec<_>>())
    }

    /// Each link is a policy, as one would write them by hand.
    fn with_links(tables: &Tables) -> Self {
        let policy = |(holder, rule): (String, &Rule)| {
            let word = if rule.effect == Effect::Allow { "permit" } else { "forbid" };
            let (resource, action) = (&rule.resource, &rule.action);
            format!(
                "{word} (principal in Holder::\"{holder}\", action == Action::\"{action}\", resource == Kind::\"{resource}\");\n"
            )
        };
        let policies: String = links(tables).into_iter().map(policy).collect();
        let entities = memberships(tables).into_iter().map(|(name, holders)| {
            let parents = holders.iter().map(|holder| uid("Holder", holder)).collect();
            Entity::new_no_attrs(uid("User", &name), parents)
        });
        Self::of(&policies, entities.collect::<Vec<_>>())
    }

    fn of(policies: &str, entities: Vec<Entity>) -> Self {
        let policies = PolicySet::from_str(policies).expect("policies");
        let entities = Entities::from_entities(entities, None).expect("entities");
        Self { authorizer: Authorizer::new(), policies, entities }
    }

    fn allows(&self, question: &Question) -> bool {
        let right = RestrictedExpression::new_string(format!("{}:{}", question.resource, question.action));
        let context = Context::from_pairs([("right".to_owned(), right)]).expect("a context");
        let request = Request::new(
            uid("User", question.account.as_str()),
            uid("Action", question.action),
            uid("Kind", &question.resource),
            context,
            None,
        );
        let answer = self.authorizer.is_authorized(&request.expect("a request"), &self.policies, &self.entities);
        answer.decision() == Decision::Allow
    }
}

fn casbin(tables: &Tables) -> Enforcer {
    let model = r"
        [request_definition]
        r = sub, obj, act
        [policy_definition]
        p = sub, obj, act, eft
        [role_definition]
        g = _, _
        [policy_effect]
        e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
        [matchers]
        m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act";
    let policies: Vec<Vec<String>> = links(tables)
        .into_iter()
        .map(|(holder, rule)| vec![holder, rule.resource.clone(), rule.action.clone(), rule.effect.as_str().to_owned()])
        .collect();
    let members = memberships(tables)
        .into_iter()
        .flat_map(|(name, holders)| holders.into_iter().map(move |holder| vec![name.clone(), holder]))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let model = DefaultModel::from_str(model).await.expect("a model");
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.expect("an enforcer");
        enforcer.add_policies(policies).await.expect("policies");
        enforcer.add_grouping_policies(members).await.expect("members");
        enforcer
    })
}
