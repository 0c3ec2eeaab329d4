#include "mesh/workload_api/reflection.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/fake_grpc_call.h"
#include "tests/support/hex.h"

namespace cloister::mesh {
namespace {

using net::GrpcCode;
using net::ProtobufWriter;
using testing::expect_refused;
using testing::FakeGrpcCall;
using testing::field_of;
using testing::fields_of;
using testing::text_of;
using testing::unhex;
using testing::value_of;

enum Question : std::uint32_t { kFile = 3, kSymbol = 4, kExtension = 5, kExtensionNumbers = 6, kList = 7 };

net::Buffer request(Question question, std::string_view about) {
  net::Buffer message;
  ProtobufWriter(message).text(1, "localhost").present(question, as_bytes(about));
  return message;
}

const Reflection& reflection() {
  static const Reflection all({"SpiffeWorkloadAPI", std::string(kReflectionV1)}, workload_api_files());
  return all;
}

net::Buffer answer(Question question, std::string_view about) {
  return value_of(reflection().answer(request(question, about)));
}

std::vector<std::string> files(Question question, std::string_view about) {
  std::vector<std::string> names;
  for (const Bytes& file : fields_of(field_of(answer(question, about), 4), 1)) names.push_back(text_of(file, 1));
  return names;
}

void expect_not_found(Question question, std::string_view about) {
  const net::Buffer said = answer(question, about);
  EXPECT_TRUE(fields_of(said, 4).empty()) << about;
  EXPECT_EQ(to_hex(field_of(said, 7)).substr(0, 4), "0805") << about;
}

TEST(Reflection, ListsServices) {
  const net::Buffer said = answer(kList, "*");
  std::vector<std::string> names;
  for (const Bytes& service : fields_of(field_of(said, 6), 1)) names.push_back(text_of(service, 1));
  EXPECT_EQ(names, (std::vector<std::string>{"SpiffeWorkloadAPI", "grpc.reflection.v1.ServerReflection"}));
  EXPECT_EQ(text_of(said, 1), "localhost");
  EXPECT_EQ(field_of(said, 2), to_bytes(request(kList, "*")));
}

TEST(Reflection, FilesWithWhatTheyImport) {
  const std::vector<std::string> both{"workload.proto", "google/protobuf/struct.proto"};
  EXPECT_EQ(files(kSymbol, "SpiffeWorkloadAPI"), both);
  EXPECT_EQ(files(kSymbol, "SpiffeWorkloadAPI.FetchJWTSVID"), both);
  EXPECT_EQ(files(kSymbol, "X509SVIDResponse.FederatedBundlesEntry"), both);
  EXPECT_EQ(files(kFile, "workload.proto"), both);
  EXPECT_EQ(files(kSymbol, "google.protobuf.Struct"), std::vector<std::string>{"google/protobuf/struct.proto"});
}

TEST(Reflection, WhatIsntThere) {
  expect_not_found(kFile, "another.proto");
  expect_not_found(kFile, "");
  expect_not_found(kSymbol, "google.protobuf.Any");
  expect_not_found(kSymbol, "...");
  expect_not_found(kExtension, "\x0a\x01x");
  expect_not_found(kExtensionNumbers, "X509SVID");
}

TEST(Reflection, RequestsThatAreRefused) {
  expect_refused(reflection().answer({}), Code::kInvalid, "asks for nothing");
  expect_refused(reflection().answer(unhex("1a05")), Code::kInvalid, "ends within");
  expect_refused(reflection().answer(unhex("1801")), Code::kInvalid, "message_request");
  expect_refused(reflection().answer(request(kFile, std::string(5000, 'a'))), Code::kInvalid, "too long");
}

TEST(Reflection, OneCallManyQuestions) {
  Reflection service({"SpiffeWorkloadAPI"}, workload_api_files());
  const auto call = std::make_shared<FakeGrpcCall>("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
  const auto receiver = service.begin(call);
  ASSERT_NE(receiver, nullptr);
  receiver->message(request(kList, ""));
  receiver->message(request(kSymbol, "SpiffeWorkloadAPI"));
  EXPECT_EQ(call->sent_count(), 2U);
  receiver->half_closed();
  EXPECT_EQ(call->status().code, GrpcCode::kOk);
}

TEST(Reflection, AMalformedQuestionEndsTheCall) {
  Reflection service({}, {});
  const auto call = std::make_shared<FakeGrpcCall>("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
  service.begin(call)->message(net::Buffer{0xff});
  EXPECT_EQ(call->status().code, GrpcCode::kInvalidArgument);
  EXPECT_EQ(service.begin(std::make_shared<FakeGrpcCall>("/grpc.reflection.v1.ServerReflection/Other")), nullptr);
}

}  // namespace
}  // namespace cloister::mesh
