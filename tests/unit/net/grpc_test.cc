#include "net/grpc.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace cloister::net {
namespace {

using testing::unhex;

Request call_of(std::vector<Header> headers) {
  Request request;
  request.method = "POST";
  request.target = "/v2.KeyManagementService/Status";
  for (Header& header : headers) request.headers.add(header.name, header.value);
  auto connection = std::make_shared<ConnectionInfo>();
  connection->protocol = Protocol::kHttp2;
  request.connection = std::move(connection);
  return request;
}
const Header kGrpc{"content-type", "application/grpc"};
const Header kTe{"te", "trailers"};

std::string trailer(const Response& response, std::string_view name) {
  const std::string* value = response.trailers.find(name);
  return value == nullptr ? "none" : *value;
}

TEST(Grpc, HeadsThatAreTaken) {
  EXPECT_EQ(grpc_head(call_of({kGrpc, kTe})), GrpcHead::kFine);
  EXPECT_EQ(grpc_head(call_of({{"content-type", "application/grpc+proto"}, kTe})), GrpcHead::kFine);
  EXPECT_EQ(grpc_head(call_of({kGrpc, kTe, {"grpc-timeout", "99999999n"}})), GrpcHead::kFine);
  EXPECT_EQ(grpc_head(call_of({kGrpc, kTe, {"grpc-timeout", "3S"}})), GrpcHead::kFine);
}

TEST(Grpc, AnotherContentType) {
  EXPECT_EQ(grpc_head(call_of({kTe})), GrpcHead::kNotGrpc);
  EXPECT_EQ(grpc_head(call_of({{"content-type", "application/json"}, kTe})), GrpcHead::kNotGrpc);
  EXPECT_EQ(grpc_head(call_of({{"content-type", "application/grpc+json"}, kTe})), GrpcHead::kNotGrpc);
  EXPECT_EQ(grpc_head(call_of({{"content-type", "application/grpcfoo"}, kTe})), GrpcHead::kNotGrpc);
}

TEST(Grpc, NoTrailersTaken) {
  EXPECT_EQ(grpc_head(call_of({kGrpc})), GrpcHead::kNoTrailers);
  EXPECT_EQ(grpc_head(call_of({kGrpc, {"te", "gzip"}})), GrpcHead::kNoTrailers);
  Request http1 = call_of({kGrpc, kTe});
  http1.connection = std::make_shared<ConnectionInfo>();
  EXPECT_EQ(grpc_head(http1), GrpcHead::kNoTrailers);
}

TEST(Grpc, AnotherMethod) {
  Request get = call_of({kGrpc, kTe});
  get.method = "GET";
  EXPECT_EQ(grpc_head(get), GrpcHead::kNotPost);
}

TEST(Grpc, MalformedTimeout) {
  for (const char* timeout : {"", "S", "3", "3s", "123456789S", "-1S", "3 S"}) {
    EXPECT_EQ(grpc_head(call_of({kGrpc, kTe, {"grpc-timeout", timeout}})), GrpcHead::kBadTimeout) << timeout;
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
  Response response = begin_grpc_message();
  append(response.body, std::string(300, 'x'));
  end_grpc_message(response);
  EXPECT_EQ(to_hex(ByteView(response.body).first(5)), "000000012c");
  EXPECT_EQ(response.body.size(), 305U);
  EXPECT_EQ(trailer(response, "grpc-status"), "0");
  EXPECT_EQ(*response.headers.find("content-type"), "application/grpc");
}

TEST(Grpc, FailuresAreTrailers) {
  const Response response = grpc_failure(GrpcCode::kPermissionDenied, "no: 100% \xc3\xa9\n");
  EXPECT_EQ(response.status, 200U);
  EXPECT_TRUE(response.body.empty());
  EXPECT_EQ(trailer(response, "grpc-status"), "7");
  EXPECT_EQ(trailer(response, "grpc-message"), "no: 100%25 %C3%A9%0A");
  EXPECT_EQ(trailer(grpc_failure(GrpcCode::kInternal, ""), "grpc-message"), "none");
}

TEST(Grpc, StatusesAsTheyAreRead) {
  const auto status = read_grpc_trailers({{"grpc-status", "7"}, {"grpc-message", "no: 100%25 %C3%A9%0a%zz%"}});
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->code, GrpcCode::kPermissionDenied);
  EXPECT_EQ(status->text, "no: 100% ???%zz%");
  EXPECT_EQ(read_grpc_trailers({{"grpc-status", "17"}})->code, GrpcCode::kUnknown);
  EXPECT_EQ(read_grpc_trailers({{"grpc-status", "4294967296"}})->code, GrpcCode::kUnknown);
  const auto longest = read_grpc_trailers({{"grpc-status", "0"}, {"grpc-message", std::string(5000, 'x')}});
  EXPECT_EQ(longest->text.size(), 1024U);
}

TEST(Grpc, NoStatus) {
  EXPECT_FALSE(read_grpc_trailers({}).has_value());
  for (const char* number : {"", "-1", "x", "1 ", "99999999999"}) {
    EXPECT_FALSE(read_grpc_trailers({{"grpc-status", number}}).has_value()) << number;
  }
}

}  // namespace
}  // namespace cloister::net
