#include "home/inference_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "base/base64.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"
#include "tests/support/simulated_software.h"
#include "worker/inference/inference_service.h"

namespace cloister::home {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::expect_refused;
using cloister::testing::SimulatedSoftware;
using cloister::testing::value_of;

constexpr Time kNow = SimulatedSoftware::kNow;

class EchoEngine final : public worker::Engine {
 public:
  Status load(ByteView) override { return {}; }
  Result<worker::EngineAnswer> infer(const worker::Question& question) override {
    worker::EngineAnswer answer{200, "text/plain", net::to_buffer("you said ")};
    net::append(answer.content, question.content);
    return answer;
  }
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

// One worker, with an attester of its own.
struct Worker {
  explicit Worker(std::uint64_t seed) : random(seed) {
    manifest.name = "vad";
    manifest.role = "infer";
    manifest.model = crypto::sha256(as_bytes("model"));
  }
  void start() {
    worker::InferenceOptions options;
    options.model_name = "vad";
    options.manifest = to_bytes(as_bytes(attest::write_workload_manifest(manifest)));
    options.model = model;
    options.tenants = {{"acme", crypto::sha256(as_bytes("token"))}};
    service = value_of(worker::InferenceService::create(
        options, std::make_unique<EchoEngine>(),
        [this](const attest::Binding& binding) {
          SimulatedSoftware& said = software;
          said.statement.manifest = binding.manifest;
          const Bytes report = attest::report_data(binding);
          std::ranges::copy(report, said.statement.report_data.begin());
          return Result<attest::EvidenceSet>(attest::EvidenceSet{said.evidence(), {}});
        },
        [] { return kNow; }, random));
  }
  net::Response call(net::Request request) {
    WaitingAnswer waiting;
    auto response = service->handle(request, waiting);
    return response ? std::move(*response) : waiting.get();
  }

  DeterministicRandom random;
  SimulatedSoftware software;
  attest::WorkloadManifest manifest;
  std::optional<crypto::Sha256Digest> model = crypto::sha256(as_bytes("model"));
  std::shared_ptr<worker::InferenceService> service;
};

// What lies between: hands on, or changes what it will.
class Between final : public kms::HttpTransport {
 public:
  using Change = std::function<void(net::Request&, net::Response*)>;
  Between(Worker& worker, int& sent, Change change) : worker_(&worker), sent_(&sent), change_(std::move(change)) {}
  Result<net::Response> send(const net::Request& request, Duration) override {
    net::Request changed = request;
    if (change_) change_(changed, nullptr);
    if (changed.method == "POST") ++*sent_;
    net::Response response = worker_->call(changed);
    if (change_) change_(changed, &response);
    return response;
  }

 private:
  Worker* worker_;
  int* sent_;
  Change change_;
};

class Asking : public ::testing::Test {
 protected:
  std::unique_ptr<InferenceClient> client(Between::Change change = nullptr) {
    if (worker_.service == nullptr) worker_.start();
    return InferenceClient::over(std::make_unique<Between>(worker_, sent_, std::move(change)), "worker");
  }
  std::string policy(std::string_view assurance = "insecure_software", std::string manifest = "any") const {
    const auto key = to_hex(attest::software_key_fingerprint(worker_.software.key.public_key()));
    return "version = 1\nid = \"workers\"\nnot_after = \"never\"\ninsecure_software_keys = [\"" + key +
           "\"]\n[[release]]\nname = \"vad\"\ntenant = \"acme\"\nenvironment = \"none\"\ndataset = \"prompts\"\n"
           "purpose = \"infer\"\nrole = \"infer\"\nmanifest = \"" +
           manifest + "\"\nassurance = \"" + std::string(assurance) +
           "\"\nplatform = \"insecure_software\"\nproduct = \"any\"\nchip = \"any\"\nmeasurement = \"" +
           to_hex(Bytes(32, 1)) + "\"\nlease_seconds = 3600\n";
  }
  WorkerExpectation expectation(const std::string& text) const {
    return {value_of(policy::load_attestation_policy(text)), "acme", "", "prompts", {}, {}};
  }
  Result<WorkerAnswer> ask(InferenceClient& client, const VerifiedWorker& worker) {
    return client.ask(worker, {"vad", "token", "text/plain", to_bytes(as_bytes("hello"))}, kNow, random_, seconds(1));
  }
  Result<WorkerAnswer> ask(InferenceClient& client) {
    CLOISTER_TRY(const VerifiedWorker worker, client.verify(expectation(policy()), kNow, seconds(1)));
    return ask(client, worker);
  }
  // The response to a question, changed.
  auto changing(std::function<void(net::Buffer&)> change) {
    return [change](net::Request& request, net::Response* response) {
      if (response != nullptr && request.method == "POST") change(response->body);
    };
  }

  Worker worker_{1};
  DeterministicRandom random_{9};
  int sent_ = 0;
};

TEST_F(Asking, AVerifiedWorkerAnswers) {
  const auto client = this->client();
  const WorkerAnswer answer = value_of(ask(*client));
  EXPECT_EQ(answer.response.status, 200U);
  EXPECT_EQ(as_text(answer.response.body), "you said hello");
  EXPECT_EQ(answer.receipt.model, worker_.model);
  EXPECT_EQ(answer.receipt.sequence, 1U);
}

TEST_F(Asking, AWorkerThatThePolicyDoesNotAllowIsNotAsked) {
  const auto client = this->client();
  expect_refused(client->verify(expectation(policy("hardware")), kNow, seconds(1)), Code::kDenied, "policy");
  expect_refused(client->verify(expectation(policy("insecure_software", std::string(64, '2'))), kNow, seconds(1)),
                 Code::kDenied, "policy");
  WorkerExpectation other = expectation(policy());
  other.dataset = "other";
  expect_refused(client->verify(other, kNow, seconds(1)), Code::kDenied, "policy");
  expect_refused(client->verify({{}, "acme", "", "prompts", {}, {}}, kNow, seconds(1)), Code::kDenied, "policy");
  EXPECT_EQ(sent_, 0);
}

TEST_F(Asking, AManifestOfAnotherRoleIsNotAsked) {
  worker_.manifest.role = "train";
  expect_refused(client()->verify(expectation(policy()), kNow, seconds(1)), Code::kDenied, "manifest isn't");
  EXPECT_EQ(sent_, 0);
}

TEST_F(Asking, DebugIsNotAsked) {
  worker_.software.statement.debug = true;
  expect_refused(client()->verify(expectation(policy()), kNow, seconds(1)), Code::kDenied, "policy");
}

TEST_F(Asking, AnyByteOfTheBundleChanged) {
  worker_.start();
  const std::size_t size = worker_.call({"GET", "/v1/bundle", {}, {}, nullptr}).body.size();
  for (std::size_t at = 0; at < size; ++at) {
    const auto client = this->client([at](net::Request& request, net::Response* response) {
      if (response != nullptr && request.method == "GET") response->body[at] ^= 1;
    });
    EXPECT_FALSE(client->verify(expectation(policy()), kNow, seconds(1)).ok()) << "byte " << at;
  }
}

TEST_F(Asking, GenuineEvidenceOfAnotherWorker) {
  Worker other{2};
  other.start();
  const auto client = this->client([&](net::Request& request, net::Response* response) {
    if (response == nullptr || request.method != "GET") return;
    // The other's key, with this one's evidence.
    auto mine = value_of(attest::decode_worker_bundle(response->body));
    const auto theirs = value_of(attest::decode_worker_bundle(other.call(request).body));
    mine.key_configuration = theirs.key_configuration;
    const Bytes bytes = attest::encode(mine);
    response->body.assign(bytes.begin(), bytes.end());
  });
  expect_refused(client->verify(expectation(policy()), kNow, seconds(1)), Code::kDenied, "policy");
}

TEST_F(Asking, AnEndedBundle) {
  const auto client = this->client();
  expect_refused(client->verify(expectation(policy()), kNow + hours(1), seconds(1)), Code::kExpired, "until");
  const VerifiedWorker worker = value_of(client->verify(expectation(policy()), kNow, seconds(1)));
  expect_refused(client->ask(worker, {}, kNow + hours(1), random_, seconds(1)), Code::kExpired, "until");
  EXPECT_EQ(sent_, 0);
}

TEST_F(Asking, NoBundle) {
  const auto client = this->client([](net::Request&, net::Response* response) {
    if (response != nullptr) response->status = 503;
  });
  expect_refused(client->verify(expectation(policy()), kNow, seconds(1)), Code::kUnavailable, "bundle");
}

TEST_F(Asking, AnAnswerCutOrChangedAnywhere) {
  std::size_t size = 0;
  ASSERT_TRUE(ask(*client(changing([&](net::Buffer& body) { size = body.size(); }))).ok());
  for (std::size_t at = 0; at < size; at += 7) {
    const auto cut = client(changing([at](net::Buffer& body) { body.resize(at); }));
    expect_refused(ask(*cut), Code::kCorrupt, "answer");
    const auto changed = client(changing([at](net::Buffer& body) { body[at] ^= 1; }));
    expect_refused(ask(*changed), Code::kCorrupt, "answer");
  }
}

TEST_F(Asking, AnotherQuestionsAnswer) {
  net::Buffer first;
  const auto client = this->client(changing([&](net::Buffer& body) {
    if (first.empty()) {
      first = body;
    } else {
      body = first;
    }
  }));
  ASSERT_TRUE(ask(*client).ok());
  expect_refused(ask(*client), Code::kCorrupt, "answer");
}

TEST_F(Asking, AReceiptForAnotherModel) {
  worker_.model = crypto::sha256(as_bytes("other"));
  const auto client = this->client();
  expect_refused(ask(*client), Code::kCorrupt, "another model");
}

TEST_F(Asking, WhatWasKeptProvesTheAnswerLater) {
  const auto client = this->client();
  const VerifiedWorker asked = value_of(client->verify(expectation(policy()), kNow, seconds(1)));
  const WorkerAnswer answer = value_of(ask(*client, asked));
  const Bytes bundle = attest::encode(asked.bundle());
  const VerifiedWorker worker = value_of(InferenceClient::judge(bundle, expectation(policy()), answer.receipt.time));
  EXPECT_EQ(value_of(check_receipt(worker, answer.receipt_bytes, answer.sealed_request, answer.sealed_response)),
            answer.receipt);
  expect_refused(check_receipt(worker, answer.receipt_bytes, answer.sealed_response, answer.sealed_response),
                 Code::kCorrupt, "another request");
  expect_refused(check_receipt(worker, answer.receipt_bytes, answer.sealed_request, answer.sealed_request),
                 Code::kCorrupt, "another answer");
  Worker other{2};
  other.start();
  const net::Response theirs = other.call({"GET", "/v1/bundle", {}, {}, nullptr});
  const VerifiedWorker stranger = value_of(InferenceClient::judge(theirs.body, expectation(policy()), kNow));
  expect_refused(check_receipt(stranger, answer.receipt_bytes, answer.sealed_request, answer.sealed_response),
                 Code::kCorrupt, "receipt");
}

TEST_F(Asking, AKeyThatIsGone) {
  const auto client = this->client([](net::Request& request, net::Response* response) {
    if (response == nullptr && request.method == "POST") request.body[0] ^= 1;
  });
  expect_refused(ask(*client), Code::kExpired, "key");
}

TEST_F(Asking, AnUnsealedRefusalIsNoAnswer) {
  const auto client = this->client([](net::Request& request, net::Response* response) {
    if (response == nullptr || request.method != "POST") return;
    *response = {200, {}, net::to_buffer("you said hello"), {}};
  });
  expect_refused(ask(*client), Code::kCorrupt, "answer");
}

TEST_F(Asking, AWrongTokenIsTheWorkersAnswer) {
  const auto client = this->client();
  const VerifiedWorker worker = value_of(client->verify(expectation(policy()), kNow, seconds(1)));
  const WorkerAnswer answer = value_of(client->ask(worker, {"vad", "other", "", {}}, kNow, random_, seconds(1)));
  EXPECT_EQ(answer.response.status, 401U);
}

TEST(InferenceClient, AddressesThatAreNone) {
  EXPECT_FALSE(InferenceClient::create("gateway.example", {}).ok());
  EXPECT_FALSE(InferenceClient::create("http://192.0.2.1:80", {}).ok()) << "plain http leaves this machine";
  EXPECT_TRUE(InferenceClient::create("http://127.0.0.1:8080", {}).ok());
  EXPECT_TRUE(InferenceClient::create("unix:/run/worker.sock", {}).ok());
}

}  // namespace
}  // namespace cloister::home
