#include "service/kubernetes/kubernetes_dialect.h"

#include "net/grpc.h"
#include "net/protobuf.h"
#include "service/kubernetes/kms_v2.h"
#include "service/message.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

using net::begin_grpc_message;
using net::end_grpc_message;
using net::ProtobufReader;
using net::ProtobufWriter;
using net::read_grpc_message;

constexpr uid_t kApiServer = 4242;  // Anna, by the harness' table

struct Called {
  net::Response response;
  std::string status() const { return trailer("grpc-status"); }
  std::string text() const { return trailer("grpc-message"); }
  std::string trailer(std::string_view name) const {
    const std::string* value = response.trailers.find(name);
    return value == nullptr ? "none" : *value;
  }
  // The answer's fields, by number; the last of each.
  std::map<std::uint32_t, std::string> fields() const {
    std::map<std::uint32_t, std::string> all;
    ProtobufReader reader(testing::value_of(read_grpc_message(response.body)));
    while (const auto field = testing::value_of(reader.next())) all[field->number] = as_text(field->bytes);
    return all;
  }
};

class Kubernetes : public ::testing::Test {
 protected:
  Kubernetes() {
    for (const char* tenant : {"acme", "rival"}) {
      EXPECT_TRUE(harness_.keys->create_tenant({tenant, ""}, std::nullopt, Harness::caller()).ok());
      EXPECT_TRUE(harness_.keys->create_dataset({tenant, "", "etcd"}, Harness::caller()).ok());
    }
    harness_.start();
    handler_ = speak_for("acme");
  }

  std::shared_ptr<net::Handler> speak_for(const std::string& tenant) {
    return harness_.service->handler(std::make_shared<KubernetesDialect>(
        KubernetesOptions{{tenant, "", "etcd"}, policy::Purpose::kOperate}, harness_.service->keyrings()));
  }

  static net::Request request_of(const std::string& method, ByteView message, uid_t uid = kApiServer) {
    net::Request request;
    request.method = "POST";
    request.target = "/v2.KeyManagementService/" + method;
    request.headers = {{"host", "localhost"}, {"content-type", "application/grpc"}, {"te", "trailers"}};
    net::Response framed = begin_grpc_message();
    net::append(framed.body, message);
    end_grpc_message(framed);
    request.body = std::move(framed.body);
    auto connection = std::make_shared<net::ConnectionInfo>();
    connection->protocol = net::Protocol::kHttp2;
    connection->remote = "unix";
    connection->unix_peer = net::UnixPeer{1, uid, 100, nullptr};
    request.connection = std::move(connection);
    return request;
  }

  Called send(net::Request request) {
    Waiting waiting;
    auto response = handler_->handle(request, waiting);
    if (!response) response = waiting.wait();
    return {std::move(*response)};
  }
  Called status() { return send(request_of("Status", {})); }
  Called encrypt(std::string_view plaintext, std::string_view uid = "uid-1", uid_t user = kApiServer) {
    net::Buffer message;
    ProtobufWriter(message).text(1, plaintext).text(2, uid);
    return send(request_of("Encrypt", message, user));
  }
  Called decrypt(std::string_view ciphertext, std::string_view key_id, std::string_view dataset = "acme/etcd") {
    net::Buffer message;
    ProtobufWriter writer(message);
    writer.text(1, ciphertext).text(2, "uid-2").text(3, key_id);
    if (!dataset.empty()) writer.entry(4, "dataset.kms.cloister.internal", as_bytes(dataset));
    return send(request_of("Decrypt", message));
  }

  Harness harness_;
  std::shared_ptr<net::Handler> handler_;
};

TEST_F(Kubernetes, StatusNamesTheKey) {
  const Called called = status();
  ASSERT_EQ(called.status(), "0") << called.text();
  EXPECT_EQ(called.fields()[1], "v2");
  EXPECT_EQ(called.fields()[2], "ok");
  EXPECT_TRUE(called.fields()[3].ends_with("/1"));
  EXPECT_EQ(called.fields()[3].size(), 34U);
  EXPECT_EQ(status().fields()[3], called.fields()[3]);
}

TEST_F(Kubernetes, EncryptAndDecrypt) {
  const std::string seed(32, 's');
  Called sealed = encrypt(seed);
  ASSERT_EQ(sealed.status(), "0") << sealed.text();
  EXPECT_LE(sealed.fields()[1].size(), kKmsCiphertextSizeMax);
  EXPECT_EQ(sealed.fields()[1].find(seed), std::string::npos);
  EXPECT_EQ(sealed.fields()[2], status().fields()[3]);
  Called opened = decrypt(sealed.fields()[1], sealed.fields()[2]);
  ASSERT_EQ(opened.status(), "0") << opened.text();
  EXPECT_EQ(opened.fields()[1], seed);
  EXPECT_EQ(decrypt(sealed.fields()[1], sealed.fields()[2], "").fields()[1], seed);  // annotations are optional
  EXPECT_FALSE(opened.response.headers.find("audit-index") == nullptr);
}

TEST_F(Kubernetes, UidIsOnRecord) {
  ASSERT_EQ(encrypt("seed", "31c2fd1a-0001").status(), "0");
  const audit::Event event = harness_.last_event();
  EXPECT_EQ(event.action, "wrap");
  EXPECT_EQ(event.actor, kAdmin);
  EXPECT_EQ(event.subject, "acme/etcd");
  EXPECT_EQ(event.outcome, audit::Outcome::kAllowed);
  EXPECT_EQ(event.detail, "encrypt for uid 31c2fd1a-0001, 4 bytes");
}

TEST_F(Kubernetes, RotationChangesTheKeyIdAndOldCiphertextsOpen) {
  Called sealed = encrypt("seed");
  ASSERT_TRUE(harness_.keys->rotate_dataset_key({"acme", "", "etcd"}, Harness::caller()).ok());
  const std::string next = status().fields()[3];
  EXPECT_NE(next, sealed.fields()[2]);
  EXPECT_TRUE(next.ends_with("/2"));
  EXPECT_EQ(encrypt("seed").fields()[2], next);
  EXPECT_EQ(decrypt(sealed.fields()[1], sealed.fields()[2]).fields()[1], "seed");
}

TEST_F(Kubernetes, DisabledVersion) {
  Called sealed = encrypt("seed");
  ASSERT_TRUE(harness_.keys->rotate_dataset_key({"acme", "", "etcd"}, Harness::caller()).ok());
  ASSERT_TRUE(
      harness_.keys->set_dataset_key_state({"acme", "", "etcd"}, 1, seal::DatasetKeyState::kDisabled, Harness::caller())
          .ok());
  const Called refused = decrypt(sealed.fields()[1], sealed.fields()[2]);
  EXPECT_EQ(refused.status(), "9");
  EXPECT_EQ(refused.text(), "version 1 of acme/etcd is disabled");
}

TEST_F(Kubernetes, CiphertextOfAnotherTenant) {
  handler_ = speak_for("rival");
  Called foreign = encrypt("seed of rival");
  ASSERT_EQ(foreign.status(), "0");
  handler_ = speak_for("acme");
  const Called refused = decrypt(foreign.fields()[1], foreign.fields()[2]);
  EXPECT_EQ(refused.status(), "3");
  EXPECT_EQ(refused.text(), "the ciphertext doesn't open under acme/etcd");
  const audit::Event event = harness_.last_event();
  EXPECT_EQ(event.outcome, audit::Outcome::kRefused);
  EXPECT_EQ(event.action, "unwrap");
  EXPECT_EQ(event.tenant, "acme");
}

TEST_F(Kubernetes, AnnotationsOfAnotherDataset) {
  Called sealed = encrypt("seed");
  EXPECT_EQ(decrypt(sealed.fields()[1], sealed.fields()[2], "rival/etcd").status(), "3");
}

TEST_F(Kubernetes, ChangedOrTruncatedCiphertext) {
  Called sealed = encrypt("seed");
  std::string changed = sealed.fields()[1];
  changed.back() = static_cast<char>(changed.back() ^ 1);
  EXPECT_EQ(decrypt(changed, sealed.fields()[2]).status(), "3");
  EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
  EXPECT_EQ(decrypt(sealed.fields()[1].substr(0, 100), sealed.fields()[2]).status(), "3");
  EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
}

TEST_F(Kubernetes, AnotherKeyId) {
  Called sealed = encrypt("seed");
  for (const std::string& key_id : {std::string(), std::string("x/1"), sealed.fields()[2] + "0"}) {
    const Called refused = decrypt(sealed.fields()[1], key_id);
    EXPECT_EQ(refused.status(), "3");
    EXPECT_NE(refused.text().find("key_id"), std::string::npos);
  }
}

// What another dialect sealed under the same dataset.
TEST_F(Kubernetes, MessageOfAnotherContext) {
  const std::string key_id = status().fields()[3];
  auto keyring = testing::value_of(harness_.keys->unlock_keyring({"acme", "", "etcd"}, "test", Harness::caller()));
  CachedKeyring cached;
  cached.keyring_id = to_hex(keyring.outline().keyring_id);
  cached.wrapper = testing::value_of(seal::KeyringWrapper::create(keyring, harness_.random));
  const Bytes foreign = testing::value_of(
      seal_message(cached, {"acme", "", "etcd"}, as_bytes("seed"), as_bytes("another context"), harness_.random));
  EXPECT_EQ(decrypt(as_text(foreign), key_id).status(), "3");
}

TEST_F(Kubernetes, LongestPlaintext) {
  const Called sealed = encrypt(std::string(kKmsCiphertextSizeMax - kMessageOverhead, 'x'));
  ASSERT_EQ(sealed.status(), "0");
  EXPECT_EQ(sealed.fields()[1].size(), kKmsCiphertextSizeMax);
  EXPECT_EQ(encrypt(std::string(kKmsCiphertextSizeMax - kMessageOverhead + 1, 'x')).status(), "3");
  EXPECT_EQ(encrypt(std::string(5000, 'x')).status(), "3");
  EXPECT_EQ(encrypt(std::string(50'000, 'x')).status(), "3");
  EXPECT_EQ(encrypt("").status(), "3");
}

TEST_F(Kubernetes, UserWhoIsNobody) {
  const Called refused = encrypt("seed", "uid-1", 77);
  EXPECT_EQ(refused.status(), "16");
  EXPECT_EQ(harness_.last_event().actor, "uid:77");
  EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
}

TEST_F(Kubernetes, PolicyRefuses) {
  auto snapshot = Harness::snapshot_of(kPolicy);
  auto other = std::make_shared<Snapshot>(*snapshot);
  other->unix_callers = {{kApiServer, kRivalTrainer}};
  harness_.service->reload(other);
  EXPECT_EQ(encrypt("seed").status(), "7");
  EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
  EXPECT_EQ(status().status(), "7");
}

TEST_F(Kubernetes, UnknownMethodAndService) {
  EXPECT_EQ(send(request_of("Rotate", {})).status(), "12");
  net::Request request = request_of("Status", {});
  request.target = "/v1beta1.KeyManagementService/Status";
  EXPECT_EQ(send(std::move(request)).status(), "12");
}

TEST_F(Kubernetes, CompressedMessage) {
  net::Request request = request_of("Status", {});
  request.body[0] = 1;
  EXPECT_EQ(send(std::move(request)).status(), "12");
}

TEST_F(Kubernetes, BrokenFrameAndMessage) {
  net::Request request = request_of("Status", {});
  request.body.push_back(0);
  EXPECT_EQ(send(std::move(request)).status(), "3");
  EXPECT_EQ(send(request_of("Encrypt", as_bytes("\x0a\x7f"))).status(), "3");
  EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
}

TEST_F(Kubernetes, NoGrpcAtAll) {
  net::Request request = request_of("Status", {});
  request.headers = {{"host", "localhost"}, {"content-type", "application/json"}};
  const Called called = send(std::move(request));
  EXPECT_EQ(called.response.status, 415U);
  EXPECT_EQ(*called.response.headers.find("content-type"), "application/problem+json");
}

TEST_F(Kubernetes, NothingIsAnsweredThatIsNotOnRecord) {
  ASSERT_EQ(status().status(), "0");
  harness_.sql("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'disk full'); END");
  const Called called = encrypt("seed");
  EXPECT_EQ(called.status(), "14");
  EXPECT_EQ(called.response.body.size(), 0U);
}

}  // namespace
}  // namespace cloister::service
