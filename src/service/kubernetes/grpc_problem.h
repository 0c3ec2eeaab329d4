// Problems of the key service as gRPC says them.
#pragma once

#include "net/grpc.h"
#include "service/problem.h"

namespace cloister::service {

net::GrpcCode grpc_code_of(ProblemCode code);

// What is wrong with a request before its message is looked at.
std::optional<Problem> check_grpc_head(const net::Request& request);

}  // namespace cloister::service
