#include "service/kubernetes/grpc.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace cloister::service {
namespace {

using testing::unhex;

net::Request call_of(std::vector<net::Header> headers) {
  net::Request request;
  request.method = "POST";
  request.target = "/v2.KeyManagementService/Status";
  for (net::Header& header : headers) request.headers.add(header.name, header.value);
  auto connection = std::make_shared<net::ConnectionInfo>();
  connection->protocol = net::Protocol::kHttp2;
  request.connection = std::move(connection);
  return request;
}
const net::Header kGrpc{"content-type", "application/grpc"};
const net::Header kTe{"te", "trailers"};

std::string refusal_of(const net::Request& request) {
  const auto problem = check_grpc_head(request);
  return problem ? std::string(kind_of(problem->code).name) : "";
}

std::string trailer(const net::Response& response, std::string_view name) {
  const std::string* value = response.trailers.find(name);
  return value == nullptr ? "none" : *value;
}

TEST(Grpc, HeadsThatAreTaken) {
  EXPECT_EQ(refusal_of(call_of({kGrpc, kTe})), "");
  EXPECT_EQ(refusal_of(call_of({{"content-type", "application/grpc+proto"}, kTe})), "");
  EXPECT_EQ(refusal_of(call_of({kGrpc, kTe, {"grpc-timeout", "99999999n"}})), "");
  EXPECT_EQ(refusal_of(call_of({kGrpc, kTe, {"grpc-timeout", "3S"}})), "");
}

TEST(Grpc, AnotherContentType) {
  EXPECT_EQ(refusal_of(call_of({kTe})), "unsupported-media-type");
  EXPECT_EQ(refusal_of(call_of({{"content-type", "application/json"}, kTe})), "unsupported-media-type");
  EXPECT_EQ(refusal_of(call_of({{"content-type", "application/grpc+json"}, kTe})), "unsupported-media-type");
  EXPECT_EQ(refusal_of(call_of({{"content-type", "application/grpcfoo"}, kTe})), "unsupported-media-type");
}

TEST(Grpc, NoTrailersTaken) {
  EXPECT_EQ(refusal_of(call_of({kGrpc})), "invalid-request");
  EXPECT_EQ(refusal_of(call_of({kGrpc, {"te", "gzip"}})), "invalid-request");
  net::Request http1 = call_of({kGrpc, kTe});
  http1.connection = std::make_shared<net::ConnectionInfo>();
  EXPECT_EQ(refusal_of(http1), "invalid-request");
}

TEST(Grpc, AnotherMethod) {
  net::Request get = call_of({kGrpc, kTe});
  get.method = "GET";
  EXPECT_EQ(refusal_of(get), "method-not-allowed");
}

TEST(Grpc, MalformedTimeout) {
  for (const char* timeout : {"", "S", "3", "3s", "123456789S", "-1S", "3 S"}) {
    EXPECT_EQ(refusal_of(call_of({kGrpc, kTe, {"grpc-timeout", timeout}})), "invalid-request") << timeout;
  }
}

TEST(Grpc, OneMessage) {
  const Bytes body = unhex("0000000002abcd");
  const auto message = read_grpc_message(body);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(to_hex(*message), "abcd");
  const Bytes empty = unhex("0000000000");
  ASSERT_TRUE(read_grpc_message(empty).ok());
}

TEST(Grpc, CompressedMessage) {
  const auto message = read_grpc_message(unhex("0100000002abcd"));
  ASSERT_FALSE(message.ok());
  EXPECT_EQ(message.error().code(), Code::kUnsupported);
}

TEST(Grpc, TruncatedLongerOrSecondMessage) {
  for (const char* body :
       {"", "00000000", "0000000003abcd", "0000000001abcd", "00000000000000000000", "00ffffffffab", "0200000000"}) {
    const auto message = read_grpc_message(unhex(body));
    ASSERT_FALSE(message.ok()) << body;
    EXPECT_EQ(message.error().code(), Code::kInvalid) << body;
  }
}

TEST(Grpc, AnswersSayTheirLength) {
  net::Response response = begin_grpc_message();
  net::append(response.body, std::string(300, 'x'));
  end_grpc_message(response);
  EXPECT_EQ(to_hex(ByteView(response.body).first(5)), "000000012c");
  EXPECT_EQ(response.body.size(), 305U);
  EXPECT_EQ(trailer(response, "grpc-status"), "0");
  EXPECT_EQ(*response.headers.find("content-type"), "application/grpc");
}

TEST(Grpc, FailuresAreTrailers) {
  const net::Response response = grpc_failure(GrpcCode::kPermissionDenied, "no: 100% \xc3\xa9\n");
  EXPECT_EQ(response.status, 200U);
  EXPECT_TRUE(response.body.empty());
  EXPECT_EQ(trailer(response, "grpc-status"), "7");
  EXPECT_EQ(trailer(response, "grpc-message"), "no: 100%25 %C3%A9%0A");
  EXPECT_EQ(trailer(grpc_failure(GrpcCode::kInternal, ""), "grpc-message"), "none");
}

TEST(Grpc, ProblemsAsStatuses) {
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
