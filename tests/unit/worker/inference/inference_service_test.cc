#include "worker/inference/inference_service.h"

#include <gtest/gtest.h>

#include <future>
#include <set>

#include "base/base64.h"
#include "net/http_date.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"

namespace cloister::worker {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::expect_refused;
using cloister::testing::value_of;

constexpr Time kNow{1'800'000'000'000};

// Says what it was asked.
class EchoEngine final : public Engine {
 public:
  explicit EchoEngine(int& asked) : asked_(&asked) {}
  Status load(ByteView) override { return {}; }
  Result<EngineAnswer> infer(const Question& question) override {
    ++*asked_;
    if (as_text(question.content) == "bad") return Error(Code::kInvalid, "the question: bad");
    EngineAnswer answer{200, "text/plain", net::to_buffer("you said ")};
    net::append(answer.content, question.content);
    return answer;
  }

 private:
  int* asked_;
};

class WaitingAnswer final : public net::Deferral {
 public:
  net::Answer take() override {
    return net::Answer([this](net::Response response) { promise_.set_value(std::move(response)); });
  }
  net::Response get() { return promise_.get_future().get(); }

 private:
  std::promise<net::Response> promise_;
};

class Inference : public ::testing::Test {
 protected:
  void SetUp() override {
    InferenceOptions options;
    options.model_name = "vad";
    options.manifest = to_bytes(as_bytes("manifest"));
    options.model = crypto::sha256(as_bytes("model"));
    options.policy = "policy-1";
    options.tenants = {{"acme", crypto::sha256(as_bytes("acme-token"))},
                       {"other", crypto::sha256(as_bytes("other-token"))}};
    service_ = value_of(InferenceService::create(
        options, std::make_unique<EchoEngine>(asked_), [this](const attest::Binding& b) { return collect(b); },
        [this] { return now_; }, random_));
  }

  Result<attest::EvidenceSet> collect(const attest::Binding& binding) {
    if (no_evidence_) return Error(Code::kUnavailable, "the attester is away");
    attest::EvidenceSet set;
    set.primary = {attest::Kind::kInsecureSoftware, {{"statement", attest::report_data(binding)}}};
    return set;
  }

  net::Response call(std::string method, std::string target, std::string type = {}, ByteView body = {}) {
    net::Request request{std::move(method), std::move(target), {}, {}, nullptr};
    if (!type.empty()) request.headers.add("content-type", std::move(type));
    net::append(request.body, body);
    WaitingAnswer waiting;
    auto response = service_->handle(request, waiting);
    return response ? std::move(*response) : waiting.get();
  }

  attest::WorkerBundle bundle() { return value_of(attest::decode_worker_bundle(call("GET", "/v1/bundle").body)); }

  net::BinaryRequest question(std::string_view text = "hello") {
    net::BinaryRequest request{"POST", "https", "worker", "/v2/models/vad/infer", {}, net::to_buffer(text), {}};
    request.headers.add("authorization", "Bearer acme-token");
    request.headers.add("date", net::to_http_date(now_));
    request.headers.add("content-type", "text/plain");
    return request;
  }

  // What came back, opened; `outer_` and `sealed_` keep what went over the wire.
  net::Response ask(const net::BinaryRequest& request) {
    const attest::WorkerBundle bundle = this->bundle();
    net::OhttpSender sender = value_of(net::OhttpSender::create(
        value_of(net::parse_ohttp_key(bundle.key_configuration)), net::OhttpForm::kChunked, random_));
    sealed_.clear();
    sender.seal(net::encode_binary_request(request, 64), net::Last::kYes, sealed_);
    outer_ = call("POST", "/v1/inference", "message/ohttp-chunked-req", sealed_);
    if (outer_.status != 200) return outer_;
    const net::OhttpOpened opened = value_of(sender.open(outer_.body, 1 << 20));
    before_last_ = opened.last_chunk;
    return value_of(net::parse_binary_response(opened.plaintext, {}));
  }

  attest::InferenceReceipt receipt(const net::Response& response) {
    const std::string* text = response.trailers.find(kReceiptField);
    CLOISTER_CHECK(text != nullptr);
    const Bytes bytes = value_of(from_base64(*text, Base64::kUrl));
    last_receipt_ = crypto::sha256(bytes);
    return value_of(attest::open_receipt(bytes, bundle().receipt_key));
  }

  DeterministicRandom random_{1};
  Time now_ = kNow;
  int asked_ = 0;
  bool no_evidence_ = false;
  std::shared_ptr<InferenceService> service_;
  net::Buffer sealed_;
  net::Response outer_;
  std::size_t before_last_ = 0;
  crypto::Sha256Digest last_receipt_{};
};

TEST_F(Inference, AnswersWhatWasSealedToIt) {
  const net::Response response = ask(question());
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(as_text(response.body), "you said hello");
  EXPECT_EQ(*response.headers.find("content-type"), "text/plain");
  EXPECT_EQ(*outer_.headers.find("content-type"), "message/ohttp-chunked-res");
  EXPECT_EQ(service_->counts().answered, 1U);
}

TEST_F(Inference, TheBundleBindsWhatItShows) {
  const attest::WorkerBundle bundle = this->bundle();
  EXPECT_EQ(bundle.role, "infer");
  EXPECT_TRUE(check_dates(bundle, now_).ok());
  EXPECT_EQ(to_hex(bundle.evidence.primary.part("statement")),
            to_hex(attest::report_data(value_of(attest::bundle_binding(bundle)))));
}

TEST_F(Inference, TheReceiptSaysWhatCameAndWent) {
  const attest::InferenceReceipt first = receipt(ask(question()));
  EXPECT_EQ(first.sequence, 1U);
  EXPECT_EQ(first.request, crypto::sha256(sealed_));
  EXPECT_EQ(first.response, crypto::sha256(ByteView(outer_.body).first(before_last_)));
  EXPECT_EQ(first.model, crypto::sha256(as_bytes("model")));
  EXPECT_EQ(first.manifest, crypto::sha256(as_bytes("manifest")));
  EXPECT_EQ(first.evidence, attest::evidence_id(bundle().evidence));
  EXPECT_EQ(first.policy, "policy-1");
  EXPECT_TRUE(all_zero(first.previous));
  const crypto::Sha256Digest of_first = last_receipt_;
  const attest::InferenceReceipt second = receipt(ask(question()));
  EXPECT_EQ(second.sequence, 2U);
  EXPECT_EQ(second.previous, of_first);
}

TEST_F(Inference, ReceiptsNameThePolicyOfTheLastRenewal) {
  EXPECT_EQ(receipt(ask(question())).policy, "policy-1");
  service_->released_under("policy-2");
  EXPECT_EQ(receipt(ask(question())).policy, "policy-2");
}

TEST_F(Inference, SizesOfAnswersComeInSteps) {
  std::set<std::size_t> sizes;
  for (std::size_t size = 0; size < 200; ++size) {
    const net::Response response = ask(question(std::string(size, 'x')));
    ASSERT_EQ(response.body.size(), 9 + size);
    sizes.insert(outer_.body.size());
  }
  EXPECT_LE(sizes.size(), 5U);
}

TEST_F(Inference, SizesOfLongAnswersComeInSteps) {
  std::set<std::size_t> sizes;
  for (std::size_t size = 16'365; size < 16'385; ++size) {  // across a longer length of the content
    ASSERT_EQ(ask(question(std::string(size, 'x'))).body.size(), 9 + size);
    sizes.insert(outer_.body.size());
  }
  EXPECT_LE(sizes.size(), 2U);
}

TEST_F(Inference, LongAnswersComeInChunks) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(as_text(ask(question(text)).body), "you said " + text);
}

TEST_F(Inference, WhatIsNotSealedIsNotTaken) {
  EXPECT_EQ(call("POST", "/v1/inference", "application/json", as_bytes("{}")).status, 415U);
  EXPECT_EQ(call("POST", "/v1/inference", "", as_bytes("{}")).status, 415U);
  EXPECT_EQ(call("POST", "/v2/models/vad/infer", "text/plain", as_bytes("hello")).status, 404U);
  EXPECT_EQ(call("GET", "/v1/inference").status, 405U);
  EXPECT_EQ(call("POST", "/v1/bundle").status, 405U);
  EXPECT_EQ(asked_, 0);
}

TEST_F(Inference, ReplayedRequest) {
  EXPECT_EQ(ask(question()).status, 200U);
  EXPECT_EQ(call("POST", "/v1/inference", "message/ohttp-chunked-req", sealed_).status, 400U);
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(service_->counts().refused_replayed, 1U);
}

TEST_F(Inference, ReplayOutsideTheWindow) {
  EXPECT_EQ(ask(question()).status, 200U);
  now_ = kNow + minutes(6);
  EXPECT_EQ(call("POST", "/v1/inference", "message/ohttp-chunked-req", sealed_).status, 200U) << "a sealed refusal";
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(service_->counts().refused_date, 1U);
}

TEST_F(Inference, WhatIsRefusedIsNotRemembered) {
  net::BinaryRequest request = question();
  request.headers = {{"authorization", "Bearer nobody"}, {"date", net::to_http_date(now_)}};
  EXPECT_EQ(ask(request).status, 401U);
  EXPECT_EQ(call("POST", "/v1/inference", "message/ohttp-chunked-req", sealed_).status, 200U) << "a sealed refusal";
  EXPECT_EQ(service_->counts().refused_tenant, 2U);
  EXPECT_EQ(service_->counts().refused_replayed, 0U);
  EXPECT_EQ(asked_, 0);
}

TEST_F(Inference, AlteredOrCutRequest) {
  ask(question());
  net::Buffer changed = sealed_;
  changed.back() ^= 1;
  EXPECT_EQ(call("POST", "/v1/inference", "message/ohttp-chunked-req", changed).status, 400U);
  changed = sealed_;
  changed.resize(changed.size() - 1);
  EXPECT_EQ(call("POST", "/v1/inference", "message/ohttp-chunked-req", changed).status, 400U);
  EXPECT_EQ(call("POST", "/v1/inference", "message/ohttp-chunked-req").status, 422U) << "nothing at all";
  EXPECT_EQ(asked_, 1);
}

TEST_F(Inference, UnknownKeyOrSuite) {
  ask(question());
  for (const std::size_t at : {std::size_t{0}, std::size_t{6}}) {
    net::Buffer changed = sealed_;
    changed[at] ^= 0x40;
    const net::Response response = call("POST", "/v1/inference", "message/ohttp-chunked-req", changed);
    EXPECT_EQ(response.status, 422U);
    EXPECT_NE(as_text(response.body).find("http-problem-types#ohttp-key"), std::string_view::npos);
  }
}

TEST_F(Inference, DateOutsideTheWindow) {
  for (const std::int64_t minutes_away : {-6, 6}) {
    net::BinaryRequest request = question();
    request.headers = {{"authorization", "Bearer acme-token"},
                       {"date", net::to_http_date(now_ + minutes(minutes_away))}};
    EXPECT_EQ(ask(request).status, 400U);
  }
  net::BinaryRequest without = question();
  without.headers = {{"authorization", "Bearer acme-token"}};
  const net::Response response = ask(without);
  EXPECT_EQ(response.status, 400U);
  EXPECT_NE(as_text(response.body).find("http-problem-types#date"), std::string_view::npos);
  EXPECT_EQ(asked_, 0);
}

TEST_F(Inference, TokenOfNobody) {
  for (const char* token : {"Bearer acme-tokem", "acme-token", "Bearer", "bearer acme-token"}) {
    net::BinaryRequest request = question();
    request.headers = {{"authorization", token}, {"date", net::to_http_date(now_)}};
    EXPECT_EQ(ask(request).status, 401U) << token;
  }
  net::BinaryRequest without = question();
  without.headers = {{"date", net::to_http_date(now_)}};
  EXPECT_EQ(ask(without).status, 401U);
  EXPECT_EQ(asked_, 0) << "the engine saw nothing";
}

TEST_F(Inference, AfterTheEndOfTheLease) {
  service_->answer_until(kNow);
  EXPECT_EQ(ask(question()).status, 503U);
  EXPECT_EQ(asked_, 0);
  service_->answer_until(kNow + Duration{1});
  EXPECT_EQ(ask(question()).status, 200U) << "renewed";
}

TEST_F(Inference, AnotherModelOrMethod) {
  net::BinaryRequest request = question();
  request.path = "/v2/models/other/infer";
  EXPECT_EQ(ask(request).status, 404U);
  request = question();
  request.method = "GET";
  EXPECT_EQ(ask(request).status, 405U);
}

TEST_F(Inference, ABadQuestionIsAnsweredSealed) {
  EXPECT_EQ(ask(question("bad")).status, 400U);
  EXPECT_EQ(outer_.status, 200U);
}

TEST_F(Inference, KeysChangeAndOldOnesEnd) {
  const attest::WorkerBundle first = bundle();
  now_ = kNow + minutes(29);
  ASSERT_TRUE(service_->refresh().ok());
  EXPECT_EQ(bundle(), first);
  ask(question());
  const net::Buffer old = sealed_;
  now_ = kNow + minutes(30);
  ASSERT_TRUE(service_->refresh().ok());
  const attest::WorkerBundle second = bundle();
  EXPECT_NE(second.key_configuration, first.key_configuration);
  EXPECT_EQ(ask(question()).status, 200U);
  EXPECT_EQ(call("POST", "/v1/inference", "message/ohttp-chunked-req", old).status, 400U) << "the old key still knows";
  now_ = kNow + minutes(60);
  ASSERT_TRUE(service_->refresh().ok());
  EXPECT_EQ(call("POST", "/v1/inference", "message/ohttp-chunked-req", old).status, 422U) << "its key is gone";
}

TEST_F(Inference, WhatRefreshesOutlivesTheService) {
  const std::function<Status()> refresh = service_->refresher();
  const attest::WorkerBundle first = bundle();
  now_ = kNow + minutes(30);
  ASSERT_TRUE(refresh().ok());
  EXPECT_NE(bundle().key_configuration, first.key_configuration);
  service_.reset();
  now_ = kNow + minutes(60);
  EXPECT_TRUE(refresh().ok());
}

TEST_F(Inference, WithoutEvidenceTheOldKeyGoesOnUntilItsEnd) {
  no_evidence_ = true;
  now_ = kNow + minutes(45);
  expect_refused(service_->refresh(), Code::kUnavailable, "new key");
  EXPECT_EQ(call("GET", "/v1/bundle").status, 200U);
  now_ = kNow + minutes(60);
  EXPECT_FALSE(service_->refresh().ok());
  EXPECT_EQ(call("GET", "/v1/bundle").status, 503U);
}

TEST_F(Inference, NoEvidenceAtTheStart) {
  no_evidence_ = true;
  InferenceOptions options;
  options.model_name = "vad";
  const auto collect = [this](const attest::Binding& binding) { return this->collect(binding); };
  const auto clock = [this] { return now_; };
  expect_refused(InferenceService::create(options, std::make_unique<EchoEngine>(asked_), collect, clock, random_),
                 Code::kUnavailable, "attester");
  options.model_name.clear();
  expect_refused(InferenceService::create(options, std::make_unique<EchoEngine>(asked_), collect, clock, random_),
                 Code::kInvalid, "name");
}

TEST_F(Inference, AKeyThatLivesTooLong) {
  InferenceOptions options;
  options.model_name = "vad";
  options.key_life = Duration{kKeyLifeMax.ms + 1};
  expect_refused(
      InferenceService::create(
          options, std::make_unique<EchoEngine>(asked_),
          [this](const attest::Binding& binding) { return collect(binding); }, [this] { return now_; }, random_),
      Code::kInvalid, "hour");
}

TEST(KeyEpochs, AFullMemoryBringsANewKey) {
  DeterministicRandom random(1);
  EpochOptions options;
  options.remembered_max = 4;
  const auto epochs = value_of(KeyEpochs::create(
      options, [](const attest::Binding&) { return attest::EvidenceSet{{attest::Kind::kTpm, {{"quote", {1}}}}, {}}; }));
  ASSERT_TRUE(epochs->refresh(kNow, random).ok());
  const auto first = epochs->newest(kNow);
  for (std::uint8_t i = 0; i < 4; ++i) EXPECT_TRUE(first->remember(Bytes{i}).ok());
  expect_refused(first->remember(Bytes{0}), Code::kExists, "before");
  expect_refused(first->remember(Bytes{9}), Code::kUnavailable, "all that it may");
  ASSERT_TRUE(epochs->refresh(kNow, random).ok());
  EXPECT_NE(epochs->newest(kNow), first);
  EXPECT_EQ(epochs->find(first->key().id, kNow), first);
  EXPECT_EQ(epochs->find(99, kNow), nullptr);
}

}  // namespace
}  // namespace cloister::worker
