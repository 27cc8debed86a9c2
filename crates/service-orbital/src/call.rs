//! One call: who may make it, how long it may go on, and what it took.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    Router,
    body::{Body, Bytes},
};
use hyper::{
    HeaderMap, Request, Response,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    header::AUTHORIZATION,
    service::Service as _,
};
use hyper_util::service::TowerToHyperService;
use observability::metrics;
use tokio::time::timeout_at;
use tokio_util::sync::DropGuard;
use tonic::{Code, Status};

use crate::{
    limits::Limits,
    methods::{Answer, Guard, Method},
    refusal::{Refusal, status_of},
    ticket::{Ticket, timeout_of},
};

/// The header that says how long the caller waits.
const TIMEOUT: &str = "grpc-timeout";
/// Watches go on for a day at most; clients open them again.
const ENDLESS: std::time::Duration = std::time::Duration::from_secs(86_400);

/// What every call goes through.
#[derive(Clone)]
pub(crate) struct Calls {
    routes: TowerToHyperService<Router>,
    guard: Guard,
    limits: Limits,
}

impl Calls {
    pub(crate) fn new(routes: Router, guard: Guard, limits: Limits) -> Self {
        Self { routes: TowerToHyperService::new(routes), guard, limits }
    }

    /// Answers one call.
    pub(crate) async fn call(self, request: Request<Incoming>) -> Result<Response<Counted>, Infallible> {
        let method = Method::at(request.uri().path());
        let count = Count::begin(method);
        let limit = match self.limit(method, request.headers()) {
            Ok(limit) => limit,
            Err(refusal) => return Ok(count.refused(refusal.into())),
        };
        if let Err(fault) = self.guard.admits(bearer(request.headers()), method) {
            return Ok(count.refused(status_of(&fault)));
        }
        let (ticket, guard) = Ticket::new(limit);
        let deadline = ticket.deadline();
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(ticket);
        match timeout_at(deadline, self.routes.call(Request::from_parts(parts, body))).await {
            Ok(answer) => Ok(count.answered(self.told(answer?), guard)),
            Err(_) => Ok(count.refused(Refusal::Late.into())),
        }
    }

    /// How long a call may go on: as long as its caller waits, within our own limit.
    fn limit(&self, method: Method, headers: &HeaderMap) -> Result<std::time::Duration, Refusal> {
        let ours = match method.answer {
            Answer::Once => self.limits.call_limit,
            Answer::Parts => self.limits.stream_limit,
            Answer::Endless => ENDLESS,
        };
        let Some(header) = headers.get(TIMEOUT) else { return Ok(ours) };
        let theirs = header.to_str().ok().and_then(timeout_of);
        let wrong = || Refusal::field(TIMEOUT, "is not up to eight digits with one of H, M, S, m, u, n");
        Ok(theirs.ok_or_else(wrong)?.min(ours))
    }

    /// A message that is too large is told by the library with a code that nothing else here uses.
    fn told(&self, answer: Response<Body>) -> Response<Body> {
        if code_of(answer.headers()) != Some(Code::OutOfRange) {
            return answer;
        }
        let max = self.limits.request_bytes_max;
        let why = format!("is larger than the {max} bytes that are allowed; ask in several calls");
        Status::from(Refusal::TooMuch { field: "message".to_owned(), why }).into_http()
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn code_of(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes()))
}

/// What is counted of one call; recorded when it ends, however it does.
#[derive(Debug)]
struct Count {
    method: Method,
    began: Instant,
    code: Option<Code>,
}

impl Count {
    fn begin(method: Method) -> Self {
        metrics::gauge!(metrics::ORBITAL_CALLS, "method" => method.name).increment(1.0);
        Self { method, began: Instant::now(), code: None }
    }

    fn refused(mut self, status: Status) -> Response<Counted> {
        self.code = Some(status.code());
        status.into_http::<Body>().map(|body| Counted { body, count: self, _ticket: None })
    }

    fn answered(mut self, answer: Response<Body>, ticket: DropGuard) -> Response<Counted> {
        self.code = code_of(answer.headers());
        answer.map(|body| Counted { body, count: self, _ticket: Some(ticket) })
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        // A body that was not sent to its end was not wanted to its end.
        let code = self.code.unwrap_or(Code::Cancelled);
        let (method, code) = (self.method.name, name_of(code));
        metrics::gauge!(metrics::ORBITAL_CALLS, "method" => method).decrement(1.0);
        let seconds = self.began.elapsed().as_secs_f64();
        metrics::histogram!(metrics::ORBITAL_CALL_SECONDS, "method" => method, "code" => code).record(seconds);
    }
}

/// The name of a code, as gRPC's specification writes it.
const fn name_of(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The body of an answer; its end is the end of the call, and of its ticket.
pub(crate) struct Counted {
    body: Body,
    count: Count,
    _ticket: Option<DropGuard>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(code) = frame.trailers_ref().and_then(code_of)
        {
            self.count.code = Some(code);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
