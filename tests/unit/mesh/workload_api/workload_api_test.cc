#include "mesh/workload_api/workload_api.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "mesh/workload_api/service_table.h"
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

constexpr CallerLimitsOptions kFew{.process = {1, 5, 3}, .user = {100, 100, 100}};

net::UnixPeer peer(pid_t pid = 7) { return {pid, 1000, 1000, nullptr}; }
net::Headers with_security_header() { return {{"workload.spiffe.io", "true"}}; }

net::Buffer jwt_request(std::string_view audience, std::string_view id = {}) {
  net::Buffer message;
  ProtobufWriter(message).text(1, audience).text(2, id);
  return message;
}

// One end of a call that a test holds, with what the service made of it.
struct Begun {
  std::shared_ptr<FakeGrpcCall> call;
  std::unique_ptr<net::GrpcReceiver> receiver;

  void ask(net::Buffer message = {}) const {
    receiver->message(std::move(message));
    receiver->half_closed();
  }
  void leave() {
    call->leave();
    receiver->gone();
    receiver = nullptr;
  }
};

class WorkloadApiTest : public ::testing::Test {
 protected:
  WorkloadApiTest() { identities.set_entries({{"/worker", "main"}}); }
  ~WorkloadApiTest() override { workers->stop(); }

  Begun begin(const std::string& method, net::Headers headers = with_security_header(),
              std::optional<net::UnixPeer> from = peer()) {
    auto call = std::make_shared<FakeGrpcCall>("/SpiffeWorkloadAPI/" + method, std::move(headers), std::move(from));
    auto receiver = api.begin(call);
    return {std::move(call), std::move(receiver)};
  }
  Begun asked(const std::string& method, net::Buffer message = {}) {
    Begun begun = begin(method);
    begun.ask(std::move(message));
    return begun;
  }
  void expect_status(const Begun& begun, GrpcCode code, std::string_view text) {
    const net::GrpcStatus status = begun.call->status();
    EXPECT_EQ(status.code, code) << status.text;
    EXPECT_EQ(status.text, text);
    EXPECT_EQ(begun.call->sent_count(), 0U);
  }
  std::vector<RefusedCall> refused() {
    const std::lock_guard lock(mutex);
    return refusals;
  }

  TestIdentities identities{"example.org", [] { return kNow; }};
  std::unique_ptr<Workers> workers = value_of(Workers::start(1, 2));
  crypto::SystemRandom random;
  StateFeed feed{identities, *workers, random, {.jitter = Duration{0}}};
  CallerLimits limits{kFew};
  std::mutex mutex;
  std::vector<RefusedCall> refusals;
  WorkloadApi api{{identities, feed, *workers, limits, [] { return kNow; },
                   [this](const RefusedCall& call) {
                     const std::lock_guard lock(mutex);
                     refusals.push_back(call);
                   }}};
};

TEST_F(WorkloadApiTest, X509SvidsNowAndAfterARotation) {
  const Begun begun = asked("FetchX509SVID");
  const Bytes first = field_of(field_of(begun.call->sent(0), 1), 2);
  identities.rotate();
  const net::Buffer second = begun.call->sent(1);
  EXPECT_NE(field_of(field_of(second, 1), 2), first);
  EXPECT_EQ(text_of(field_of(second, 1), 1), "spiffe://example.org/worker");
  EXPECT_FALSE(begun.call->over());
}

TEST_F(WorkloadApiTest, BundlesAreSentOnlyWhenTheyChange) {
  const Begun x509 = asked("FetchX509Bundles");
  const Begun jwt = asked("FetchJWTBundles");
  const net::Buffer before = x509.call->sent(0);
  EXPECT_EQ(fields_of(jwt.call->sent(0), 1).size(), 1U);
  identities.rotate();  // new SVIDs, the same bundle
  TestIdentities other("partner.example", [] { return kNow; });
  identities.federate(other.bundle());
  const net::Buffer after = x509.call->sent(1);
  EXPECT_EQ(fields_of(before, 2).size(), 1U);
  EXPECT_EQ(fields_of(after, 2).size(), 2U);
  EXPECT_EQ(fields_of(jwt.call->sent(1), 1).size(), 2U);
  identities.unfederate("partner.example");
  EXPECT_EQ(fields_of(x509.call->sent(2), 2).size(), 1U);
  EXPECT_EQ(x509.call->sent(2), before);
}

TEST_F(WorkloadApiTest, JwtSvidsThatItValidates) {
  const Begun fetched = asked("FetchJWTSVID", jwt_request("db"));
  EXPECT_EQ(fetched.call->status().code, GrpcCode::kOk);
  const Bytes svid = field_of(fetched.call->sent(0), 1);
  EXPECT_EQ(text_of(svid, 1), "spiffe://example.org/worker");
  EXPECT_EQ(text_of(svid, 3), "main");

  net::Buffer request;
  ProtobufWriter(request).text(1, "db").bytes(2, field_of(svid, 2));
  const Begun validated = asked("ValidateJWTSVID", request);
  EXPECT_EQ(validated.call->status().code, GrpcCode::kOk);
  EXPECT_EQ(text_of(validated.call->sent(0), 1), "spiffe://example.org/worker");
  EXPECT_EQ(fields_of(field_of(validated.call->sent(0), 2), 1).size(), 4U) << "sub, aud, exp, iat";
}

TEST_F(WorkloadApiTest, TokensThatArentValid) {
  const Begun fetched = asked("FetchJWTSVID", jwt_request("db"));
  std::string token = text_of(field_of(fetched.call->sent(0), 1), 2);
  const auto validate = [&](std::string_view audience) {
    net::Buffer request;
    ProtobufWriter(request).text(1, audience).text(2, token);
    return asked("ValidateJWTSVID", request).call->status().code;
  };
  EXPECT_EQ(validate("another"), GrpcCode::kInvalidArgument);
  identities.replace_authority();
  EXPECT_EQ(validate("db"), GrpcCode::kInvalidArgument);
  token = "a.b.c";
  EXPECT_EQ(validate("db"), GrpcCode::kInvalidArgument);
}

TEST_F(WorkloadApiTest, SecurityHeaderMissingOrWrong) {
  for (const net::Headers& headers :
       {net::Headers{}, net::Headers{{"workload.spiffe.io", "True"}}, net::Headers{{"workload.spiffe.io", ""}},
        net::Headers{{"workload.spiffe.io", "true"}, {"workload.spiffe.io", "true"}}}) {
    for (const char* method : {"FetchX509SVID", "FetchJWTSVID", "ValidateJWTSVID", "FetchWITSVID"}) {
      const Begun begun = begin(method, headers);
      begun.ask();
      expect_status(begun, GrpcCode::kInvalidArgument, "security header missing from request");
    }
  }
  EXPECT_EQ(identities.asked(), 0U);
  EXPECT_EQ(refused().size(), 16U);
}

TEST_F(WorkloadApiTest, ACallerWithoutEntries) {
  identities.set_entries({});
  const auto denied = [&](const std::string& method, net::Buffer message = {}) {
    Begun begun = asked(method, std::move(message));
    expect_status(begun, GrpcCode::kPermissionDenied, "no identity issued");
    begun.leave();
  };
  denied("FetchX509SVID");
  denied("FetchX509Bundles");
  denied("FetchJWTBundles");
  denied("FetchJWTSVID", jwt_request("db"));
  const auto all = refused();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].reason, "nothing is registered for this caller") << "the log is told more than the caller";
  EXPECT_EQ(all[0].method, "FetchX509SVID");
  EXPECT_EQ(all[0].caller.pid, 7);
}

TEST_F(WorkloadApiTest, AnIdOfSomebodyElse) {
  const Begun begun = asked("FetchJWTSVID", jwt_request("db", "spiffe://example.org/another"));
  expect_status(begun, GrpcCode::kPermissionDenied, "no identity issued");
}

TEST_F(WorkloadApiTest, EntriesThatGoAwayEndTheStream) {
  const Begun begun = asked("FetchX509SVID");
  begun.call->sent(0);
  identities.set_entries({});
  EXPECT_EQ(begun.call->status().code, GrpcCode::kPermissionDenied);
}

TEST_F(WorkloadApiTest, NotReadyYet) {
  identities.refuse_with(Error(Code::kUnavailable, "no authority yet"));
  expect_status(asked("FetchX509SVID"), GrpcCode::kUnavailable, "not ready, try again");
  expect_status(asked("FetchJWTSVID", jwt_request("db")), GrpcCode::kUnavailable, "not ready, try again");
}

TEST_F(WorkloadApiTest, WhatGoesWrongInsideIsForTheLog) {
  identities.refuse_with(Error(Code::kInternal, "disk of the store is full"));
  expect_status(asked("FetchX509SVID"), GrpcCode::kInternal, "internal error");
  EXPECT_EQ(refused().front().reason, "disk of the store is full");
}

TEST_F(WorkloadApiTest, MessagesThatArentTheirs) {
  const auto answer = [&](const std::string& method, const Bytes& message) {
    Begun begun = asked(method, net::Buffer(message.begin(), message.end()));
    const GrpcCode code = begun.call->status().code;
    begun.leave();
    return code;
  };
  EXPECT_EQ(answer("FetchX509SVID", {0x0a, 0x05}), GrpcCode::kInvalidArgument);
  EXPECT_EQ(answer("FetchJWTSVID", {}), GrpcCode::kInvalidArgument);
  EXPECT_EQ(answer("FetchJWTSVID", {0x0a, 0x01, 0xff}), GrpcCode::kInvalidArgument);
  EXPECT_EQ(answer("ValidateJWTSVID", {0xff, 0xff, 0xff}), GrpcCode::kInvalidArgument);
}

TEST_F(WorkloadApiTest, NotExactlyOneMessage) {
  const Begun none = begin("FetchX509SVID");
  none.receiver->half_closed();
  expect_status(none, GrpcCode::kUnimplemented, "the method takes one message");
  const Begun two = begin("FetchX509SVID");
  two.receiver->message({});
  two.receiver->message({});
  two.receiver->half_closed();
  expect_status(two, GrpcCode::kUnimplemented, "the method takes one message");
}

TEST_F(WorkloadApiTest, MethodsThatArentThere) {
  for (const char* method : {"FetchWITSVID", "FetchWITBundles", "Nothing", ""}) {
    EXPECT_EQ(begin(method).receiver, nullptr) << method;
  }
}

TEST_F(WorkloadApiTest, ACallerFromElsewhere) {
  const Begun begun = begin("FetchX509SVID", with_security_header(), std::nullopt);
  begun.ask();
  expect_status(begun, GrpcCode::kPermissionDenied, "no identity issued");
}

TEST_F(WorkloadApiTest, TooManyOpenCalls) {
  Begun first = asked("FetchX509SVID");
  const Begun second = asked("FetchX509SVID"), third = asked("FetchX509SVID");
  Begun fourth = begin("FetchX509SVID");
  fourth.ask();
  expect_status(fourth, GrpcCode::kResourceExhausted, "this process has too many calls open");
  first.leave();
  const Begun fifth = asked("FetchX509SVID");
  EXPECT_FALSE(fifth.call->sent(0).empty());
}

TEST_F(WorkloadApiTest, AFloodOfCalls) {
  for (int i = 0; i < 5; ++i) {
    Begun begun = asked("FetchX509SVID");
    begun.call->sent(0);
    begun.leave();
  }
  const Begun begun = begin("FetchX509SVID");
  begun.ask();
  expect_status(begun, GrpcCode::kUnavailable, "this process calls too often");
}

TEST_F(WorkloadApiTest, MoreThanTheWorkersCanTake) {
  std::mutex gate;
  std::condition_variable opened;
  bool begun_work = false, open = false;
  ASSERT_TRUE(workers->submit([&] {
    std::unique_lock lock(gate);
    begun_work = true;
    opened.notify_all();
    opened.wait(lock, [&] { return open; });
  }));
  {
    std::unique_lock lock(gate);
    opened.wait(lock, [&] { return begun_work; });
  }
  const Begun first = asked("FetchJWTSVID", jwt_request("db")), second = asked("FetchJWTSVID", jwt_request("db"));
  const Begun third = asked("FetchJWTSVID", jwt_request("db"));
  expect_status(third, GrpcCode::kUnavailable, "not ready, try again");
  {
    const std::lock_guard lock(gate);
    open = true;
    opened.notify_all();
  }
  EXPECT_EQ(first.call->status().code, GrpcCode::kOk);
  EXPECT_EQ(second.call->status().code, GrpcCode::kOk);
}

TEST_F(WorkloadApiTest, AClientThatLeftCostsNothingMore) {
  Begun begun = asked("FetchX509SVID");
  begun.call->sent(0);
  begun.leave();
  const std::size_t asked_before = identities.asked();
  identities.rotate();
  const Begun other = asked("FetchX509SVID");
  other.call->sent(0);
  EXPECT_EQ(identities.asked(), asked_before + 1);
}

TEST_F(WorkloadApiTest, BesideOtherServices) {
  ServiceTable table;
  table.add("SpiffeWorkloadAPI", std::make_shared<WorkloadApi>(
                                     WorkloadApiParts{identities, feed, *workers, limits, [] { return kNow; }, {}}));
  EXPECT_EQ(table.names(), std::vector<std::string>{"SpiffeWorkloadAPI"});
  const auto begin_at = [&](const std::string& target) {
    return table.begin(std::make_shared<FakeGrpcCall>(target, with_security_header(), peer()));
  };
  EXPECT_NE(begin_at("/SpiffeWorkloadAPI/FetchX509SVID"), nullptr);
  for (const char* target : {"/SpiffeWorkloadAPI", "/", "//FetchX509SVID", "/spiffeworkloadapi/FetchX509SVID",
                             "/x/SpiffeWorkloadAPI/FetchX509SVID", "*"}) {
    EXPECT_EQ(begin_at(target), nullptr) << target;
  }
}

}  // namespace
}  // namespace cloister::mesh
