//! The one table between our reasons and the codes of gRPC.

use tonic::{Code as Grpc, Status};
use vocabulary::{Code, Fault};

/// The code of gRPC that carries a reason.
pub const fn status_code(code: Code) -> Grpc {
    match code {
        Code::Invalid => Grpc::InvalidArgument,
        Code::Unauthenticated => Grpc::Unauthenticated,
        Code::Forbidden => Grpc::PermissionDenied,
        Code::NotFound => Grpc::NotFound,
        Code::Conflict => Grpc::AlreadyExists,
        Code::Busy => Grpc::ResourceExhausted,
        Code::Unsafe => Grpc::FailedPrecondition,
        Code::Unavailable => Grpc::Unavailable,
        Code::Timeout => Grpc::DeadlineExceeded,
        Code::Internal => Grpc::Internal,
    }
}

/// The reason that a status gives.
pub fn fault_of(status: &Status) -> Fault {
    let code = match status.code() {
        Grpc::InvalidArgument | Grpc::OutOfRange => Code::Invalid,
        Grpc::Unauthenticated => Code::Unauthenticated,
        Grpc::PermissionDenied => Code::Forbidden,
        Grpc::NotFound => Code::NotFound,
        Grpc::AlreadyExists | Grpc::Aborted => Code::Conflict,
        Grpc::ResourceExhausted => Code::Busy,
        Grpc::FailedPrecondition => Code::Unsafe,
        Grpc::Unavailable => Code::Unavailable,
        // A call that was cut off may have had its effect, as one whose time was up.
        Grpc::DeadlineExceeded | Grpc::Cancelled => Code::Timeout,
        Grpc::Ok | Grpc::Unknown | Grpc::Internal | Grpc::DataLoss | Grpc::Unimplemented => Code::Internal,
    };
    let said = if status.message().is_empty() { "orbital service gave no reason" } else { status.message() };
    Fault::new(code, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back() {
        for code in Code::ALL {
            assert_eq!(fault_of(&Status::new(status_code(code), "x")), Fault::new(code, "x"), "{code}");
        }
    }
}
