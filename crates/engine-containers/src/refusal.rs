//! From what the library and the engine say to an error of ours: by status where that tells, else by the engine's words.

use bollard::errors::Error;

use crate::{ContainersError, Object};

/// The verb of builds.
pub(crate) const BUILDING: &str = "building";

/// What is being done to what, for whoever reads the error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doing<'a> {
    /// A verb in its `-ing` form.
    pub(crate) verb: &'static str,
    pub(crate) object: Object,
    pub(crate) name: &'a str,
}

impl<'a> Doing<'a> {
    pub(crate) const fn new(verb: &'static str, object: Object, name: &'a str) -> Self {
        Self { verb, object, name }
    }
}

impl std::fmt::Display for Doing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.object)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", self.name) }
    }
}

/// The error of ours for one of the library's.
pub(crate) fn understood(doing: Doing<'_>, endpoint: &str, error: Error) -> ContainersError {
    match error {
        Error::DockerResponseServerError { status_code, message } => of_status(doing, status_code, &message),
        Error::DockerStreamError { error } => of_words(doing, &error),
        Error::IOError { err } => match err.get_ref().and_then(|inner| inner.downcast_ref::<ContainersError>()) {
            Some(ours) => ours.clone(),
            None => broken_off(doing, endpoint, &err),
        },
        Error::RequestTimeoutError => lost(doing, endpoint, "no answer"),
        Error::HyperResponseError { err } => broken_off(doing, endpoint, &err),
        other => ContainersError::Failed { doing: doing.to_string(), reason: other.to_string() },
    }
}

/// A connection that broke off; TLS says only then that it does not like our certificate.
fn broken_off(doing: Doing<'_>, endpoint: &str, error: &(dyn std::error::Error + 'static)) -> ContainersError {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let about_tls = inner.downcast_ref::<rustls::Error>().is_some() || inner.to_string().contains("fatal alert");
        if about_tls {
            return ContainersError::Certificate { endpoint: endpoint.to_owned(), reason: inner.to_string() };
        }
        reason = inner.to_string();
        cause = inner.source();
    }
    lost(doing, endpoint, &reason)
}

fn lost(doing: Doing<'_>, endpoint: &str, reason: &str) -> ContainersError {
    ContainersError::Lost { endpoint: endpoint.to_owned(), doing: doing.to_string(), reason: reason.to_owned() }
}

fn of_status(doing: Doing<'_>, status: u16, message: &str) -> ContainersError {
    let object = doing.object;
    let name = || doing.name.to_owned();
    match status {
        404 => missing(message).unwrap_or_else(|| match object {
            Object::Image => ContainersError::ImageMissing { image: name(), reason: message.to_owned() },
            _ => ContainersError::NotFound { object, name: name() },
        }),
        409 => ContainersError::Conflict { object, name: name(), reason: message.to_owned() },
        400 if message.contains("client version") => ContainersError::VersionSkew {
            endpoint: "the engine".to_owned(),
            found: message.to_owned(),
            needed: "one that both sides know".to_owned(),
            way_out: "update the older side".to_owned(),
        },
        _ => match of_words(doing, message) {
            ContainersError::Failed { doing, reason } if (400..500).contains(&status) => {
                ContainersError::Refused { doing, reason }
            }
            understood => understood,
        },
    }
}

/// What the engine does not find may be another thing than the one that was named: the image of a container, its network.
fn missing(message: &str) -> Option<ContainersError> {
    let after = |words: &str| message.split_once(words).map(|(_, rest)| rest.trim());
    let not_found = |object, name: &str| ContainersError::NotFound { object, name: name.to_owned() };
    if let Some(image) = after("No such image:") {
        let reason = "it was never loaded there".to_owned();
        return Some(ContainersError::ImageMissing { image: image.to_owned(), reason });
    }
    if let Some(name) = after("No such container:") {
        return Some(not_found(Object::Container, name));
    }
    if message.contains("Could not find the file") {
        let path = after("Could not find the file").and_then(|rest| rest.split(" in container").next());
        return Some(not_found(Object::File, path.unwrap_or_default()));
    }
    if let Some(rest) = message.strip_prefix("network ").and_then(|rest| rest.strip_suffix(" not found")) {
        return Some(not_found(Object::Network, rest));
    }
    None
}

/// The engine's words where its status is but "failed".
pub(crate) fn of_words(doing: Doing<'_>, message: &str) -> ContainersError {
    let holds = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if holds(&["port is already allocated", "address already in use"]) {
        return ContainersError::PortTaken { address: address_in(message), holder: None };
    }
    if holds(&["no space left on device", "disk quota exceeded"]) {
        return ContainersError::NoSpace { reason: message.to_owned() };
    }
    let no_registry =
        ["dial tcp", "no such host", "connection refused", "Client.Timeout", "i/o timeout", "proxyconnect"];
    let no_such = ["pull access denied", "manifest unknown", "manifest for"];
    // A build says these of its files, too.
    let of_registries = ["not found", "unauthorized", "denied:"];
    let pulls = doing.verb != BUILDING && holds(&of_registries);
    if doing.object == Object::Image && (holds(&no_registry) || holds(&no_such) || pulls) {
        return ContainersError::ImageMissing { image: doing.name.to_owned(), reason: message.to_owned() };
    }
    ContainersError::Failed { doing: doing.to_string(), reason: message.to_owned() }
}

/// `0.0.0.0:9090` of "Bind for 0.0.0.0:9090 failed: …" and of "listen tcp4 0.0.0.0:9090: bind: …".
fn address_in(message: &str) -> String {
    let trimmed = |word: &str| word.trim_end_matches([':', ',']).to_owned();
    let is_address = |word: &str| {
        let port = word.rsplit_once(':').map(|(host, port)| (host.contains(['.', ':', ']']), port.parse::<u16>()));
        matches!(port, Some((true, Ok(_))))
    };
    message.split_whitespace().map(trimmed).rfind(|word| is_address(word)).unwrap_or_else(|| "of the host".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object: Object, status: u16, message: &str, expected: &str) {
        let error = of_status(Doing::new("creating", object, "x"), status, message);
        let variant = format!("{error:?}");
        assert!(variant.starts_with(expected), "{message:?}: {variant}");
    }

    #[test]
    fn what_engines_say_is_told_apart() {
        use Object::{Container, Image, Network};
        for (object, status, message, expected) in [
            (Container, 404, "No such image: prom:9", "ImageMissing { image: \"prom:9\""),
            (Container, 404, "No such container: x", "NotFound { object: Container"),
            (Container, 404, "network sky not found", "NotFound { object: Network, name: \"sky\""),
            (Network, 404, "whatever", "NotFound { object: Network, name: \"x\""),
            (Image, 404, "pull access denied for x", "ImageMissing"),
            (Container, 409, "Conflict. The container name \"/x\" is already in use", "Conflict"),
            (
                Container,
                500,
                "driver failed programming external connectivity on endpoint x (00): Bind for 0.0.0.0:9090 failed: port is already allocated",
                "PortTaken { address: \"0.0.0.0:9090\"",
            ),
            (
                Container,
                500,
                "Error starting userland proxy: listen tcp4 127.0.0.1:91: bind: address already in use",
                "PortTaken { address: \"127.0.0.1:91\"",
            ),
            (Image, 500, "write /x: no space left on device", "NoSpace"),
            (Image, 500, "Get \"https://r/v2/\": dial tcp: lookup r: no such host", "ImageMissing"),
            (Container, 400, "client version 1.99 is too new", "VersionSkew"),
            (Container, 400, "invalid reference format", "Refused"),
            (Container, 500, "boom", "Failed"),
        ] {
            check(object, status, message, expected);
        }
    }
}
