#include "kms/kmip/kmip_server.h"

#include "tests/support/expect.h"
#include "tests/support/kmip_stand_in.h"
#include "tests/support/recorded_transport.h"
#include "tests/unit/kms/provider_contract.h"

namespace cloister::kms {
namespace {

using kmip::Operation;
using kmip::State;
using testing::expect_refused;
using testing::KmipStandIn;
using testing::value_of;
using Fault = KmipStandIn::Fault;

const ContextMap kContext{{"purpose", "kek"}, {"tenant", "acme"}};

class KmipServerTest : public ::testing::Test {
 protected:
  KmipServerTest() {
    stand_in_.add("key-1", {.name = "corpus"});
    stand_in_.add("key-2", {.name = "pre", .state = State::kPreActive});
    options_.host = "kmip.acme.example";
    options_.retry.attempts = 3;
  }

  KmipServer& server() {
    if (server_ == nullptr) {
      server_ = value_of(KmipServer::create_over(stand_in_.dial(), options_, evidence_, waiting_.waiting()));
    }
    return *server_;
  }

  ProviderWrap wrapped() { return value_of(server().wrap("key-1", secret_, kContext)); }

  KmipStandIn stand_in_;
  KmipOptions options_;
  testing::TestWaiting waiting_;
  std::shared_ptr<testing::KeptEvidence> evidence_ = std::make_shared<testing::KeptEvidence>();
  std::shared_ptr<KmipServer> server_;
  const crypto::Secret secret_ = crypto::Secret::copy_of(Bytes(64, 7));
};

std::optional<ContractSubject> contract_subject(std::vector<kmip::ProtocolVersion> versions, const char* cipher) {
  auto stand_in = std::make_shared<KmipStandIn>();
  stand_in->versions = std::move(versions);
  for (const char* key : {"key-1", "key-2"}) stand_in->add(key, {.name = key});
  KmipOptions options;
  options.host = "kmip.acme.example";
  options.cipher = cipher;
  auto server = value_of(KmipServer::create_over(stand_in->dial(), options, nullptr, real_waiting()));
  return ContractSubject{.provider = server, .key = "key-1", .absent = "key-9", .another = "key-2", .alive = stand_in};
}

INSTANTIATE_TEST_SUITE_P(
    Kmip, ProviderContract,
    ::testing::Values(ContractCase{"kmip_1_4", [] { return contract_subject({kmip::kVersion14}, "gcm"); }},
                      ContractCase{"kmip_2_1", [] { return contract_subject({kmip::kVersion21}, "gcm"); }},
                      ContractCase{"kmip_key_wrap",
                                   [] { return contract_subject({kmip::kVersion21}, "nist-key-wrap"); }}),
    contract_name);

TEST_F(KmipServerTest, NewestCommonVersion) { EXPECT_EQ(value_of(server().health()).detail, "KMIP 2.1, stand-in?1"); }

TEST_F(KmipServerTest, VersionsThatOnlyOneSideKnows) {
  stand_in_.versions = {{1, 0}, kmip::kVersion14, {3, 0}};
  EXPECT_EQ(value_of(server().health()).detail, "KMIP 1.4, stand-in?1");
}

TEST_F(KmipServerTest, ServerThatRefusesMessagesOf14) {
  stand_in_.versions = {kmip::kVersion20};
  EXPECT_EQ(value_of(server().health()).detail, "KMIP 2.0, stand-in?1");
}

TEST_F(KmipServerTest, NewestVersionIsLimited) {
  options_.newest = "1.4";
  EXPECT_EQ(value_of(server().health()).detail, "KMIP 1.4, stand-in?1");
}

TEST_F(KmipServerTest, NoCommonVersion) {
  stand_in_.versions = {{1, 2}};
  EXPECT_FALSE(value_of(server().health()).serving);
  EXPECT_FALSE(server().wrap("key-1", secret_, kContext).ok());
}

TEST_F(KmipServerTest, WrongOptions) {
  options_.cipher = "rot13";
  expect_refused(KmipServer::create_over(stand_in_.dial(), options_, nullptr, waiting_.waiting()), Code::kInvalid,
                 "cipher");
  options_.cipher = "gcm";
  options_.newest = "1.2";
  expect_refused(KmipServer::create_over(stand_in_.dial(), options_, nullptr, waiting_.waiting()), Code::kInvalid,
                 "1.2");
  expect_refused(KmipServer::create(options_, nullptr, waiting_.waiting()), Code::kInvalid, "certificate");
}

TEST_F(KmipServerTest, ContextIsBound) {
  const ProviderWrap made = wrapped();
  EXPECT_TRUE(
      crypto::equal_constant_time(value_of(server().unwrap("key-1", made, kContext)).expose(), secret_.expose()));
  expect_refused(server().unwrap("key-1", made, {{"purpose", "kek"}, {"tenant", "other"}}), Code::kDenied, "Decrypt");
}

TEST_F(KmipServerTest, ContextIsBoundInsideOfAKeyWrap) {
  options_.cipher = "nist-key-wrap";
  stand_in_.gcm = false;
  const ProviderWrap made = wrapped();
  EXPECT_TRUE(
      crypto::equal_constant_time(value_of(server().unwrap("key-1", made, kContext)).expose(), secret_.expose()));
  expect_refused(server().unwrap("key-1", made, {{"tenant", "acme"}}), Code::kDenied, "context");
}

TEST_F(KmipServerTest, ServerWithoutGcmIsNotAskedForSomethingElse) {
  stand_in_.gcm = false;
  expect_refused(server().wrap("key-1", secret_, kContext), Code::kInvalid, "unsupported block cipher mode");
}

TEST_F(KmipServerTest, NonceThatTheServerChose) {
  stand_in_.own_nonce = Bytes(12, 9);
  const ProviderWrap made = wrapped();
  EXPECT_TRUE(server().unwrap("key-1", made, kContext).ok());
  stand_in_.own_nonce = Bytes(4, 9);
  expect_refused(server().wrap("key-1", secret_, kContext), Code::kCorrupt, "nonce");
}

TEST_F(KmipServerTest, NoncesDiffer) { EXPECT_NE(wrapped().ciphertext, wrapped().ciphertext); }

TEST_F(KmipServerTest, BlobThatIsNone) {
  const ProviderWrap made = wrapped();
  for (std::size_t size = 0; size < 30; ++size) {
    expect_refused(
        server().unwrap("key-1", {"", Bytes(made.ciphertext.begin(), made.ciphertext.begin() + static_cast<int>(size))},
                        kContext),
        Code::kDenied, "");
  }
  Bytes other = made.ciphertext;
  other[0] = 3;
  expect_refused(server().unwrap("key-1", {"", other}, kContext), Code::kDenied, "isn't one");
  other[0] = 1;
  other.resize(400);
  expect_refused(server().unwrap("key-1", {"", other}, kContext), Code::kDenied, "isn't one");
}

TEST_F(KmipServerTest, PreActiveKeyIsNotReadyAndNotActivated) {
  const auto refused = server().wrap("key-2", secret_, kContext);
  expect_refused(refused, Code::kDenied, "PreActive");
  expect_refused(refused, Code::kDenied, "activate it at the server");
  EXPECT_EQ(stand_in_.keys.at("key-2").state, State::kPreActive);
  EXPECT_EQ(value_of(server().describe("key-2")).state.value(), ProviderKeyState::kNotReady);
  ASSERT_TRUE(server().activate("key-2").ok());
  EXPECT_TRUE(server().wrap("key-2", secret_, kContext).ok());
  EXPECT_TRUE(server().activate("key-2").ok());
  stand_in_.keys.at("key-2").state = State::kDeactivated;
  expect_refused(server().activate("key-2"), Code::kDenied, "Activate");
  expect_refused(server().activate("key-9"), Code::kNotFound, "key-9");
}

TEST_F(KmipServerTest, KeyInAnyStateButActive) {
  const ProviderWrap made = wrapped();
  const std::vector<std::pair<State, const char*>> states{{State::kDeactivated, "Deactivated"},
                                                          {State::kCompromised, "Compromised"},
                                                          {State::kDestroyed, "Destroyed"},
                                                          {State::kDestroyedCompromised, "DestroyedCompromised"}};
  for (const auto& [state, word] : states) {
    stand_in_.keys.at("key-1").state = state;
    expect_refused(server().wrap("key-1", secret_, kContext), Code::kDenied, word);
    expect_refused(server().unwrap("key-1", made, kContext), Code::kDenied, word);
  }
}

TEST_F(KmipServerTest, NameBecomesAnIdentifier) {
  EXPECT_EQ(value_of(server().resolve("corpus")), "key-1");
  EXPECT_EQ(value_of(server().resolve("key-1")), "key-1");
  expect_refused(server().resolve("nothing"), Code::kNotFound, "nothing");
  expect_refused(server().resolve(""), Code::kInvalid, "named");
  stand_in_.add("key-3", {.name = "corpus"});
  expect_refused(server().resolve("corpus"), Code::kInvalid, "several");
}

TEST_F(KmipServerTest, NameInVersion14) {
  options_.newest = "1.4";
  EXPECT_EQ(value_of(server().resolve("corpus")), "key-1");
}

TEST_F(KmipServerTest, PostureInBothEncodings) {
  stand_in_.add("new", {.name = "n", .initial = 1'795'000'000, .extractable = true, .replaced = "old"});
  stand_in_.add("old", {.name = "", .state = State::kDeactivated, .replacement = "new"});
  for (const char* newest : {"1.4", "2.1"}) {
    options_.newest = newest;
    server_ = nullptr;
    const KeyPosture posture = value_of(server().describe("new"));
    EXPECT_EQ(posture.key, "new");
    EXPECT_EQ(posture.algorithm, "AES-256");
    EXPECT_EQ(posture.state.value(), ProviderKeyState::kEnabled);
    EXPECT_EQ(posture.created.value(), Time{1'795'000'000'000});
    EXPECT_TRUE(posture.exportable.value());
    EXPECT_EQ(posture.policy_findings.value(), std::vector{PolicyFinding::kExportable});
    EXPECT_EQ(posture.last_rotated.value(), Time{1'795'000'000'000});
    EXPECT_FALSE(posture.rotation.known());
    EXPECT_FALSE(posture.origin.known());
    EXPECT_FALSE(posture.protection.known());
    EXPECT_FALSE(posture.last_used.known());
    ASSERT_EQ(posture.versions.value().size(), 2U);
    EXPECT_EQ(posture.versions.value()[1].name, "old");
    EXPECT_EQ(posture.versions.value()[1].state.value(), ProviderKeyState::kDisabled);
  }
}

TEST_F(KmipServerTest, RotationOfVersion21) {
  stand_in_.add("r",
                {.rotate_interval = 86'400, .storage_mask = 2, .rotate_generation = 3, .rotate_date = 1'795'500'000});
  const KeyPosture posture = value_of(server().describe("r"));
  EXPECT_TRUE(posture.rotation.value().automatic);
  EXPECT_EQ(posture.rotation.value().period, days(1));
  EXPECT_EQ(posture.rotation.value().next, Time{1'795'500'000'000} + days(1));
  EXPECT_EQ(posture.last_rotated.value(), Time{1'795'500'000'000});
  EXPECT_EQ(posture.protection.value(), ProtectionLevel::kHsm);
  stand_in_.add("never", {.rotate_interval = 0, .storage_mask = 3, .rotate_generation = 0});
  const KeyPosture never = value_of(server().describe("never"));
  EXPECT_FALSE(never.rotation.value().automatic);
  EXPECT_EQ(never.last_rotated.value(), std::nullopt);
  EXPECT_FALSE(never.protection.known());
}

TEST_F(KmipServerTest, ChainThatIsACircle) {
  stand_in_.add("a", {.replaced = "b"});
  stand_in_.add("b", {.replaced = "a"});
  EXPECT_EQ(value_of(server().describe("a")).versions.value().size(), 2U);
}

TEST_F(KmipServerTest, ChainWhoseEndIsGone) {
  stand_in_.add("a", {.replaced = "gone"});
  EXPECT_EQ(value_of(server().describe("a")).versions.value().size(), 1U);
}

TEST_F(KmipServerTest, MoreKeysThanAPage) {
  for (int i = 0; i < 150; ++i) stand_in_.add("many-" + std::to_string(i), {});
  const KeyPage first = value_of(server().list(""));
  ASSERT_EQ(first.keys.size(), 100U);
  const KeyPage second = value_of(server().list(first.next));
  EXPECT_EQ(second.keys.size(), 52U);
  EXPECT_TRUE(second.next.empty());
  for (const char* cursor : {"x", "100", "9999999 a", "-1 a"}) {
    expect_refused(server().list(cursor), Code::kInvalid, "cursor");
  }
  stand_in_.fault = Fault::kNoOffsets;
  expect_refused(server().list(first.next), Code::kUnsupported, "offsets");
}

TEST_F(KmipServerTest, ConnectionIsUsedAgain) {
  wrapped();
  wrapped();
  EXPECT_EQ(stand_in_.dialled, 1U);
}

TEST_F(KmipServerTest, ConnectionThatWasClosedIsReplaced) {
  stand_in_.fault = Fault::kClosesAfterOne;
  wrapped();
  wrapped();
  EXPECT_EQ(waiting_.slept.size(), 0U);
  EXPECT_GE(stand_in_.dialled, 3U);
}

TEST_F(KmipServerTest, ServerThatIsGone) {
  wrapped();
  stand_in_.fault = Fault::kClosesAtOnce;
  expect_refused(server().wrap("key-1", secret_, kContext), Code::kUnavailable, "closed");
  EXPECT_EQ(waiting_.slept.size(), 2U);
  EXPECT_FALSE(value_of(server().health()).serving);
}

TEST_F(KmipServerTest, PassingFailureIsAskedAgain) {
  wrapped();
  stand_in_.fail_with = 0x2A;
  stand_in_.fail_times = 2;
  EXPECT_TRUE(server().wrap("key-1", secret_, kContext).ok());
  EXPECT_EQ(waiting_.slept.size(), 2U);
  stand_in_.fail_times = 3;
  expect_refused(server().wrap("key-1", secret_, kContext), Code::kUnavailable, "InternalServerError: try?again");
}

TEST_F(KmipServerTest, RefusalIsNotAskedAgain) {
  wrapped();
  stand_in_.fail_with = 0x0C;
  stand_in_.fail_times = 1;
  const auto refused = server().wrap("key-1", secret_, kContext);
  expect_refused(refused, Code::kDenied, "PermissionDenied");
  expect_refused(refused, Code::kDenied, "request correlation-7");
  EXPECT_TRUE(waiting_.slept.empty());
}

TEST_F(KmipServerTest, AnswersThatContradictThemselves) {
  wrapped();
  const std::vector<std::pair<Fault, const char*>> faults{
      {Fault::kLengthBomb, "bytes"},         {Fault::kGarbage, "isn't a KMIP message"},
      {Fault::kAnotherObject, "another"},    {Fault::kAnotherOperation, "another operation"},
      {Fault::kNoTag, "authentication tag"}, {Fault::kShortCiphertext, "as long as"},
      {Fault::kTwoItems, "2 batch items"}};
  for (const auto& [fault, word] : faults) {
    stand_in_.fault = fault;
    expect_refused(server().wrap("key-1", secret_, kContext), Code::kCorrupt, word);
  }
  stand_in_.fault = Fault::kTruncates;
  expect_refused(server().wrap("key-1", secret_, kContext), Code::kUnavailable, "closed");
}

TEST_F(KmipServerTest, EvidenceWithoutKeyMaterial) {
  wrapped();
  value_of(server().describe("key-1"));
  bool encrypted = false, described = false;
  for (const Evidence& one : evidence_->all()) {
    encrypted = encrypted || (one.operation == "Encrypt" && one.withheld && one.body.empty());
    described = described || (one.operation == "GetAttributes" && one.key == "key-1" && !one.body.empty());
    EXPECT_EQ(one.request_id, "correlation-7");
    EXPECT_EQ(one.provider, "kmip kmip.acme.example:5696");
  }
  EXPECT_TRUE(encrypted);
  EXPECT_TRUE(described);
}

TEST_F(KmipServerTest, PlaintextOfTheWrongSize) {
  expect_refused(server().wrap("key-1", crypto::Secret(), kContext), Code::kInvalid, "128");
  expect_refused(server().wrap("key-1", crypto::Secret(129), kContext), Code::kInvalid, "128");
}

}  // namespace
}  // namespace cloister::kms
