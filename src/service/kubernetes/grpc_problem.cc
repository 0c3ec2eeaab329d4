#include "service/kubernetes/grpc_problem.h"

namespace cloister::service {

using net::GrpcCode;

GrpcCode grpc_code_of(ProblemCode code) {
  switch (code) {
    case ProblemCode::kInvalidRequest:
    case ProblemCode::kPurposeMissing:
    case ProblemCode::kUnsupportedMediaType:
    case ProblemCode::kIdempotencyKeyReused:
    case ProblemCode::kWrapDoesNotOpen: return GrpcCode::kInvalidArgument;
    case ProblemCode::kUnauthenticated: return GrpcCode::kUnauthenticated;
    case ProblemCode::kRefused: return GrpcCode::kPermissionDenied;
    case ProblemCode::kNoSuchRoute:
    case ProblemCode::kMethodNotAllowed:
    case ProblemCode::kUnsupported: return GrpcCode::kUnimplemented;
    case ProblemCode::kNotFound:
    case ProblemCode::kKeyVersionUnknown: return GrpcCode::kNotFound;
    case ProblemCode::kExists: return GrpcCode::kAlreadyExists;
    case ProblemCode::kWrongState:
    case ProblemCode::kExpired:
    case ProblemCode::kKeyVersionDisabled:
    case ProblemCode::kKeyVersionDestroyed: return GrpcCode::kFailedPrecondition;
    case ProblemCode::kChangedMeanwhile: return GrpcCode::kAborted;
    case ProblemCode::kDamaged: return GrpcCode::kDataLoss;
    case ProblemCode::kQuotaExceeded: return GrpcCode::kResourceExhausted;
    case ProblemCode::kBusy:
    case ProblemCode::kStoreUnavailable:
    case ProblemCode::kAuditUnavailable: return GrpcCode::kUnavailable;
    case ProblemCode::kInternal: break;
  }
  return GrpcCode::kInternal;
}

std::optional<Problem> check_grpc_head(const net::Request& request) {
  const net::GrpcHead head = net::grpc_head(request);
  const auto problem = [head](ProblemCode code) { return Problem{code, std::string(net::text_of(head))}; };
  switch (head) {
    case net::GrpcHead::kFine: break;
    case net::GrpcHead::kNotGrpc: return problem(ProblemCode::kUnsupportedMediaType);
    case net::GrpcHead::kNotPost: return problem(ProblemCode::kMethodNotAllowed);
    case net::GrpcHead::kNoTrailers:
    case net::GrpcHead::kBadTimeout: return problem(ProblemCode::kInvalidRequest);
  }
  return std::nullopt;
}

}  // namespace cloister::service
