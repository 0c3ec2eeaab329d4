#include "service/kbs/kbs_dialect.h"

#include "base/canonical_json.h"
#include "seal/writer.h"
#include "tests/support/coco_snp_json.h"
#include "tests/support/jwe_opener.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

using namespace cloister::testing;

constexpr const char* kGuestPolicy = R"(version = 1
id = "test-kbs"
not_after = "never"
[[allow]]
name = "guests"
caller = "spiffe://acme.test/kbs/*"
operation = "release"
tenant = "acme"
environment = "any"
dataset = "key"
purpose = "infer"
[[quota]]
tenant = "any"
requests_per_second = 1000
burst = 1000
keys_per_batch = 10
)";

struct Told {
  std::string method = "POST";
  std::string path = {};
  std::string body = {};
  std::string cookie = {};
  std::string token = {};
  std::string remote = "192.0.2.9:4000";
};

// A guest that answers as the Confidential Containers' do.
struct Guest {
  JweOpener opener{"P-256"};
  std::string cookie, nonce, token;
};

class Kbs : public ::testing::Test {
 protected:
  Kbs() {
    const keys::Caller caller = Harness::caller();
    for (const char* tenant : {"acme", "rival"}) {
      EXPECT_TRUE(harness_.keys->create_tenant({tenant, ""}, std::nullopt, caller).ok());
      for (const char* dataset : {"key", "other"}) {
        EXPECT_TRUE(harness_.keys->create_dataset({tenant, "", dataset}, caller).ok());
      }
    }
    put("acme", "key", "1", "the secret resource");
    put("acme", "other", "1", "not for guests");
    put("rival", "key", "1", "not for acme's guests");
    collateral_.add(amd_.revocations({}, kStart + days(-1)));
    harness_.start();
    harness_.service->reload(Harness::snapshot_of(kGuestPolicy));
    handler_ = harness_.service->handler(std::make_shared<KbsDialect>(options()));
  }

  KbsOptions options() {
    KbsOptions options;
    options.callers = "spiffe://acme.test/kbs";
    options.resources = harness_.directory / "resources";
    options.sessions = std::make_shared<KbsSessions>(KbsLimits{minutes(5), 100, 50}, harness_.random);
    options.keyrings = harness_.service->keyrings();
    options.token_signer = std::make_shared<crypto::MemorySigner>(key_of_seed(5));
    options.judge = [this](const KbsEvidence& given) {
      const GuestQuestion& asked = given.question;
      return KbsJudgement{attest::verify(
          given.evidence, {asked.judged, asked.report_data, &collateral_, &anchors_, nullptr}, asked.device_nonce)};
    };
    options.refresh = [this](keys::Store&) {
      if (refreshed_) epoch_ = *refreshed_;
      return refresh_status_;
    };
    options.epoch = [this] { return epoch_; };
    options.keep = [this](const KbsEvidence& given, const KbsJudgement&) -> Result<KeptItems> {
      kept_ = to_hex(crypto::sha256(attest::encode(given.evidence)));
      CLOISTER_RETURN_IF_ERROR(keep_status_);
      return KeptItems();
    };
    options.raise_floors = [this](keys::Store&, const attest::SetVerdict&, std::uint64_t epoch,
                                  const keys::Caller&) -> Result<std::uint64_t> {
      CLOISTER_RETURN_IF_ERROR(raise_status_);
      return epoch;
    };
    options.decide = [this](const KbsGuest&, const Target&, Time) -> Result<KbsDecision> {
      CLOISTER_RETURN_IF_ERROR(decide_status_);
      KbsDecision decision{decision_, "the attestation policy says no"};
      decision.kept = kept_id_;
      return decision;
    };
    return options;
  }

  void put(const std::string& tenant, const std::string& dataset, const std::string& name, std::string_view text) {
    const Path folder = harness_.directory / "resources" / tenant / dataset;
    std::filesystem::create_directories(folder);
    const auto keyring = value_of(harness_.keys->unlock_keyring({tenant, "", dataset}, "seal", Harness::caller()));
    const auto wrapper = value_of(seal::KeyringWrapper::create(keyring, harness_.random));
    crypto::KeyWrapper* const wrappers[] = {wrapper.get()};
    const Path plain = harness_.directory / "plain";
    std::filesystem::remove(plain);
    ASSERT_TRUE(value_of(File::create_new(plain)).write_all(as_bytes(text)).ok());
    std::filesystem::remove(folder / name);
    const File target = value_of(File::create_new(folder / name));
    seal::SealOptions options;
    options.context = {tenant, dataset, keyring.outline().keyring_id, std::nullopt};
    Progress progress;
    ASSERT_TRUE(
        seal::seal_payload(value_of(File::open(plain)), target, options, wrappers, harness_.random, progress).ok());
  }

  Answered send(const Told& told) {
    net::Request request;
    request.method = told.method;
    request.target = "/kbs/v0/" + told.path;
    request.headers.add("host", "kbs.test");
    if (!told.cookie.empty()) request.headers.add("cookie", "a=b; kbs-session-id=" + told.cookie);
    if (!told.token.empty()) request.headers.add("authorization", "Bearer " + told.token);
    request.body = net::to_buffer(told.body);
    auto connection = std::make_shared<net::ConnectionInfo>();
    connection->remote = told.remote;
    request.connection = std::move(connection);
    Waiting waiting;
    auto response = handler_->handle(request, waiting);
    if (!response) response = waiting.wait();
    return {std::move(*response)};
  }

  void begin(Guest& guest) {
    const Answered answered = send({.path = "auth", .body = R"({"version":"0.4.0","tee":"snp","extra-params":{}})"});
    ASSERT_EQ(answered.status(), 200U) << answered.body();
    const std::string cookie = answered.header("set-cookie");
    ASSERT_TRUE(cookie.starts_with("kbs-session-id="));
    guest.cookie = cookie.substr(15, 32);
    guest.nonce = answered.json()["nonce"].get<std::string>();
    EXPECT_EQ(answered.json()["extra-params"]["selected-hash-algorithm"].get<std::string>(), "sha384");
  }

  // The body of a guest with an honest machine; `said` is the nonce that it sends.
  std::string attestation(const Guest& guest, const SnpParts& given = {}, const std::string& said = "") {
    const JsonValue jwk = value_of(parse_json(guest.opener.jwk()));
    const std::string canonical = value_of(
        canonical_json(JsonValue::Object{{"additional-evidence", ""}, {"nonce", guest.nonce}, {"tee-pubkey", jwk}}));
    SnpParts parts = given;
    parts.report_data = to_bytes(crypto::sha384(as_bytes(canonical)));
    parts.report_data.resize(64);
    parts.not_after = kStart + days(100);
    attest::Evidence evidence = amd_.snp(parts);
    if (!certificates_) std::erase_if(evidence.parts, [](const auto& part) { return part.first != "report"; });
    return JsonValue(JsonValue::Object{{"init-data", JsonValue()},
                                       {"runtime-data", JsonValue::Object{{"nonce", said.empty() ? guest.nonce : said},
                                                                          {"tee-pubkey", jwk}}},
                                       {"tee-evidence", JsonValue::Object{{"primary_evidence", coco_snp_json(evidence)},
                                                                          {"additional_evidence", ""}}}})
        .serialize();
  }

  void attest(Guest& guest) {
    begin(guest);
    const Answered answered = send({.path = "attest", .body = attestation(guest), .cookie = guest.cookie});
    ASSERT_EQ(answered.status(), 200U) << answered.body();
    guest.token = answered.json()["token"].get<std::string>();
  }

  // Guests can't go on without these two members.
  void expect_error(const Answered& answered, unsigned status, std::string_view word) {
    EXPECT_EQ(answered.status(), status) << answered.body();
    EXPECT_TRUE(answered.json()["type"].is_string());
    EXPECT_NE(answered.json()["detail"].get<std::string>().find(word), std::string::npos) << answered.body();
  }

  Answered get(const Guest& guest, const std::string& name) {
    return send({.method = "GET", .path = "resource/" + name, .cookie = guest.cookie});
  }

  Harness harness_;
  SimulatedAmd amd_;
  attest::Anchors anchors_ = amd_.anchors();
  attest::Collateral collateral_;
  bool certificates_ = true;  // beside the report
  bool decision_ = true;
  std::uint64_t epoch_ = 7;
  std::optional<std::uint64_t> refreshed_;  // the epoch of the store, where it is another
  Status refresh_status_;
  std::string kept_;
  std::string kept_id_;
  Status keep_status_, raise_status_, decide_status_;
  std::shared_ptr<net::Handler> handler_;
};

TEST_F(Kbs, SecretIsSealedToTheAttestedKey) {
  Guest guest;
  attest(guest);
  const Answered by_cookie = get(guest, "acme/key/1");
  ASSERT_EQ(by_cookie.status(), 200U) << by_cookie.body();
  const JsonValue jwe = value_of(parse_json(by_cookie.body()));
  EXPECT_EQ(value_of(guest.opener.open(*jwe.object())), "the secret resource");
  const Bytes header = value_of(from_base64(*jwe.find("protected")->string(), Base64::kUrl));
  EXPECT_EQ(*value_of(parse_json(as_text(header))).find("kbs-resource")->string(), "acme/key/1");
  EXPECT_FALSE(JweOpener("P-256").open(*jwe.object()).ok());

  const Answered by_token = send({.method = "GET", .path = "resource/acme/key/1", .token = guest.token});
  EXPECT_EQ(by_token.status(), 200U) << by_token.body();
  const audit::Event event = harness_.last_event();
  EXPECT_EQ(event.actor, "spiffe://acme.test/kbs/snp");
  EXPECT_EQ(event.action, "release");
  EXPECT_EQ(event.subject, "acme/key");
  EXPECT_EQ(event.outcome, audit::Outcome::kAllowed);
  EXPECT_NE(event.detail.find("acme/key/1"), std::string::npos);
}

TEST_F(Kbs, ResourceOfOthersOrNobody) {
  Guest guest;
  attest(guest);
  expect_error(get(guest, "acme/key/2"), 404, "no such resource");
  expect_error(get(guest, "acme/other/1"), 403, "");
  expect_error(get(guest, "rival/key/1"), 403, "");
  expect_error(get(guest, "nobody/key/1"), 403, "");
  // Sealed under another dataset's keys, and put in acme's folder.
  const Path resources = harness_.directory / "resources";
  std::filesystem::copy_file(resources / "rival" / "key" / "1", resources / "acme" / "key" / "stolen");
  expect_error(get(guest, "acme/key/stolen"), 403, "its dataset's keys");
}

TEST_F(Kbs, PathsThatCantBe) {
  Guest guest;
  attest(guest);
  for (const char* path : {"acme/key/..", "acme/../key", "acme/key/%2e%2e", "acme/key/1%00", "acme/key/a b", "../key/1",
                           "acme/key/1?x=1", "acme/key/a:b"}) {
    SCOPED_TRACE(path);
    const Answered answered = get(guest, path);
    EXPECT_TRUE(answered.status() == 400 || answered.status() == 403) << answered.body();
    EXPECT_TRUE(answered.json()["detail"].is_string());
  }
  for (const char* path : {"acme/key", "acme/key/1/2", "acme//1"}) expect_error(get(guest, path), 404, "");
  expect_error(send({.method = "GET", .path = "plugin/acme/key", .cookie = guest.cookie}), 404, "");
  expect_error(send({.path = "resource/acme/key/1", .body = "x", .cookie = guest.cookie}), 405, "GET");
}

TEST_F(Kbs, NoCookieAnothersTokenOrAfterItsTime) {
  Guest guest;
  expect_error(get(guest, "acme/key/1"), 401, "attest");
  begin(guest);
  expect_error(get(guest, "acme/key/1"), 401, "attest");
  attest(guest);
  for (const std::string& token : {std::string("x"), guest.token + "x", guest.token.substr(0, guest.token.find('.')),
                                   std::string("eyJhbGciOiJub25lIn0.e30.")}) {
    expect_error(send({.method = "GET", .path = "resource/acme/key/1", .token = token}), 401, "attest");
  }
  // A wrong token isn't made good by a cookie.
  expect_error(send({.method = "GET", .path = "resource/acme/key/1", .cookie = guest.cookie, .token = "x"}), 401, "");
  harness_.now = kStart + minutes(5);
  expect_error(get(guest, "acme/key/1"), 401, "attest");
  expect_error(send({.method = "GET", .path = "resource/acme/key/1", .token = guest.token}), 401, "attest");
}

TEST_F(Kbs, OneNonceOneVerdict) {
  Guest guest;
  attest(guest);
  expect_error(send({.path = "attest", .body = attestation(guest), .cookie = guest.cookie}), 401, "before");
  // Also after an answer that was refused.
  Guest second;
  begin(second);
  expect_error(send({.path = "attest", .body = "{}", .cookie = second.cookie}), 401, "");
  expect_error(send({.path = "attest", .body = attestation(second), .cookie = second.cookie}), 401, "before");
}

TEST_F(Kbs, EvidenceThatIsRefused) {
  const auto refuse = [this](const char* word, const std::function<std::string(Guest&)>& body) {
    SCOPED_TRACE(word);
    Guest guest;
    begin(guest);
    expect_error(send({.path = "attest", .body = body(guest), .cookie = guest.cookie}), 401, word);
    expect_error(get(guest, "acme/key/1"), 401, "attest");
    EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
  };
  refuse("nonce isn't", [this](Guest& guest) { return attestation(guest, {}, "bm9uY2U="); });
  refuse("nonce-mismatch", [this](Guest& guest) {  // the key was changed after the quote
    Guest other;
    other.nonce = guest.nonce;
    std::string body = attestation(guest);
    const std::string own = value_of(parse_json(guest.opener.jwk())).find("x")->string()->substr(0);
    const std::string of_other = value_of(parse_json(other.opener.jwk())).find("x")->string()->substr(0);
    const std::string own_y = *value_of(parse_json(guest.opener.jwk())).find("y")->string();
    const std::string other_y = *value_of(parse_json(other.opener.jwk())).find("y")->string();
    body.replace(body.find(own), own.size(), of_other);
    body.replace(body.find(own_y), own_y.size(), other_y);
    return body;
  });
  refuse("nonce-mismatch", [this](Guest& guest) {  // devices that the quote doesn't know of
    std::string body = attestation(guest);
    const std::string none = R"("additional_evidence":"")";
    body.replace(body.find(none), none.size(), R"("additional_evidence":"{}")");
    return body;
  });
  refuse("debug",
         [this](Guest& guest) { return attestation(guest, {.edit = [](Bytes& report) { report[0x00A] |= 0x08; }}); });
  refuse("twice", [this](Guest& guest) {
    std::string body = attestation(guest);
    body.insert(body.find("\"nonce\""), R"("nonce":"x",)");
    return body;
  });
  anchors_ = attest::Anchors::production();
  refuse("untrusted-root", [this](Guest& guest) { return attestation(guest); });
}

TEST_F(Kbs, AttestWithoutASession) {
  expect_error(send({.path = "attest", .body = "{}"}), 401, "no session");
  expect_error(send({.path = "attest", .body = "{}", .cookie = "00000000000000000000000000000000"}), 401, "no session");
}

TEST_F(Kbs, OtherVersionsAndKindsHaveAnAnswerThatCanBeRead) {
  expect_error(send({.path = "auth", .body = R"({"version":"0.3.0","tee":"snp"})"}), 401, "0.4");
  expect_error(send({.path = "auth", .body = R"({"version":"0.4.0","tee":"sample"})"}), 401, "kind");
  expect_error(send({.path = "auth", .body = "x"}), 400, "");
}

TEST_F(Kbs, PolicyIsAskedForEveryResource) {
  Guest guest;
  attest(guest);
  EXPECT_EQ(get(guest, "acme/key/1").status(), 200U);
  decision_ = false;
  expect_error(get(guest, "acme/key/1"), 403, "the attestation policy says no");
  EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
  decision_ = true;
  harness_.service->reload(Harness::snapshot_of(kPolicy));
  expect_error(get(guest, "acme/key/1"), 403, "");
}

TEST_F(Kbs, CheckThatCouldNotBeMade) {
  collateral_ = {};
  Guest guest;
  begin(guest);
  expect_error(send({.path = "attest", .body = attestation(guest), .cookie = guest.cookie}), 401, "revocation");
  EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
  expect_error(get(guest, "acme/key/1"), 401, "attest");
}

// Nothing in it fails, since nothing in it can be checked.
TEST_F(Kbs, ReportWithoutCertificates) {
  Guest guest;
  begin(guest);
  certificates_ = false;
  expect_error(send({.path = "attest", .body = attestation(guest), .cookie = guest.cookie}), 401, "endorsement");
  EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kRefused);
  expect_error(get(guest, "acme/key/1"), 401, "attest");
}

TEST_F(Kbs, VerdictOfBeforeARecoveryIsOver) {
  Guest guest;
  attest(guest);
  epoch_ = 8;
  expect_error(get(guest, "acme/key/1"), 401, "attest again");
  attest(guest);
  EXPECT_EQ(get(guest, "acme/key/1").status(), 200U);
}

// The policy was replaced between the look at the epoch and the decision.
TEST_F(Kbs, DecisionOfAnotherEpoch) {
  Guest guest;
  attest(guest);
  decide_status_ = Error(Code::kExpired, "attest again");
  expect_error(get(guest, "acme/key/1"), 401, "attest again");
  decide_status_ = Error(Code::kUnavailable, "the disk is full");
  EXPECT_EQ(get(guest, "acme/key/1").status(), 503U);
  decide_status_ = {};
  EXPECT_EQ(get(guest, "acme/key/1").status(), 200U);
}

TEST_F(Kbs, StoreIsAskedForEveryResource) {
  Guest guest;
  attest(guest);
  EXPECT_EQ(get(guest, "acme/key/1").status(), 200U);
  refresh_status_ = Error(Code::kUnavailable, "the store is gone");
  const Answered answered = get(guest, "acme/key/1");
  EXPECT_EQ(answered.status(), 503U) << answered.body();
  EXPECT_EQ(answered.body().find("the store is gone"), std::string::npos);
  EXPECT_EQ(harness_.last_event().outcome, audit::Outcome::kFailed);
  refresh_status_ = {};
  refreshed_ = 8;  // raised by another server
  expect_error(get(guest, "acme/key/1"), 401, "attest again");
}

TEST_F(Kbs, EvidenceIsKeptBeforeAnybodyIsAdmitted) {
  Guest guest;
  attest(guest);
  ASSERT_EQ(get(guest, "acme/key/1").status(), 200U);
  EXPECT_NE(harness_.last_event().detail.find(kept_), std::string::npos);
  keep_status_ = Error(Code::kInternal, "the disk is full");
  begin(guest);
  const Answered answered = send({.path = "attest", .body = attestation(guest), .cookie = guest.cookie});
  EXPECT_EQ(answered.status(), 500U);
  EXPECT_EQ(answered.body().find("disk"), std::string::npos);
  expect_error(get(guest, "acme/key/1"), 401, "attest");
}

TEST_F(Kbs, FloorsRiseBeforeAnybodyIsAdmitted) {
  Guest guest;
  begin(guest);
  raise_status_ = Error(Code::kUnavailable, "the store is gone");
  EXPECT_EQ(send({.path = "attest", .body = attestation(guest), .cookie = guest.cookie}).status(), 503U);
  raise_status_ = {};
  expect_error(get(guest, "acme/key/1"), 401, "attest");
  begin(guest);
  refresh_status_ = Error(Code::kUnavailable, "the store is gone");
  EXPECT_EQ(send({.path = "attest", .body = attestation(guest), .cookie = guest.cookie}).status(), 503U);
}

TEST_F(Kbs, DecisionIsOnRecordWithWhatIsKept) {
  Guest guest;
  attest(guest);
  kept_id_ = std::string(32, 'a');
  ASSERT_EQ(get(guest, "acme/key/1").status(), 200U);
  EXPECT_NE(harness_.last_event().detail.find("kept as " + kept_id_), std::string::npos);
  decision_ = false;
  expect_error(get(guest, "acme/key/1"), 403, "says no");
  EXPECT_NE(harness_.last_event().detail.find("kept as " + kept_id_), std::string::npos);
}

TEST_F(Kbs, AnsweredCookieIsAsGoodAsNone) {
  Guest guest;
  attest(guest);
  const std::size_t before = harness_.audit_rows().size();
  unsigned limited = 0;
  for (int i = 0; i < 210; ++i) {
    limited += send({.path = "attest", .body = "{}", .cookie = guest.cookie}).status() == 429 ? 1 : 0;
  }
  EXPECT_GT(limited, 0U);
  EXPECT_EQ(harness_.audit_rows().size() - before, 210U - limited);
  EXPECT_EQ(harness_.last_event().action, "/kbs/v0/attest");
}

TEST_F(Kbs, EvidenceOfNobodyIsNotKept) {
  const auto send_refused = [this] {
    kept_.clear();
    Guest guest;
    begin(guest);
    std::string body = attestation(guest, {.edit = [](Bytes& report) { report[0x00A] |= 0x08; }});
    expect_error(send({.path = "attest", .body = body, .cookie = guest.cookie}), 401, "snp");
    return kept_;
  };
  EXPECT_FALSE(send_refused().empty());  // of a machine that is genuine, and of this session
  certificates_ = false;
  EXPECT_TRUE(send_refused().empty());
  certificates_ = true;
  anchors_ = attest::Anchors::production();
  EXPECT_TRUE(send_refused().empty());
  anchors_ = amd_.anchors();
  Guest guest, other;
  begin(guest);
  begin(other);
  kept_.clear();
  // Evidence of another session.
  expect_error(send({.path = "attest", .body = attestation(other, {}, guest.nonce), .cookie = guest.cookie}), 401,
               "nonce-mismatch");
  EXPECT_TRUE(kept_.empty());
}

TEST_F(Kbs, FloodsOfChallengesAreBounded) {
  const std::string body = R"({"version":"0.4.0","tee":"snp"})";
  unsigned refused = 0;
  for (int i = 0; i < 60; ++i) refused += send({.path = "auth", .body = body}).status() == 503 ? 1 : 0;
  EXPECT_EQ(refused, 10U);
  EXPECT_EQ(send({.path = "auth", .body = body, .remote = "192.0.2.10:4000"}).status(), 200U);
}

}  // namespace
}  // namespace cloister::service
