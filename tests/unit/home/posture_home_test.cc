// Facts of a home: what its store, its log, its roots and its policies show, and what they don't.
#include "home/posture_home.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "keys/hierarchy.h"
#include "posture/view.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"
#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"

namespace cloister::home {
namespace {

using posture::Fact;
using posture::SubjectKind;
using testing::value_of;

constexpr Time kMade{1'795'526'589'000};

struct Sink final : posture::FactSink {
  std::vector<Fact> facts;
  void add(Fact fact) override { facts.push_back(std::move(fact)); }
};

class PostureHome : public ::testing::Test {
 protected:
  PostureHome() {
    context_.estate = &estate_;
    context_.now = kMade + days(10);
    value_of(hierarchy_.create_tenant({"acme", ""}, days(90), caller_));
    CLOISTER_CHECK(hierarchy_.create_dataset({"acme", "", "corpus"}, caller_).ok());
  }

  // By kind, and by subject where one is given.
  const Fact* found(std::string_view kind, std::string_view subject = {}) const {
    for (const Fact& fact : sink_.facts) {
      if (fact.kind == kind && (subject.empty() || fact.subject.id == subject)) return &fact;
    }
    return nullptr;
  }
  std::string kek() { return "cloister:" + value_of(hierarchy_.store().tenant("acme", "")).kek_id; }
  std::string ring() {
    const auto record = value_of(hierarchy_.store().dataset("acme", "", "corpus"));
    return "cloister:keyring:" + to_hex(value_of(seal::parse_keyring(record.keyring)).keyring_id);
  }
  void add_store() {
    ASSERT_TRUE(add_store_facts(hierarchy_.store(), facts_, [](const std::string& id) { return "R:" + id; }).ok());
  }

  testing::TempDir folder_;
  testing::DeterministicRandom random_{1};
  testing::LocalKey root_{1, random_};
  const keys::Caller caller_{"test", kMade};
  keys::Hierarchy hierarchy_ = value_of(
      keys::Hierarchy::create(value_of(keys::Store::create(folder_ / "keys.db")), root_, "local-1", random_, caller_));
  posture::Estate estate_;
  posture::CollectContext context_;
  Sink sink_;
  const posture::FactMaker maker_{kHomeCollector, "a test", [this] {
                                    posture::CollectContext context;
                                    context.estate = &estate_;
                                    context.now = kMade + days(10);
                                    return context;
                                  }()};
  const HomeFacts facts_{maker_, sink_};
};

TEST_F(PostureHome, KeysNameWhatWrapsThem) {
  add_store();
  const Fact* of_kek = found("key.posture", kek());
  ASSERT_NE(of_kek, nullptr);
  EXPECT_TRUE(of_kek->text("wrapped_by")->starts_with("R:"));
  EXPECT_EQ(*of_kek->text("state"), "enabled");
  EXPECT_EQ(of_kek->truth("rotation_automatic"), true);
  EXPECT_EQ(of_kek->number("rotation_period_days"), 90);
  EXPECT_EQ(of_kek->text("last_rotated"), nullptr) << "never";
  const Fact* of_ring = found("key.posture", ring());
  ASSERT_NE(of_ring, nullptr);
  EXPECT_EQ(*of_ring->text("wrapped_by"), kek());
  EXPECT_EQ(*of_ring->text("key_class"), "dataset");
}

TEST_F(PostureHome, RotationByHandIsNotAutomatic) {
  value_of(hierarchy_.rotate_kek({"acme", ""}, caller_));
  add_store();
  EXPECT_EQ(found("key.posture", kek())->truth("rotated_automatically"), false);
  EXPECT_EQ(found("key.posture", kek())->list("versions_retired")->front(), "1");
  sink_.facts.clear();
  keys::Caller later = caller_;
  later.now = kMade + days(91);
  EXPECT_EQ(value_of(hierarchy_.rotate_due(later)).rotated.size(), 1U);
  add_store();
  EXPECT_EQ(found("key.posture", kek())->truth("rotated_automatically"), true);
}

TEST_F(PostureHome, TenantsShareNoKey) {
  value_of(hierarchy_.create_tenant({"umbrella", ""}, std::nullopt, caller_));
  add_store();
  EXPECT_EQ(found("tenant.separation")->number("tenants_per_kek_max"), 1);
  EXPECT_EQ(found("tenant.separation")->number("tenants_per_dek_max"), 1);
}

TEST_F(PostureHome, EverythingInTheStoreIsRecorded) {
  add_log_fact(hierarchy_.store(), facts_);
  const Fact* log = found("audit.log");
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(log->number("operations"), 2);
  EXPECT_EQ(log->number("observed"), 2);
  EXPECT_EQ(log->truth("tamper_detected"), true);
  EXPECT_EQ(log->number("secrets_found"), 0);
  EXPECT_FALSE(log->truth("anchored").has_value()) << "nobody looked elsewhere";
}

// A witness that cosigns what it is shown.
struct Witness {
  crypto::SigningKey key;
  audit::NoteSigner signer;

  explicit Witness(std::string_view name, crypto::Random& random)
      : key(crypto::SigningKey::generate(random)),
        signer(value_of(audit::NoteSigner::make(name, audit::NoteKeyType::kCosignatureV1, key))) {}
  std::string cosigned(const std::string& note, Time at) const {
    audit::SignedNote signed_note = value_of(audit::parse_note(note));
    signed_note.signatures.push_back(signer.sign(signed_note.text, at));
    return value_of(audit::write_note(signed_note));
  }
};

class PostureHomeLog : public PostureHome {
 protected:
  PostureHomeLog() {
    witnessed_.witnesses = {witness_.signer.verifier()};
    witnessed_.log_key = [this](std::string_view origin) { return hierarchy_.log_key(origin); };
  }
  // Every tree's head of now, cosigned then.
  std::vector<std::string> heads(const Witness& witness, Time at) {
    std::vector<std::string> notes;
    for (const std::string& origin : value_of(hierarchy_.store().trees())) {
      notes.push_back(witness.cosigned(value_of(hierarchy_.sign_checkpoint(origin, at)), at));
    }
    return notes;
  }
  Anchored anchored() { return anchored_by(hierarchy_.store(), witnessed_, context_.now); }

  const Witness witness_{"witness.example.org/w1", random_};
  Witnessed witnessed_;
};

TEST_F(PostureHomeLog, HeadsOfEveryTreeAreKeptOutside) {
  EXPECT_FALSE(anchored().holds) << "nobody handed one in";
  witnessed_.notes = heads(witness_, kMade + days(9));
  EXPECT_EQ(anchored().holds, true) << anchored().why;
  value_of(hierarchy_.rotate_kek({"acme", ""}, caller_));
  EXPECT_EQ(anchored().holds, true) << "the log went on";
  add_log_fact(hierarchy_.store(), facts_, anchored());
  EXPECT_EQ(found("audit.log")->truth("anchored"), true);
}

TEST_F(PostureHomeLog, TreeWithoutAHead) {
  witnessed_.notes = heads(witness_, kMade + days(9));
  ASSERT_GE(witnessed_.notes.size(), 1U);
  witnessed_.notes.pop_back();
  if (witnessed_.notes.empty()) {
    EXPECT_FALSE(anchored().holds);
  } else {
    EXPECT_EQ(anchored().holds, false) << anchored().why;
  }
}

TEST_F(PostureHomeLog, HeadThatNobodyTrustedCosigned) {
  const Witness stranger("stranger.example.org/w", random_);
  witnessed_.notes = heads(stranger, kMade + days(9));
  EXPECT_FALSE(anchored().holds) << anchored().why;
  witnessed_.notes = {"nonsense"};
  EXPECT_FALSE(anchored().holds);
}

TEST_F(PostureHomeLog, OldHead) {
  witnessed_.notes = heads(witness_, kMade + days(1));
  EXPECT_FALSE(anchored().holds) << anchored().why;
  witnessed_.notes = heads(witness_, kMade + days(20));
  EXPECT_FALSE(anchored().holds) << "of a time that is yet to come";
}

// Whoever can write the store can make another log, or a shorter one: its heads aren't those that were cosigned.
TEST_F(PostureHomeLog, LogThatWasMadeAnew) {
  const auto trees = value_of(hierarchy_.store().trees());
  const std::string& origin = trees.front();
  const auto key = crypto::SigningKey::generate(random_);
  const auto log = value_of(audit::NoteSigner::make(origin, audit::NoteKeyType::kEd25519, key));
  witnessed_.log_key = [&](std::string_view) { return Result<audit::VerifierKey>(log.verifier()); };
  const auto look = [&](audit::TreeHead head) {
    const std::string note = value_of(audit::sign_checkpoint({origin, head, {}}, log));
    witnessed_.notes = {witness_.cosigned(note, kMade + days(9))};
    return anchored();
  };
  audit::TreeHead head = value_of(hierarchy_.store().tree_head(origin));
  EXPECT_NE(look(head).why.find("are cosigned"), std::string::npos);
  head.root[0] ^= 1;
  EXPECT_EQ(look(head).holds, false);
  head.root[0] ^= 1;
  head.size += 1;
  EXPECT_EQ(look(head).holds, false) << "there were more records";
}

TEST_F(PostureHome, SecretInALogIsFound) {
  value_of(hierarchy_.rotate_kek({"acme", ""}, caller_, "-----BEGIN PRIVATE KEY-----"));
  add_log_fact(hierarchy_.store(), facts_);
  EXPECT_EQ(found("audit.log")->number("secrets_found"), 1);
}

TEST_F(PostureHome, KeyFileIsASoftwareKeyThatItsOwnerHas) {
  HomeConfig config;
  config.roots["first"].id = "file:00";
  const Path file = key_file_of(folder_.path(), config.roots["first"]);
  std::ofstream(file) << "key";
  ::chmod(file.c_str(), 0600);
  add_root_facts(folder_.path(), config, {}, {{"first", kMade}}, facts_);
  const Fact* key = found("key.posture", "cloister:root:file:00");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(*key->text("origin"), "software");
  EXPECT_EQ(key->truth("exportable"), true);
  EXPECT_TRUE(key->text("created") != nullptr);
  EXPECT_EQ(found("key.access")->number("wildcards"), 0);
  EXPECT_EQ(found("key.access")->number("admin_and_user"), 1);
  ::chmod(file.c_str(), 0644);
  sink_.facts.clear();
  add_root_facts(folder_.path(), config, {}, {}, facts_);
  EXPECT_EQ(found("key.access")->number("wildcards"), 1);
  std::filesystem::remove(file);
  sink_.facts.clear();
  add_root_facts(folder_.path(), config, {}, {}, facts_);
  EXPECT_TRUE(found("key.posture")->not_assessed.has_value());
}

TEST_F(PostureHome, ProvidersSayWhatTheySayAndSoftwareTokensProveNothing) {
  HomeConfig config;
  RootConfig& aws = config.roots["aws"];
  aws.kind = "aws-kms";
  aws.id = "aws-kms:arn:aws:kms:eu-west-1:111122223333:key/k";
  RootConfig& token = config.roots["token"];
  token.kind = "pkcs11";
  token.id = "pkcs11:serial:label";
  token.options["module"] = "/usr/lib/softhsm/libsofthsm2.so";
  const auto describe = [](const std::string& name, const RootConfig&) -> Result<kms::KeyPosture> {
    kms::KeyPosture posture;
    posture.key = name;
    posture.managed_by = name == "aws" ? kms::ManagedBy::kProvider : kms::ManagedBy::kCustomer;
    posture.origin = kms::KeyOrigin::kProvider;
    posture.protection = kms::ProtectionLevel::kHsm;
    posture.state = kms::ProviderKeyState::kEnabled;
    return posture;
  };
  add_root_facts(folder_.path(), config, describe, {}, facts_);
  const Fact* key = found("key.posture", "arn:aws:kms:eu-west-1:111122223333:key/k");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(*key->text("manager"), "platform_default");
  EXPECT_FALSE(key->simulated);
  ASSERT_NE(found("key.posture", "cloister:root:pkcs11:serial:label"), nullptr);
  EXPECT_TRUE(found("key.posture", "cloister:root:pkcs11:serial:label")->simulated);
  const auto out_of_reach = [](const std::string&, const RootConfig&) -> Result<kms::KeyPosture> {
    return Error(Code::kUnavailable, "throttled");
  };
  sink_.facts.clear();
  add_root_facts(folder_.path(), config, out_of_reach, {}, facts_);
  EXPECT_TRUE(found("key.posture")->not_assessed.has_value());
}

constexpr std::string_view kSplitPolicy = R"(version = 1
id = "split"
not_after = "never"
[[allow]]
name = "train"
caller = "spiffe://acme.example/train/*"
operation = ["unwrap"]
purpose = ["train"]
tenant = "acme"
environment = "none"
dataset = "corpus"
[[quota]]
tenant = "any"
requests_per_second = 100
burst = 200
keys_per_batch = 1000
)";

TEST_F(PostureHome, PolicyThatSplitsRolesAndRefusesStrangers) {
  add_policy_fact(hierarchy_.store(), kSplitPolicy, kMade, facts_);
  const Fact* access = found("key.access");
  ASSERT_NE(access, nullptr);
  ASSERT_FALSE(access->not_assessed.has_value()) << *access->not_assessed;
  EXPECT_EQ(access->number("wildcards"), 0);
  EXPECT_EQ(access->number("admin_and_user"), 0);
  EXPECT_EQ(access->truth("canary_denied"), true);
}

TEST_F(PostureHome, PolicyWithAWildcard) {
  std::string text(kSplitPolicy);
  text.replace(text.find("spiffe://acme.example/train/*"), 29, "any");
  add_policy_fact(hierarchy_.store(), text, kMade, facts_);
  EXPECT_EQ(found("key.access")->number("wildcards"), 1);
  EXPECT_EQ(found("key.access")->truth("canary_denied"), false);
}

TEST_F(PostureHome, PolicyWhoseAdministratorOpens) {
  std::string text(kSplitPolicy);
  text += R"([[allow]]
name = "admin"
caller = "spiffe://acme.example/train/job-1"
operation = ["kek.rotate"]
purpose = "operate"
tenant = "acme"
environment = "none"
)";
  add_policy_fact(hierarchy_.store(), text, kMade, facts_);
  const Fact* access = found("key.access");
  ASSERT_FALSE(access->not_assessed.has_value()) << *access->not_assessed;
  EXPECT_EQ(access->number("admin_and_user"), 1);
}

TEST_F(PostureHome, PolicyThatIsNone) {
  add_policy_fact(hierarchy_.store(), "what = [", kMade, facts_);
  EXPECT_TRUE(found("key.access")->not_assessed.has_value());
  add_attestation_policy_fact("what = [", facts_);
  EXPECT_TRUE(found("attestation.policy")->not_assessed.has_value());
}

void write(const Path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

TEST_F(PostureHome, ProgramsThatWriteDumps) {
  const Path proc = folder_ / "proc";
  write(proc / "17/status", "Name:\tcloisterd\nUid:\t1000\t1000\t1000\t1000\n");
  write(proc / "17/limits", "Limit\nMax core file size        0                    0                    bytes\n");
  write(proc / "17/environ", "");
  write(proc / "18/status", "Name:\tcloister-worker\nUid:\t1000\t1000\t1000\t1000\n");
  write(proc / "18/limits", "Max core file size        0                    unlimited            bytes\n");
  write(proc / "19/status", "Name:\tbash\nUid:\t1000\t1000\t1000\t1000\n");
  write(proc / "self/status", "Name:\tcloisterd\n");
  posture::Workload keys;
  keys.name = "keys";
  keys.use = posture::WorkloadUse::kKeyService;
  estate_.workloads.push_back(keys);
  add_process_facts(proc, estate_, facts_);
  ASSERT_EQ(sink_.facts.size(), 2U);
  EXPECT_EQ(found("process.dumps", "keys")->truth("core_limit_zero"), true);
  EXPECT_EQ(found("process.dumps", "cloister-worker")->truth("core_limit_zero"), false);
  sink_.facts.clear();
  add_process_facts(folder_ / "nowhere", estate_, facts_);
  EXPECT_TRUE(found("process.dumps")->not_assessed.has_value());
}

// What is judged of all that: the keys of this home are its own, and its key file is no HSM.
TEST_F(PostureHome, CollectsAndIsJudged) {
  HomeCollector::Parts parts;
  parts.folder = folder_.path();
  parts.config.roots["first"] = {};
  parts.store = &hierarchy_.store();
  parts.policy_text = std::string(kSplitPolicy);
  parts.archive = [] { return Result<std::optional<service::Archive>>(std::optional<service::Archive>()); };
  parts.attestation_policy = [] { return Result<std::string>(std::string()); };
  parts.proc = folder_ / "proc";
  write(key_file_of(folder_.path(), parts.config.roots["first"]), "key");
  HomeCollector collector(std::move(parts));
  EXPECT_EQ(collector.name(), "home/1");
  collector.collect(context_, sink_);
  const auto assessment = posture::assess(posture::built_in_catalogue(), estate_, sink_.facts, {}, context_.now);
  EXPECT_EQ(assessment.status_of("TEN-01"), posture::Status::kPass);
  EXPECT_EQ(assessment.status_of("KEY-01"), posture::Status::kFail) << "a key file";
  EXPECT_EQ(assessment.status_of("KEY-10"), posture::Status::kFail) << "who may read it";
  EXPECT_EQ(assessment.status_of("KEY-05"), posture::Status::kNotAssessed) << "no schedule is recorded";
}

}  // namespace
}  // namespace cloister::home
