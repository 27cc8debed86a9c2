//! Discovery: one service, or those that say something of themselves.

use catalog::{
    Paging,
    application::{GetService, ListServices, OneService, Services},
};
use coordinator::Cx;
use serde_json::{Map, Value};
use store::services::Service;
use vocabulary::Fault;

use crate::{Application, faults, membership::shown};

/// One service.
pub(crate) async fn get(cx: Cx<Application>, get: GetService) -> Result<OneService, Fault> {
    let service = cx.registry.get(&get.id).ok_or_else(|| faults::unknown(&get.id))?;
    Ok(OneService { service: shown(service) })
}

/// A page of those that fit, by name, then id.
pub(crate) async fn list(cx: Cx<Application>, list: ListServices) -> Result<Services, Fault> {
    let ListServices { name, endpoint, metadata, status, limit, cursor } = list;
    let paging = Paging::new(limit, cursor);
    let after = paging.cursor.as_deref().map(position).transpose()?;
    let metadata: Map<String, Value> = metadata.into_iter().collect();
    let mut found = cx.registry.those(|service| {
        name.as_ref().is_none_or(|name| *name == service.name)
            && endpoint.as_ref().is_none_or(|endpoint| *endpoint == service.endpoint)
            && status.is_none_or(|status| status == service.status)
            && after.is_none_or(|after| place(service) > after)
            && holds_all(&service.metadata, &metadata)
    });
    let size = paging.size() as usize;
    found.sort_by(|a, b| place(a).cmp(&place(b)));
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(|last| format!("{}/{}", last.id, last.name));
    Ok(Services { services: found.into_iter().map(shown).collect(), next })
}

/// Where a service stands in lists.
fn place(service: &Service) -> (&str, &str) {
    (&service.name, service.id.as_str())
}

/// The place that a cursor (`{id}/{name}`; no id has a slash) names. The service may be gone by now; the place is not.
fn position(cursor: &str) -> Result<(&str, &str), Fault> {
    cursor.split_once('/').map(|(id, name)| (name, id)).ok_or_else(faults::wrong_cursor)
}

/// Whether `value` contains `wanted`, as `@>` of PostgreSQL's `jsonb` has it: objects by their fields, lists by their items in any order.
fn holds(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => holds_all(value, wanted),
        (Value::Array(value), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| value.iter().any(|item| holds(item, wanted)))
        }
        (Value::Number(value), Value::Number(wanted)) => value == wanted || value.as_f64() == wanted.as_f64(),
        (value, wanted) => value == wanted,
    }
}

fn holds_all(value: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(key, wanted)| value.get(key).is_some_and(|value| holds(value, wanted)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containment() {
        for (value, wanted, is_held) in [
            (json!({"a": 1}), json!({}), true),
            (json!({"a": 1, "b": 2}), json!({"a": 1}), true),
            (json!({"a": 1.0}), json!({"a": 1}), true),
            (json!({"a": 1}), json!({"a": 2}), false),
            (json!({"a": 1}), json!({"b": 1}), false),
            (json!({"a": null}), json!({"b": null}), false),
            (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"c": 2}}), true),
            (json!({"a": {"b": 1}}), json!({"b": 1}), false),
            (json!({"a": ["x", "y"]}), json!({"a": ["y"]}), true),
            (json!({"a": ["x", "y"]}), json!({"a": ["y", "x", "x"]}), true),
            (json!({"a": ["x"]}), json!({"a": ["y"]}), false),
            (json!({"a": [{"b": 1, "c": 2}]}), json!({"a": [{"b": 1}]}), true),
            (json!({"a": "1"}), json!({"a": 1}), false),
        ] {
            assert_eq!(holds(&value, &wanted), is_held, "{value} {wanted}");
        }
    }

    #[test]
    fn cursors() {
        for (cursor, place) in [
            ("a/weather", Some(("weather", "a"))),
            ("a/x/y", Some(("x/y", "a"))),
            ("a/", Some(("", "a"))),
            ("nonsense", None),
        ] {
            assert_eq!(position(cursor).ok(), place, "{cursor}");
        }
    }
}
