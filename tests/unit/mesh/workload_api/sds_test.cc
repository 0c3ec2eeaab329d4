#include "mesh/workload_api/sds.h"

#include <gtest/gtest.h>

#include "mesh/workload_api/sds_messages.h"
#include "tests/support/certificates.h"
#include "tests/support/fake_grpc_call.h"
#include "tests/support/test_identities.h"

namespace cloister::mesh {
namespace {

using net::GrpcCode;
using net::ProtobufWriter;
using testing::FakeGrpcCall;
using testing::field_of;
using testing::fields_of;
using testing::kNow;
using testing::TestIdentities;
using testing::text_of;
using testing::value_of;

net::UnixPeer peer(pid_t pid = 7) { return {pid, 1000, 1000, nullptr}; }

// What Envoy says next on a stream: what it has, which answer that was, and what it wants.
struct Asking {
  std::vector<std::string> names = {"default"};
  std::string version = {};
  std::string nonce = {};
  std::string rejected = {};
  std::string_view type = kSecretType;
};
net::Buffer request(const Asking& asking) {
  net::Buffer message, status;
  ProtobufWriter writer(message);
  writer.text(1, asking.version);
  for (const std::string& name : asking.names) writer.text(3, name);
  writer.text(4, asking.type).text(5, asking.nonce);
  if (!asking.rejected.empty()) {
    ProtobufWriter(status).number(1, 3).text(2, asking.rejected);
    writer.present(6, status);
  }
  return message;
}

class SecretDiscoveryTest : public ::testing::Test {
 protected:
  SecretDiscoveryTest() { identities.set_entries({{"/worker"}, {"/other"}}); }
  ~SecretDiscoveryTest() override { workers->stop(); }

  struct Begun {
    std::shared_ptr<FakeGrpcCall> call;
    std::unique_ptr<net::GrpcReceiver> receiver;

    void ask(const Asking& asking) const { receiver->message(request(asking)); }
    // Takes the answer of that number, as Envoy does.
    std::string take(std::size_t number, std::vector<std::string> names = {"default"}) const {
      const net::Buffer answer = call->sent(number);
      ask({.names = std::move(names), .version = text_of(answer, 1), .nonce = text_of(answer, 5)});
      return text_of(answer, 1);
    }
  };
  Begun begin(const std::string& method = "StreamSecrets", std::optional<net::UnixPeer> from = peer()) {
    auto call = std::make_shared<FakeGrpcCall>("/" + std::string(kSecretDiscovery) + "/" + method, net::Headers(),
                                               std::move(from));
    auto receiver = service.begin(call);
    return {std::move(call), std::move(receiver)};
  }
  static std::vector<std::string> names_of(ByteView answer) {
    std::vector<std::string> names;
    for (const Bytes& any : fields_of(answer, 2)) names.push_back(text_of(field_of(any, 2), 1));
    return names;
  }
  std::vector<RefusedCall> refused() {
    const std::lock_guard lock(mutex);
    return refusals;
  }

  TestIdentities identities{"acme.test", [] { return kNow; }};
  std::unique_ptr<Workers> workers = value_of(Workers::start(1, 2));
  crypto::SystemRandom random;
  StateFeed feed{identities, *workers, random, {.jitter = Duration{0}}};
  CallerLimits limits{{.process = {1, 5, 3}, .user = {100, 100, 100}}};
  std::mutex mutex;
  std::vector<RefusedCall> refusals;
  SecretDiscovery service{{identities, feed, *workers, limits, [] { return kNow; },
                           [this](const RefusedCall& call) {
                             const std::lock_guard lock(mutex);
                             refusals.push_back(call);
                           }}};
};

TEST_F(SecretDiscoveryTest, PushesWhatHasChanged) {
  const Begun stream = begin();
  stream.ask({});
  const std::string first = stream.take(0);
  identities.rotate();
  const std::string second = stream.take(1);
  EXPECT_NE(first, second);
  EXPECT_EQ(names_of(stream.call->sent(1)), std::vector<std::string>{"default"});
  EXPECT_TRUE(refused().empty());
}

TEST_F(SecretDiscoveryTest, SaysNothingTwice) {
  const Begun bundles = begin();
  bundles.ask({.names = {"ROOTCA"}});
  bundles.take(0, {"ROOTCA"});
  const std::size_t asked = identities.asked();
  identities.rotate();  // SVIDs change, the bundle doesn't
  const Begun svids = begin();
  svids.ask({});
  svids.call->sent(0);
  EXPECT_GT(identities.asked(), asked);
  EXPECT_EQ(bundles.call->sent_count(), 1U);
}

TEST_F(SecretDiscoveryTest, OtherNamesOnTheSameStream) {
  const Begun stream = begin();
  stream.ask({});
  stream.take(0);
  stream.take(0, {"ROOTCA", "spiffe://acme.test/other"});
  EXPECT_EQ(names_of(stream.call->sent(1)), (std::vector<std::string>{"ROOTCA", "spiffe://acme.test/other"}));
}

TEST_F(SecretDiscoveryTest, StaleNonceIsPassedOver) {
  const Begun stream = begin();
  stream.ask({});
  stream.call->sent(0);
  stream.ask({.names = {"ROOTCA"}, .nonce = "another"});
  stream.take(0);
  EXPECT_EQ(stream.call->sent_count(), 1U);
}

TEST_F(SecretDiscoveryTest, RejectedAnswerIsTold) {
  const Begun stream = begin();
  stream.ask({});
  const std::string nonce = text_of(stream.call->sent(0), 5);
  stream.ask({.nonce = nonce, .rejected = "no such key"});
  EXPECT_FALSE(stream.call->over());
  EXPECT_EQ(stream.call->sent_count(), 1U);
  ASSERT_EQ(refused().size(), 1U);
  EXPECT_EQ(refused()[0].code, GrpcCode::kOk);
  EXPECT_EQ(refused()[0].method, "StreamSecrets");
  EXPECT_NE(refused()[0].reason.find("no such key"), std::string::npos);
}

TEST_F(SecretDiscoveryTest, NamesOfOthers) {
  const Begun stream = begin();
  stream.ask({.names = {"spiffe://acme.test/third"}});
  const net::GrpcStatus status = stream.call->status();
  EXPECT_EQ(status.code, GrpcCode::kInvalidArgument);
  EXPECT_EQ(status.text, "workload is not authorized for the requested identities [\"spiffe://acme.test/third\"]");
}

TEST_F(SecretDiscoveryTest, NothingRegistered) {
  identities.set_entries({});
  const Begun stream = begin();
  stream.ask({});
  EXPECT_EQ(stream.call->status().code, GrpcCode::kPermissionDenied);
  EXPECT_EQ(stream.call->sent_count(), 0U);
  ASSERT_EQ(refused().size(), 1U);
  EXPECT_EQ(refused()[0].caller.pid, 7);
}

TEST_F(SecretDiscoveryTest, IdentityThatIsTakenAway) {
  const Begun stream = begin();
  stream.ask({});
  stream.take(0);
  identities.set_entries({});
  EXPECT_EQ(stream.call->status().code, GrpcCode::kPermissionDenied);
}

TEST_F(SecretDiscoveryTest, AnotherType) {
  const Begun stream = begin();
  stream.ask({.type = "type.googleapis.com/envoy.config.cluster.v3.Cluster"});
  EXPECT_EQ(stream.call->status().code, GrpcCode::kInvalidArgument);
}

TEST_F(SecretDiscoveryTest, WhatIsNoRequest) {
  const Begun stream = begin();
  stream.receiver->message(net::to_buffer("\x0a\x05"));
  EXPECT_EQ(stream.call->status().code, GrpcCode::kInvalidArgument);
}

TEST_F(SecretDiscoveryTest, FetchesOnce) {
  const Begun fetch = begin("FetchSecrets");
  fetch.ask({.names = {}});
  fetch.receiver->half_closed();
  EXPECT_EQ(fetch.call->status().code, GrpcCode::kOk);
  EXPECT_EQ(names_of(fetch.call->sent(0)).size(), 3U);
}

TEST_F(SecretDiscoveryTest, FetchWithoutAMessageOrWithTwo) {
  const Begun none = begin("FetchSecrets");
  none.receiver->half_closed();
  EXPECT_EQ(none.call->status().code, GrpcCode::kUnimplemented);
  const Begun two = begin("FetchSecrets");
  two.ask({});
  two.ask({});
  EXPECT_EQ(two.call->status().code, GrpcCode::kUnimplemented);
}

TEST_F(SecretDiscoveryTest, MethodsThatAreNotThere) {
  EXPECT_EQ(begin("DeltaSecrets").receiver, nullptr);
  EXPECT_EQ(service.begin(std::make_shared<FakeGrpcCall>("/SpiffeWorkloadAPI/FetchX509SVID")), nullptr);
}

TEST_F(SecretDiscoveryTest, CallerThatTheKernelDoesNotKnow) {
  const Begun stream = begin("StreamSecrets", std::nullopt);
  stream.ask({});
  EXPECT_EQ(stream.call->status().code, GrpcCode::kPermissionDenied);
  EXPECT_EQ(identities.asked(), 0U);
}

TEST_F(SecretDiscoveryTest, TooManyStreams) {
  std::vector<Begun> open;
  for (int i = 0; i < 3; ++i) open.push_back(begin());
  const Begun more = begin();
  EXPECT_EQ(more.call->status().code, GrpcCode::kResourceExhausted);
  open.front().receiver->gone();
  const Begun again = begin();
  again.ask({});
  EXPECT_FALSE(names_of(again.call->sent(0)).empty());
}

}  // namespace
}  // namespace cloister::mesh
