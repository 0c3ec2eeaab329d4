// Attested release through the whole service: who gets keys, and every way to be refused.
#include "service/attestation/attested_release.h"

#include "attest/release_info.h"
#include "attest/software/statement.h"
#include "attest/workload_manifest.h"
#include "crypto/jws.h"
#include "service/attestation/replay.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

constexpr const char* kWorker = "spiffe://acme.test/infer/worker-1";
constexpr const char* kModels = "/v1/tenants/acme/datasets/models";
constexpr const char* kPolicyPath = "/v1/attestation/policy";
const Sender kAsWorker{kWorker, "infer"};
const Sender kAsAdmin{kAdmin, "operate"};

std::string manifest_of(const std::string& role, const std::string& name = "test") {
  attest::WorkloadManifest manifest;
  manifest.name = name;
  manifest.role = role;
  return attest::write_workload_manifest(manifest);
}

// A worker on this host: what it says, and how it says it.
struct Worker {
  explicit Worker(crypto::Random& random)
      : key(crypto::SigningKey::generate(random)),
        recipient(crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, random)) {
    connection.remote = "192.0.2.9:40000";
    connection.peer = net::Peer{kWorker, kStart + days(1)};
    connection.channel_binding = net::ChannelBinding{1};
    connection.peer_key = crypto::Sha256Digest{2};
  }

  std::string key_digest() const { return to_hex(attest::software_key_fingerprint(key.public_key())); }

  attest::Binding binding(const std::string& challenge) const {
    attest::Binding bound;
    bound.role = role;
    bound.nonce = testing::value_of(from_base64(challenge, Base64::kUrl));
    bound.recipient = to_bytes(recipient.public_key().bytes());
    bound.manifest = crypto::sha256(as_bytes(manifest));
    if (connection.channel_binding) bound.exporter = to_bytes(*connection.channel_binding);
    bound.peer_key = connection.peer_key;
    return bound;
  }
  attest::EvidenceSet evidence(const attest::Binding& bound) const {
    attest::SoftwareStatement statement;
    statement.measurement = crypto::sha256(as_bytes("the worker's program"));
    statement.manifest = bound.manifest;
    const Bytes data = attest::report_data(bound);
    std::ranges::copy(data, statement.report_data.begin());
    statement.time = now;
    statement.debug = debug;
    return {{attest::Kind::kInsecureSoftware, {{"statement", attest::sign_statement(statement, key)}}}, {}};
  }

  crypto::SigningKey key;
  crypto::HpkePrivateKey recipient;
  std::string role = "infer";
  std::string manifest = manifest_of("infer");
  Time now = kStart;
  bool debug = false;
  net::ConnectionInfo connection;
};

class AttestedReleaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(home_.keys->create_tenant({"acme", ""}, std::nullopt, Harness::caller()).ok());
    for (const char* dataset : {"models", "images"}) {
      ASSERT_TRUE(home_.keys->create_dataset({"acme", "", dataset}, Harness::caller()).ok());
    }
    AttestedReleaseParts parts{
        testing::value_of(AuthenticSettings::open(home_.keys->store(), *home_.root, home_.random, Harness::caller())),
        home_.directory / "attestation", [this] { return meanwhile_ ? meanwhile_() : nullptr; }, &home_.random};
    releases_ = testing::value_of(AttestedRelease::open(std::move(parts), home_.keys->store(), Harness::caller()));
    home_.options.guard = [this](policy::Operation operation, const Target& target) {
      return releases_->guard(operation, target);
    };
    home_.start(releases_->routes());
    home_.service->reload(Harness::snapshot_of(std::string(kPolicy) + R"([[allow]]
name = "workers"
caller = "spiffe://acme.test/infer/*"
operation = ["release", "unwrap", "generate"]
tenant = ["acme", "gone"]
environment = "none"
dataset = "any"
purpose = "infer"
)"));
  }
  void TearDown() override { home_.service.reset(); }

  std::string policy_text(const std::string& more = "", const std::string& assurance = "insecure_software") const {
    return "version = 1\nid = \"attested-1\"\nnot_after = \"never\"\ninsecure_software_keys = \"" +
           worker_.key_digest() + "\"\n[[release]]\nname = \"software\"\ntenant = \"acme\"\nenvironment = \"none\"\n" +
           "dataset = \"models\"\npurpose = \"infer\"\nrole = \"infer\"\nmanifest = \"any\"\nassurance = \"" +
           assurance + "\"\nplatform = \"insecure_software\"\nproduct = \"any\"\nchip = \"any\"\nmeasurement = \"" +
           to_hex(crypto::sha256(as_bytes("the worker's program"))) + "\"\nlease_seconds = 300\n" + more;
  }
  Answered set_policy(const std::string& text, const std::string& replaces = "") {
    Json body{{"document", text}};
    if (!replaces.empty()) body["replaces"] = replaces;
    return home_.send("PUT", kPolicyPath, body.dump(), kAsAdmin);
  }

  std::string challenge(const std::string& role = "infer", const Sender& sender = kAsWorker) {
    const auto answered = home_.send("POST", "/v1/attestation/challenges", Json{{"role", role}}.dump(), sender);
    EXPECT_EQ(answered.status(), 201U) << answered.body();
    return answered.json().value("challenge", "");
  }
  Json wanted(const std::string& object = "object-1") {
    const auto made = home_.send("POST", std::string(kModels) + "/generate",
                                 Json{{"keys", {{{"object", base64_of(object)}}}}}.dump(), {kTrainer, "ingest"});
    EXPECT_EQ(made.status(), 200U) << made.body();
    const Json key = made.json()["keys"][0];
    plain_ = key["key"].get<std::string>();
    return {{"object", base64_of(object)}, {"version", key["version"]}, {"wrapped", key["wrapped"]}};
  }
  Json body(const std::vector<Json>& keys, const std::string& challenge, const attest::EvidenceSet& evidence) const {
    return {{"keys", keys},
            {"attestation",
             {{"challenge", challenge},
              {"role", worker_.role},
              {"recipient", worker_.recipient.public_key().text()},
              {"manifest", base64_of(worker_.manifest)},
              {"evidence", to_base64(attest::encode(evidence))}}}};
  }
  Answered send(const Json& body, const std::string& dataset = kModels) {
    net::Request request = request_of("POST", dataset + "/release", body.dump(), kAsWorker);
    request.connection = std::make_shared<net::ConnectionInfo>(worker_.connection);
    return home_.send(std::move(request));
  }
  // A whole, honest release.
  Answered release(const std::vector<Json>& keys, const std::string& dataset = kModels) {
    const std::string asked = challenge(worker_.role);
    return send(body(keys, asked, worker_.evidence(worker_.binding(asked))), dataset);
  }
  std::string opened(const Json& answer, std::size_t i = 0, const std::string& object = "object-1",
                     const std::string& purpose = "infer") {
    const std::string id = answer["release"].get<std::string>();
    const Json& key = answer["keys"][i];
    const auto plain =
        crypto::hpke_open(worker_.recipient, attest::release_info({id, "acme", "models", purpose}), as_bytes(object),
                          {testing::value_of(from_base64(key["encapsulated"].get<std::string>())),
                           testing::value_of(from_base64(key["ciphertext"].get<std::string>()))});
    return plain.ok() ? to_base64(plain->expose()) : "";
  }
  void expect_refused(const Answered& answered, std::string_view why) {
    expect_problem(answered, 403, "refused");
    EXPECT_NE(answered.json().value("detail", "").find(why), std::string::npos) << answered.body();
    EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
    EXPECT_EQ(home_.last_event().action, "release");
  }

  Harness home_;
  Worker worker_{home_.random};
  // Called while a request is decided: between what it was judged by and its record.
  std::function<std::shared_ptr<const attest::Collateral>()> meanwhile_;
  std::unique_ptr<AttestedRelease> releases_;
  std::string plain_;
};

TEST_F(AttestedReleaseTest, AttestedWorkerGetsItsKey) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  const auto answered = release({key});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  const Json json = answered.json();
  EXPECT_EQ(opened(json), plain_);
  EXPECT_EQ(opened(json, 0, "object-2"), "");
  EXPECT_EQ(opened(json, 0, "object-1", "train"), "");
  EXPECT_EQ(json["verdict"]["assurance"].get<std::string>(), "insecure_software");
  EXPECT_EQ(json["lease"]["expires"].get<std::string>(), to_rfc3339(kStart + minutes(5)));
  EXPECT_EQ(json["policy"]["id"].get<std::string>(), "attested-1");
  EXPECT_EQ(json["policy"]["sha256"].get<std::string>(), to_hex(crypto::sha256(as_bytes(policy_text()))));
  EXPECT_EQ(answered.body().find(plain_), std::string::npos);
  const audit::Event event = home_.last_event();
  EXPECT_EQ(event.action, "release");
  EXPECT_EQ(event.outcome, audit::Outcome::kAllowed);
  EXPECT_NE(event.detail.find("1 key to role infer by rule \"software\""), std::string::npos) << event.detail;
  EXPECT_FALSE(answered.header("audit-index").empty());
}

TEST_F(AttestedReleaseTest, VerdictAsASignedResult) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  EXPECT_FALSE(release({key}).json().contains("ear"));
  const std::string asked = challenge();
  Json order = body({key}, asked, worker_.evidence(worker_.binding(asked)));
  order["ear"] = true;
  const auto answered = send(order);
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  const Json answer = answered.json();
  const auto token = testing::value_of(crypto::Jws::parse(answer["ear"].get<std::string>(), attest::kEarSizeMax));
  // What is software only has another key than hardware.
  const ResultTokens& tokens = releases_->tokens();
  EXPECT_FALSE(token.verified_payload(tokens.key(attest::Assurance::kHardware)).ok());
  const Bytes payload = testing::value_of(token.verified_payload(tokens.key(attest::Assurance::kInsecureSoftware)));
  const Json said = Json::parse(as_text(payload));
  EXPECT_EQ(said["eat_nonce"].get<std::string>(), asked);
  EXPECT_EQ(said["exp"].get<std::int64_t>(), (kStart + minutes(5)).unix_ms / 1000);
  EXPECT_EQ(said["cloister.release"].get<std::string>(), answer["release"].get<std::string>());
  EXPECT_EQ(said["cloister.recipient"].get<std::string>(), to_hex(worker_.recipient.public_key().bytes()));
  EXPECT_EQ(said["ear_status"].get<std::string>(), "contraindicated");
  EXPECT_EQ(said["submods"]["cpu0"]["ear_appraisal_policy_ids"][0].get<std::string>(), "attested-1");

  const Json keys = home_.send("GET", "/v1/attestation/result-keys", "", kAsWorker).json();
  ASSERT_EQ(keys["keys"].size(), 2U);
  EXPECT_EQ(keys["keys"][1]["kid"].get<std::string>(), *token.header().key_id);
  EXPECT_EQ(keys["keys"][1]["cloister.assurance"].get<std::string>(), "insecure_software");
}

TEST_F(AttestedReleaseTest, ResultUnderALease) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  const std::string id = release({key}).json()["release"].get<std::string>();
  expect_problem(send({{"keys", {key}}, {"lease", id}, {"ear", true}}), 400, "invalid-request");
  EXPECT_EQ(send({{"keys", {key}}, {"lease", id}, {"ear", false}}).status(), 200U);
  expect_problem(send({{"keys", {key}}, {"lease", id}, {"ear", 1}}), 400, "invalid-request");
}

TEST_F(AttestedReleaseTest, NoPolicy) {
  expect_refused(release({wanted()}), "no attestation policy is loaded");
  const auto kept = testing::value_of(releases_->archive().releases());
  ASSERT_EQ(kept.size(), 1U);
  const Replay replay = testing::value_of(replay_release(releases_->archive(), kept.front()));
  EXPECT_TRUE(replay.same()) << replay.kept << "\n" << replay.found;
  EXPECT_FALSE(replay.record.found.decision.allowed);
}

TEST_F(AttestedReleaseTest, SoftwareWhereHardwareIsAsked) {
  ASSERT_EQ(set_policy(policy_text("", "hardware")).status(), 200U);
  expect_refused(release({wanted()}), "its assurance is insecure_software");
}

TEST_F(AttestedReleaseTest, AttesterThatNobodyNamed) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  worker_.key = crypto::SigningKey::generate(home_.random);
  expect_refused(release({wanted()}), "trusted-root (untrusted-root)");
}

TEST_F(AttestedReleaseTest, Debug) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  worker_.debug = true;
  expect_refused(release({wanted()}), "debug");
}

TEST_F(AttestedReleaseTest, Stale) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  worker_.now = Time{kStart.unix_ms - days(2).ms};
  expect_refused(release({wanted()}), "validity (expired)");
}

TEST_F(AttestedReleaseTest, ReplayedEvidence) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  const std::string first = challenge();
  const attest::EvidenceSet evidence = worker_.evidence(worker_.binding(first));
  ASSERT_EQ(send(body({key}, first, evidence)).status(), 200U);
  expect_refused(send(body({key}, first, evidence)), "this challenge isn't open");
  expect_refused(send(body({key}, challenge(), evidence)), "report-data (binding-mismatch)");
}

TEST_F(AttestedReleaseTest, ChallengeOfAnother) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const std::string others = challenge("infer", {"spiffe://acme.test/infer/worker-2", "infer"});
  expect_refused(send(body({wanted()}, others, worker_.evidence(worker_.binding(others)))), "isn't open");
  const std::string role = challenge("train");
  // Its manifest says infer, as it does itself.
  expect_refused(send(body({wanted()}, role, worker_.evidence(worker_.binding(role)))), "another role");
}

TEST_F(AttestedReleaseTest, LateAnswer) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  const std::string asked = challenge();
  home_.now = kStart + minutes(6);
  expect_problem(send(body({key}, asked, worker_.evidence(worker_.binding(asked)))), 410, "expired");
}

// Evidence of an honest worker that comes by somebody else's connection, or under somebody else's key.
TEST_F(AttestedReleaseTest, RelayedEvidence) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  for (const bool exporter : {true, false}) {
    const std::string asked = challenge();
    const attest::EvidenceSet honest = worker_.evidence(worker_.binding(asked));
    const net::ConnectionInfo own = worker_.connection;
    if (exporter) {
      worker_.connection.channel_binding = net::ChannelBinding{9};
    } else {
      worker_.connection.peer_key = crypto::Sha256Digest{9};
    }
    expect_refused(send(body({key}, asked, honest)), "report-data (binding-mismatch)");
    worker_.connection = own;
  }
  const std::string asked = challenge();
  const attest::EvidenceSet honest = worker_.evidence(worker_.binding(asked));
  worker_.recipient = crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, home_.random);
  expect_refused(send(body({key}, asked, honest)), "report-data (binding-mismatch)");
}

TEST_F(AttestedReleaseTest, ManifestOfAnotherWorkload) {
  ASSERT_EQ(set_policy(policy_text("[[claim]]\nrule = \"software\"\nplatform = \"insecure_software\"\n"
                                   "name = \"manifest.name\"\nis = \"test\"\n"))
                .status(),
            200U);
  const Json key = wanted();
  EXPECT_EQ(release({key}).status(), 200U);
  worker_.manifest = manifest_of("infer", "other");
  expect_refused(release({key}), "its manifest.name isn't");
}

TEST_F(AttestedReleaseTest, ManifestChangedAfterwards) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const std::string asked = challenge();
  const attest::EvidenceSet honest = worker_.evidence(worker_.binding(asked));
  worker_.manifest = manifest_of("infer", "other");
  expect_refused(send(body({wanted()}, asked, honest)), "report-data (binding-mismatch)");
}

TEST_F(AttestedReleaseTest, ConnectionWithoutABinding) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  worker_.connection.channel_binding.reset();
  expect_refused(release({wanted()}), "nothing that evidence could be bound to");
}

TEST_F(AttestedReleaseTest, OverTheUnixSocket) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const std::string asked = challenge();
  worker_.connection.channel_binding.reset();
  worker_.connection.peer_key.reset();
  const Json order = body({wanted()}, asked, worker_.evidence(worker_.binding(asked)));
  auto snapshot = std::make_shared<Snapshot>(*home_.service->snapshot());
  snapshot->unix_callers[777] = kWorker;
  home_.service->reload(snapshot);
  const auto answered = home_.send("POST", std::string(kModels) + "/release", order.dump(), {"", "infer", "", 777});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  EXPECT_EQ(opened(answered.json()), plain_);
}

TEST_F(AttestedReleaseTest, OtherDatasetsAndPurposes) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  expect_refused(release({key}, "/v1/tenants/acme/datasets/images"), "no rule releases keys of this dataset");
  expect_problem(release({key}, "/v1/tenants/rival/datasets/models"), 403, "refused");
  const auto trees = testing::value_of(home_.keys->store().trees()).size();
  expect_problem(release({key}, "/v1/tenants/gone/datasets/models"), 404, "not-found");
  EXPECT_EQ(testing::value_of(home_.keys->store().trees()).size(), trees);
}

TEST_F(AttestedReleaseTest, GuardedKeysGoToNobodyElse) {
  const Json key = wanted();
  const std::string unwrap = std::string(kModels) + "/unwrap";
  EXPECT_EQ(home_.send("POST", unwrap, Json{{"keys", {key}}}.dump(), kAsWorker).status(), 200U);
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const auto refused = home_.send("POST", unwrap, Json{{"keys", {key}}}.dump(), kAsWorker);
  expect_problem(refused, 403, "refused");
  EXPECT_NE(refused.json().value("detail", "").find("attested workers alone"), std::string::npos);
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
  EXPECT_TRUE(releases_->guard(policy::Operation::kRewrap, {"acme", "", "models"}).ok());
  EXPECT_TRUE(releases_->guard(policy::Operation::kUnwrap, {"acme", "", "images"}).ok());
  EXPECT_FALSE(releases_->guard(policy::Operation::kDatasetExport, {"acme", "", "models"}).ok());
}

TEST_F(AttestedReleaseTest, FurtherKeysUnderTheLease) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json first = release({wanted()}).json();
  const std::string id = first["release"].get<std::string>();
  const Json second = wanted("object-2");
  const auto answered = send({{"keys", {second}}, {"lease", id}});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  EXPECT_EQ(opened(answered.json(), 0, "object-2"), plain_);
  EXPECT_FALSE(answered.json().contains("verdict"));
  EXPECT_EQ(answered.json()["policy"]["id"].get<std::string>(), "attested-1");
  const std::string lease = "/v1/attestation/leases/" + id;
  EXPECT_TRUE(home_.send("GET", lease, "", kAsWorker).json()["holds"].get<bool>());
  expect_problem(home_.send("GET", lease, "", {"spiffe://acme.test/infer/worker-2", "infer"}), 404, "not-found");

  expect_refused(send({{"keys", {second}}, {"lease", std::string(32, '0')}}), "attest again");
  expect_refused(send({{"keys", {second}}, {"lease", id}}, "/v1/tenants/acme/datasets/images"), "attest again");
  ASSERT_EQ(set_policy(policy_text("# changed\n")).status(), 200U);
  EXPECT_FALSE(home_.send("GET", lease, "", kAsWorker).json()["holds"].get<bool>());
  expect_refused(send({{"keys", {second}}, {"lease", id}}), "the lease has ended");
  home_.now = kStart + minutes(5);
  expect_refused(send({{"keys", {second}}, {"lease", id}}), "no such lease");
  expect_problem(home_.send("GET", lease, "", kAsWorker), 404, "not-found");
}

TEST_F(AttestedReleaseTest, LeaseEndsWithThePolicyAndTheRule) {
  ASSERT_EQ(set_policy(policy_text("not_after = 2027-01-15T08:02:00Z\n")).status(), 200U);
  const Json key = wanted();
  const Json of_rule = release({key}).json();
  EXPECT_EQ(of_rule["lease"]["expires"].get<std::string>(), to_rfc3339(kStart + minutes(2)));
  std::string text = policy_text("not_after = 2027-01-15T08:02:00Z\n");
  text.replace(text.find("\"never\""), 7, "2027-01-15T08:01:00Z");
  ASSERT_EQ(set_policy(text).status(), 200U);
  const Json of_policy = release({key}).json();
  EXPECT_EQ(of_policy["lease"]["expires"].get<std::string>(), to_rfc3339(kStart + minutes(1)));
  const std::string id = of_policy["release"].get<std::string>();
  EXPECT_TRUE(testing::value_of(replay_release(releases_->archive(), id)).same());
  home_.now = kStart + minutes(1);
  expect_refused(send({{"keys", {key}}, {"lease", id}}), "no such lease");
}

TEST_F(AttestedReleaseTest, EachKeyForItself) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  Json moved = key;
  moved["object"] = base64_of("object-2");
  Json unknown = key;
  unknown["version"] = 9;
  const auto answered = release({moved, key, unknown});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  const Json json = answered.json();
  EXPECT_EQ(json["keys"][0]["error"]["code"].get<std::string>(), "wrap-does-not-open");
  EXPECT_EQ(opened(json, 1), plain_);
  EXPECT_EQ(json["keys"][2]["error"]["code"].get<std::string>(), "key-version-unknown");
  expect_problem(release({moved}), 403, "wrap-does-not-open");
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
}

TEST_F(AttestedReleaseTest, RotatedMeanwhile) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  ASSERT_EQ(release({key}).status(), 200U);
  ASSERT_TRUE(home_.keys->rotate_dataset_key({"acme", "", "models"}, Harness::caller()).ok());
  const auto answered = release({key});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  EXPECT_EQ(opened(answered.json()), plain_);
}

TEST_F(AttestedReleaseTest, PolicyReplacedMeanwhile) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  auto store = testing::value_of(keys::Store::open(home_.store_path()));
  const ReleaseSettings settings(
      testing::value_of(AuthenticSettings::open(store, *home_.root, home_.random, Harness::caller())));
  int looks = 0;
  meanwhile_ = [&]() -> std::shared_ptr<const attest::Collateral> {
    if (looks++ > 0) return nullptr;
    const audit::Event event{kStart, "another server", "policy.set", "", "", audit::Outcome::kAllowed, ""};
    EXPECT_TRUE(store
                    .change(event,
                            [&](keys::Store::Change& change) {
                              return settings.put_policy(store, change, policy_text("", "hardware"));
                            })
                    .ok());
    return nullptr;
  };
  expect_refused(release({key}), "its assurance is insecure_software");
  EXPECT_EQ(looks, 2);
}

TEST_F(AttestedReleaseTest, RotatedWhileItIsDecided) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  ASSERT_EQ(release({key}).status(), 200U);  // its keyring is at hand from now on
  int looks = 0;
  meanwhile_ = [&]() -> std::shared_ptr<const attest::Collateral> {
    if (looks++ == 0) {
      EXPECT_TRUE(
          home_.keys
              ->set_dataset_key_state({"acme", "", "models"}, 1, seal::DatasetKeyState::kDisabled, Harness::caller())
              .ok());
    }
    return nullptr;
  };
  ASSERT_TRUE(home_.keys->rotate_dataset_key({"acme", "", "models"}, Harness::caller()).ok());
  expect_problem(release({key}), 409, "key-version-disabled");
}

TEST_F(AttestedReleaseTest, KeepsWhatItWasDecidedBy) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  std::size_t asked = 0;
  meanwhile_ = [&] {
    ++asked;
    return std::make_shared<const attest::Collateral>();
  };
  const std::string id = release({wanted()}).json()["release"].get<std::string>();
  EXPECT_EQ(asked, 1U);
  const Replay replay = testing::value_of(replay_release(releases_->archive(), id));
  EXPECT_TRUE(replay.record.collateral.empty());
  EXPECT_EQ(replay.record.epoch, 1U);
  EXPECT_EQ(replay.record.policy, crypto::sha256(as_bytes(policy_text())));
}

TEST_F(AttestedReleaseTest, Replay) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const Json key = wanted();
  const std::string id = release({key}).json()["release"].get<std::string>();
  worker_.debug = true;
  expect_refused(release({key}), "debug");
  worker_.debug = false;
  ASSERT_EQ(set_policy(policy_text("", "hardware")).status(), 200U);
  home_.now = kStart + days(400);

  const auto kept = testing::value_of(releases_->archive().releases());
  ASSERT_EQ(kept.size(), 2U);
  for (const std::string& each : kept) {
    const Replay replay = testing::value_of(replay_release(releases_->archive(), each));
    EXPECT_TRUE(replay.same()) << replay.kept << "\n" << replay.found;
    EXPECT_EQ(replay.record.found.decision.allowed, each == id);
    EXPECT_EQ(replay.record.caller, kWorker);
  }
  std::size_t found = 0;
  ASSERT_TRUE(home_.keys->store()
                  .for_each_record(testing::value_of(home_.keys->store().log_server()) + "/acme", 0, 1000,
                                   [&](const audit::LogRecord& record) {
                                     const auto digest = record.extras().digest(audit::Extra::kEvidenceDigest);
                                     const Replay replay = testing::value_of(replay_release(releases_->archive(), id));
                                     if (digest == replay.digest) ++found;
                                     return ok_status();
                                   })
                  .ok());
  EXPECT_EQ(found, 1U);
  EXPECT_EQ(replay_release(releases_->archive(), std::string(32, '0')).error().code(), Code::kNotFound);
}

TEST_F(AttestedReleaseTest, ReplayOfWhatIsNotAllThere) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const std::string id = release({wanted()}).json()["release"].get<std::string>();
  std::filesystem::remove_all(home_.directory / "attestation" / "shared");
  EXPECT_EQ(replay_release(releases_->archive(), id).error().code(), Code::kCorrupt);
}

TEST_F(AttestedReleaseTest, SettingThePolicy) {
  expect_problem(home_.send("GET", kPolicyPath, "", kAsAdmin), 404, "not-found");
  const auto first = set_policy(policy_text(), "none");
  ASSERT_EQ(first.status(), 200U) << first.body();
  EXPECT_EQ(first.json()["epoch"].get<int>(), 1);
  EXPECT_EQ(home_.send("GET", kPolicyPath, "", kAsAdmin).json()["document"].get<std::string>(), policy_text());
  expect_problem(set_policy(policy_text("# 2\n"), "none"), 409, "wrong-state");
  EXPECT_EQ(set_policy(policy_text("# 2\n"), first.json()["sha256"].get<std::string>()).status(), 200U);
  expect_problem(set_policy("version = 1\n"), 400, "invalid-request");
  expect_problem(home_.send("PUT", kPolicyPath, Json{{"document", policy_text()}}.dump(), kAsWorker), 403, "refused");
  EXPECT_EQ(home_.send("GET", kPolicyPath, "", kAsAdmin).json()["epoch"].get<int>(), 2);
}

TEST_F(AttestedReleaseTest, PolicyThatTheServiceDidNotWrite) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  home_.sql(
      "UPDATE settings SET value = replace(value, 'insecure_software', 'hardware') WHERE name = 'attestation_policy'");
  const Json key = wanted();
  expect_problem(release({key}), 422, "damaged");
  EXPECT_EQ(releases_->refresh(home_.keys->store()).error().code(), Code::kCorrupt);
}

TEST_F(AttestedReleaseTest, MalformedOrders) {
  ASSERT_EQ(set_policy(policy_text()).status(), 200U);
  const std::string asked = challenge();
  const Json good = body({wanted()}, asked, worker_.evidence(worker_.binding(asked)));
  const auto changed = [&](const char* pointer, const Json& value) {
    Json order = good;
    order[Json::json_pointer(pointer)] = value;
    expect_problem(send(order), 400, "invalid-request");
  };
  changed("/keys", Json::array());
  changed("/keys/0/object", "");
  changed("/keys/0/version", "1");
  changed("/keys/0/more", 1);
  changed("/lease", "x");
  changed("/more", 1);
  changed("/attestation/challenge", "short");
  changed("/attestation/role", "any");
  changed("/attestation/recipient", "cloister-recipient-x25519:AAAA");
  changed("/attestation/manifest", "");
  changed("/attestation/manifest", base64_of("name = \"test\"\n"));
  changed("/attestation/manifest", base64_of(manifest_of("train")));
  changed("/attestation/evidence", base64_of("not evidence"));
  changed("/attestation/nonce", "");
  EXPECT_EQ(send(good).status(), 200U);
}

TEST_F(AttestedReleaseTest, ChallengesAreForCallersWhoAreKnown) {
  expect_problem(home_.send("POST", "/v1/attestation/challenges", R"({"role":"infer"})", {"", "infer"}), 401,
                 "unauthenticated");
  expect_problem(home_.send("POST", "/v1/attestation/challenges", R"({"role":"*"})", kAsWorker), 400,
                 "invalid-request");
}

}  // namespace
}  // namespace cloister::service
