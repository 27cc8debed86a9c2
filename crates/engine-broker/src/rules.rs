//! What topics and filters may look like here, beyond what MQTT says; who may use them is the gate's.

/// Levels of a topic or filter, at most. The specification's deepest topic has nine.
pub(crate) const LEVELS_MAX: usize = 32;
/// Bytes of a topic, at most, counted as they become a file name: a retained message is a file, and one whose name is over 255 bytes
/// would be acknowledged and lost with the next restart.
pub(crate) const TOPIC_BYTES_MAX: usize = 200;
/// Bytes of the name of a group that shares a subscription, at most.
pub(crate) const GROUP_BYTES_MAX: usize = 64;

/// Which rule a topic or filter breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// It is empty.
    #[error("it is empty; name at least one level")]
    Empty,
    /// It has more than 32 levels.
    #[error("it has more than {LEVELS_MAX} levels; use fewer")]
    TooDeep,
    /// It has more than 200 bytes, where each `/` and each of `% $ : * ? " < > | \` counts three.
    #[error("it has more than {TOPIC_BYTES_MAX} bytes (/ counts three); shorten it")]
    TooLong,
    /// It starts with `$`: those topics are the broker's.
    #[error("topics that start with $ are the broker's; use another")]
    Reserved,
    /// It has `+`, `#` or a control character where none may stand.
    #[error("it has a wildcard or control character where none may stand; remove it")]
    Character,
    /// The group of a shared subscription is empty, too long or has a wildcard.
    #[error("its share group is empty, too long or has a wildcard; use $share/<group>/<filter>")]
    Group,
}

/// Whether messages may be published to `topic`.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_topic(topic: &str) -> Result<(), Unacceptable> {
    if topic.starts_with('$') {
        return Err(Unacceptable::Reserved);
    }
    let extent = Extent::of(topic)?;
    if extent.wildcards > 0 { Err(Unacceptable::Character) } else { Ok(()) }
}

/// The filter that `subscription` reads, without `$share/<group>/`. Where wildcards stand is checked too.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_filter(subscription: &str) -> Result<&str, Unacceptable> {
    let filter = match subscription.strip_prefix("$share/") {
        None => subscription,
        Some(shared) => {
            let (group, filter) = shared.split_once('/').ok_or(Unacceptable::Group)?;
            let named = !group.is_empty() && group.len() <= GROUP_BYTES_MAX && !group.contains(['+', '#']);
            if named { filter } else { return Err(Unacceptable::Group) }
        }
    };
    let extent = Extent::of(filter)?;
    if extent.wildcards > 0 && !wildcards_stand_alone(filter) { Err(Unacceptable::Character) } else { Ok(filter) }
}

fn wildcards_stand_alone(filter: &str) -> bool {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let good = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            other => !other.contains(['+', '#']),
        };
        if !good {
            return false;
        }
    }
    true
}

struct Extent {
    wildcards: usize,
}

impl Extent {
    /// One pass over the bytes, since it runs for every message.
    fn of(topic: &str) -> Result<Self, Unacceptable> {
        if topic.is_empty() {
            return Err(Unacceptable::Empty);
        }
        let (mut levels, mut bytes, mut wildcards) = (1, 0, 0);
        for byte in topic.bytes() {
            bytes += 1;
            match byte {
                b'/' => (levels, bytes) = (levels + 1, bytes + 2),
                b'+' | b'#' => (wildcards, bytes) = (wildcards + 1, bytes + 2),
                b'%' | b'$' | b'\\' | b':' | b'*' | b'?' | b'"' | b'<' | b'>' | b'|' => bytes += 2,
                0..=0x1f | 0x7f => return Err(Unacceptable::Character),
                _ => {}
            }
        }
        if levels > LEVELS_MAX {
            Err(Unacceptable::TooDeep)
        } else if bytes > TOPIC_BYTES_MAX {
            Err(Unacceptable::TooLong)
        } else {
            Ok(Self { wildcards })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics() {
        let deep = |levels: usize| vec!["a"; levels].join("/");
        for (topic, expected) in [
            ("a", Ok(())),
            ("bigskies/coordinator/telescope/control/slew", Ok(())),
            ("/", Ok(())),
            ("a//b", Ok(())),
            ("Größe", Ok(())),
            ("a/$SYS", Ok(())),
            (&deep(32), Ok(())),
            (&deep(33), Err(Unacceptable::TooDeep)),
            (&deep(30_000), Err(Unacceptable::TooDeep)),
            (&"x".repeat(200), Ok(())),
            (&"x".repeat(201), Err(Unacceptable::TooLong)),
            (&":".repeat(66), Ok(())),
            (&":".repeat(67), Err(Unacceptable::TooLong)),
            ("", Err(Unacceptable::Empty)),
            ("$SYS/broker/uptime", Err(Unacceptable::Reserved)),
            ("$share/g/a", Err(Unacceptable::Reserved)),
            ("a/+", Err(Unacceptable::Character)),
            ("a#", Err(Unacceptable::Character)),
            ("a\0b", Err(Unacceptable::Character)),
            ("a\nb", Err(Unacceptable::Character)),
        ] {
            assert_eq!(check_topic(topic), expected, "{topic:?}");
        }
    }

    #[test]
    fn the_longest_private_reply_topic_is_a_topic() {
        let (account, client) = ("a".repeat(64), "c".repeat(64));
        let topic = format!("bigskies/client/{account}/{client}/reply/123e4567-e89b-12d3-a456-426614174000");
        assert_eq!(check_topic(&topic), Ok(()));
    }

    #[test]
    fn filters() {
        let deep = format!("$share/g/{}", vec!["+"; 33].join("/"));
        for (subscription, expected) in [
            ("a/b", Ok("a/b")),
            ("#", Ok("#")),
            ("+/+/#", Ok("+/+/#")),
            ("$SYS/#", Ok("$SYS/#")),
            ("$share/workers/a/+", Ok("a/+")),
            ("$share/workers//a", Ok("/a")),
            ("$share//a", Err(Unacceptable::Group)),
            ("$share/", Err(Unacceptable::Group)),
            ("$share/workers", Err(Unacceptable::Group)),
            ("$share/wor+ers/a", Err(Unacceptable::Group)),
            ("$share/workers/", Err(Unacceptable::Empty)),
            ("", Err(Unacceptable::Empty)),
            ("a/#/b", Err(Unacceptable::Character)),
            ("a/b#", Err(Unacceptable::Character)),
            ("a+/b", Err(Unacceptable::Character)),
            (&deep, Err(Unacceptable::TooDeep)),
            (&vec!["+"; 30_000].join("/"), Err(Unacceptable::TooDeep)),
            (&"x".repeat(201), Err(Unacceptable::TooLong)),
        ] {
            assert_eq!(check_filter(subscription), expected, "{subscription:?}");
        }
    }
}
