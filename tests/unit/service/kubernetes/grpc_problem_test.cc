#include "service/kubernetes/grpc_problem.h"

#include <gtest/gtest.h>

namespace cloister::service {
namespace {

using net::GrpcCode;

std::string refusal_of(std::vector<net::Header> headers, std::string method = "POST") {
  net::Request request;
  request.method = std::move(method);
  for (net::Header& header : headers) request.headers.add(header.name, header.value);
  const auto problem = check_grpc_head(request);
  return problem ? std::string(kind_of(problem->code).name) : "";
}

TEST(GrpcProblem, HeadsThatAreNotTaken) {
  const net::Header type{"content-type", "application/grpc"};
  const net::Header te{"te", "trailers"};
  EXPECT_EQ(refusal_of({type, te}), "");
  EXPECT_EQ(refusal_of({te}), "unsupported-media-type");
  EXPECT_EQ(refusal_of({type}), "invalid-request");
  EXPECT_EQ(refusal_of({type, te, {"grpc-timeout", "3"}}), "invalid-request");
  EXPECT_EQ(refusal_of({type, te}, "GET"), "method-not-allowed");
}

TEST(GrpcProblem, AsStatuses) {
  EXPECT_EQ(grpc_code_of(ProblemCode::kRefused), GrpcCode::kPermissionDenied);
  EXPECT_EQ(grpc_code_of(ProblemCode::kNoSuchRoute), GrpcCode::kUnimplemented);
  EXPECT_EQ(grpc_code_of(ProblemCode::kWrapDoesNotOpen), GrpcCode::kInvalidArgument);
  EXPECT_EQ(grpc_code_of(ProblemCode::kKeyVersionDisabled), GrpcCode::kFailedPrecondition);
  EXPECT_EQ(grpc_code_of(ProblemCode::kAuditUnavailable), GrpcCode::kUnavailable);
  EXPECT_EQ(grpc_code_of(ProblemCode::kUnauthenticated), GrpcCode::kUnauthenticated);
  EXPECT_EQ(grpc_code_of(ProblemCode::kQuotaExceeded), GrpcCode::kResourceExhausted);
  for (const ProblemKind& kind : problem_kinds()) EXPECT_NE(grpc_code_of(kind.code), GrpcCode::kOk);
}

}  // namespace
}  // namespace cloister::service
