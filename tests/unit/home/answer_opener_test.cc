// A streamed answer, and everything that what lies between can do to it: nothing that isn't authentic is handed out,
// and nothing that isn't whole passes for an answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "base/reader.h"
#include "home/inference_client.h"
#include "net/varint.h"
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
constexpr std::size_t kNonce = 16;

// Answers in four pieces, or whole.
class PieceEngine final : public worker::Engine {
 public:
  Status load(ByteView) override { return {}; }
  Result<worker::EngineAnswer> infer(const worker::Question&) override {
    return worker::EngineAnswer{200, "text/plain", net::to_buffer("all of it")};
  }
  Status stream(const worker::Question& question, net::BodySink& sink) override {
    if (as_text(question.content) == "whole") return Engine::stream(question, sink);
    CLOISTER_RETURN_IF_ERROR(sink.begin({200, {{"content-type", "text/plain"}}, {}, {}}));
    for (const std::string_view piece : {"one ", "two ", "three ", "four"}) {
      CLOISTER_RETURN_IF_ERROR(sink.take(as_bytes(piece)));
    }
    return {};
  }
};

// Takes an answer in either way, in memory.
class Carrier final : public net::Deferral {
 public:
  net::Answer take() override {
    return net::Answer(
        [this](net::Response response) {
          response_ = std::move(response);
          done_.set_value();
        },
        [this](net::Response head) {
          response_ = std::move(head);
          return std::make_shared<net::BodyFlow>([this](net::Push push) {
            net::append(response_.body, push.bytes);
            if (push.trailers || push.cut) done_.set_value();
            return true;  // far less than the window comes
          });
        });
  }
  net::Response get() {
    done_.get_future().wait();
    return std::move(response_);
  }

 private:
  net::Response response_;
  std::promise<void> done_;
};

// The worker and what lies between: it may do with the sealed chunks what it will.
class Between final : public kms::HttpTransport {
 public:
  using Change = std::function<void(std::vector<net::Buffer>& chunks)>;
  Between(worker::InferenceService& service, Change change) : service_(service), change_(std::move(change)) {}
  Result<net::Response> send(const net::Request& request, Duration) override {
    net::Request copy = request;
    Carrier carrier;
    auto response = service_.handle(copy, carrier);
    return response ? std::move(*response) : carrier.get();
  }
  Result<net::Response> stream(const net::Request& request, net::BodySink& sink, Duration patience) override {
    CLOISTER_TRY(net::Response response, send(request, patience));
    const net::Buffer body = std::exchange(response.body, {});
    CLOISTER_RETURN_IF_ERROR(sink.begin(response));
    std::vector<net::Buffer> chunks = cut(body);
    if (change_) change_(chunks);
    for (const net::Buffer& chunk : chunks) {
      if (!chunk.empty()) CLOISTER_RETURN_IF_ERROR(sink.take(chunk));
    }
    return response;
  }
  // The nonce, and then each chunk with its length.
  static std::vector<net::Buffer> cut(ByteView body) {
    std::vector<net::Buffer> chunks(1, net::Buffer(body.begin(), body.begin() + kNonce));
    Reader reader(body.subspan(kNonce));
    while (!reader.at_end()) {
      const std::size_t begins = kNonce + reader.offset();
      const auto size = static_cast<std::size_t>(value_of(net::read_varint(reader, "chunk")));
      value_of(reader.bytes(size == 0 ? reader.remaining() : size, "chunk"));
      chunks.emplace_back(body.begin() + static_cast<std::ptrdiff_t>(begins),
                          body.begin() + static_cast<std::ptrdiff_t>(kNonce + reader.offset()));
    }
    return chunks;
  }

 private:
  worker::InferenceService& service_;
  Change change_;
};

class Shown final : public net::BodySink {
 public:
  Status begin(const net::Response& head) override {
    status = head.status;
    return {};
  }
  Status take(ByteView piece) override {
    pieces.emplace_back(as_text(piece));
    text += as_text(piece);
    return {};
  }
  unsigned status = 0;
  std::vector<std::string> pieces;
  std::string text;
};

class StreamedAsking : public ::testing::Test {
 protected:
  void SetUp() override {
    attest::WorkloadManifest manifest;
    manifest.name = "llm";
    manifest.role = "infer";
    worker::InferenceOptions options;
    options.model_name = "llm";
    options.manifest = to_bytes(as_bytes(attest::write_workload_manifest(manifest)));
    options.tenants = {{"acme", crypto::sha256(as_bytes("token"))}};
    options.policy = "workers-7";
    service_ = value_of(worker::InferenceService::create(
        options, std::make_unique<PieceEngine>(),
        [this](const attest::Binding& binding) {
          software_.statement.manifest = binding.manifest;
          const Bytes report = attest::report_data(binding);
          std::ranges::copy(report, software_.statement.report_data.begin());
          return Result<attest::EvidenceSet>(attest::EvidenceSet{software_.evidence(), {}});
        },
        [] { return kNow; }, random_));
  }
  WorkerExpectation expectation() const {
    const auto key = to_hex(attest::software_key_fingerprint(software_.key.public_key()));
    const std::string policy =
        "version = 1\nid = \"workers\"\nnot_after = \"never\"\ninsecure_software_keys = [\"" + key +
        "\"]\n[[release]]\nname = \"llm\"\ntenant = \"acme\"\nenvironment = \"none\"\ndataset = \"prompts\"\n"
        "purpose = \"infer\"\nrole = \"infer\"\nmanifest = \"any\"\nassurance = \"insecure_software\"\n"
        "platform = \"insecure_software\"\nproduct = \"any\"\nchip = \"any\"\nmeasurement = \"" +
        to_hex(Bytes(32, 1)) + "\"\nlease_seconds = 3600\n";
    return {value_of(policy::load_attestation_policy(policy)), "acme", "", "prompts", {}, {}};
  }
  Result<WorkerAnswer> ask(Shown& shown, Between::Change change = nullptr, std::string_view question = "hello",
                           const std::string& token = "token", KeepSealed keep = KeepSealed::kNo) {
    const auto client = InferenceClient::over(std::make_unique<Between>(*service_, std::move(change)), "worker");
    CLOISTER_TRY(const VerifiedWorker worker, client->verify(expectation(), kNow, seconds(1)));
    verified_.emplace(worker);
    return client->ask_streaming(worker, {"llm", token, "text/plain", to_bytes(as_bytes(question))},
                                 {kNow, &random_, seconds(1), keep}, shown);
  }
  // What was shown before it was refused.
  std::string refused(Between::Change change, Code code = Code::kCorrupt) {
    Shown shown;
    expect_refused(ask(shown, std::move(change)), code, "");
    return shown.text;
  }

  DeterministicRandom random_{1};
  SimulatedSoftware software_;
  std::shared_ptr<worker::InferenceService> service_;
  std::optional<VerifiedWorker> verified_;
};

TEST_F(StreamedAsking, PiecesComeOneByOne) {
  Shown shown;
  const WorkerAnswer answer = value_of(ask(shown));
  EXPECT_EQ(shown.status, 200U);
  EXPECT_EQ(shown.pieces, (std::vector<std::string>{"one ", "two ", "three ", "four"}));
  EXPECT_TRUE(answer.response.body.empty());
  EXPECT_EQ(answer.receipt.policy, "workers-7");
  EXPECT_TRUE(answer.sealed_response.empty());
}

TEST_F(StreamedAsking, WhatWasKeptProvesItLater) {
  Shown shown;
  const WorkerAnswer answer = value_of(ask(shown, nullptr, "hello", "token", KeepSealed::kYes));
  EXPECT_EQ(value_of(check_receipt(*verified_, answer.receipt_bytes, answer.sealed_request, answer.sealed_response)),
            answer.receipt);
  Bytes changed = answer.sealed_response;
  changed.back() ^= 1;
  expect_refused(check_receipt(*verified_, answer.receipt_bytes, answer.sealed_request, changed), Code::kCorrupt,
                 "another answer");
}

TEST_F(StreamedAsking, EngineWithWholeAnswers) {
  Shown shown;
  ASSERT_TRUE(ask(shown, nullptr, "whole").ok());
  EXPECT_EQ(shown.pieces, std::vector<std::string>{"all of it"});
}

TEST_F(StreamedAsking, RefusalIsWhole) {
  Shown shown;
  const WorkerAnswer answer = value_of(ask(shown, nullptr, "hello", "other"));
  EXPECT_EQ(answer.response.status, 401U);
  EXPECT_EQ(shown.status, 401U);
}

// Chunks: the nonce, the head, four pieces, the last.
TEST_F(StreamedAsking, TruncatedAtEveryChunk) {
  const std::vector<std::string> shown = {"", "", "", "one ", "one two ", "one two three ", "one two three four"};
  for (std::size_t count = 0; count < 7; ++count) {
    EXPECT_EQ(refused([count](std::vector<net::Buffer>& chunks) {
                ASSERT_EQ(chunks.size(), 7U);
                chunks.resize(count);
              }),
              shown[count])
        << count;
  }
}

TEST_F(StreamedAsking, TruncatedWithinAnyChunk) {
  for (std::size_t chunk = 1; chunk < 7; ++chunk) {
    for (const std::size_t left : {std::size_t{1}, std::size_t{10}, std::size_t{60}}) {
      refused([=](std::vector<net::Buffer>& chunks) {
        chunks.resize(chunk + 1);
        chunks.back().resize(std::min(left, chunks.back().size() - 1));
      });
    }
  }
}

TEST_F(StreamedAsking, FinalChunkDroppedOrMadeOfAnother) {
  EXPECT_EQ(refused([](std::vector<net::Buffer>& chunks) { chunks.pop_back(); }), "one two three four");
  EXPECT_EQ(refused([](std::vector<net::Buffer>& chunks) {
              // A piece in its place, as if it were the last.
              chunks.pop_back();
              const std::size_t length = 2;
              chunks.back().erase(chunks.back().begin(), chunks.back().begin() + length);
              chunks.back().insert(chunks.back().begin(), 0);
            }),
            "one two three ");
}

TEST_F(StreamedAsking, ReorderedDuplicatedOrDroppedChunks) {
  EXPECT_EQ(refused([](std::vector<net::Buffer>& chunks) { std::swap(chunks[3], chunks[4]); }), "one ");
  EXPECT_EQ(refused([](std::vector<net::Buffer>& chunks) { chunks.insert(chunks.begin() + 3, chunks[2]); }), "one ");
  EXPECT_EQ(refused([](std::vector<net::Buffer>& chunks) { chunks.erase(chunks.begin() + 3); }), "one ");
  EXPECT_EQ(refused([](std::vector<net::Buffer>& chunks) { chunks.erase(chunks.begin() + 1); }), "");
}

TEST_F(StreamedAsking, SplicedFromAnotherAnswer) {
  std::vector<net::Buffer> other;
  Shown shown;
  ASSERT_TRUE(ask(shown, [&other](std::vector<net::Buffer>& chunks) { other = chunks; }).ok());
  for (std::size_t at = 1; at < 7; ++at) {
    const std::string seen = refused([&](std::vector<net::Buffer>& chunks) { chunks[at] = other[at]; });
    EXPECT_TRUE(std::string_view("one two three four").starts_with(seen)) << at;
    refused([&](std::vector<net::Buffer>& chunks) {
      std::copy(other.begin() + static_cast<std::ptrdiff_t>(at), other.end(),
                chunks.begin() + static_cast<std::ptrdiff_t>(at));
    });
  }
  EXPECT_EQ(refused([&](std::vector<net::Buffer>& chunks) { chunks = other; }), "") << "all of it";
}

TEST_F(StreamedAsking, AnyByteChanged) {
  for (std::size_t chunk = 0; chunk < 7; ++chunk) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{15}}) {
      const std::string seen = refused([=](std::vector<net::Buffer>& chunks) { chunks[chunk][at] ^= 1; });
      EXPECT_TRUE(std::string_view("one two three four").starts_with(seen));
      EXPECT_LE(seen.size(), chunk < 3 ? 0 : chunk * 6) << "nothing of what follows";
    }
  }
}

TEST_F(StreamedAsking, SomethingAfterTheEnd) {
  EXPECT_EQ(refused([](std::vector<net::Buffer>& chunks) { chunks.back().push_back(0); }), "one two three four");
}

TEST_F(StreamedAsking, UnsealedAnswers) {
  EXPECT_EQ(
      refused([](std::vector<net::Buffer>& chunks) { chunks = {net::to_buffer("data: one two three four\n\n")}; }), "");
}

TEST_F(StreamedAsking, ReaderThatStops) {
  struct Refusing final : net::BodySink {
    explicit Refusing(Error why) : error(std::move(why)) {}
    Status begin(const net::Response&) override { return {}; }
    Status take(ByteView) override { return error; }
    Error error;
  };
  const auto client = InferenceClient::over(std::make_unique<Between>(*service_, nullptr), "worker");
  const VerifiedWorker worker = value_of(client->verify(expectation(), kNow, seconds(1)));
  const auto asked = [&](net::BodySink& sink) {
    return client->ask_streaming(worker, {"llm", "token", "text/plain", {}}, {kNow, &random_, seconds(1)}, sink);
  };
  Refusing full(Error(Code::kInternal, "the disk is full"));
  expect_refused(asked(full), Code::kInternal, "disk is full");
  // As a terminal does: the worker's answer is what it should be.
  Refusing terminal(Error(Code::kInvalid, "the content is binary"));
  const auto answer = asked(terminal);
  expect_refused(answer, Code::kInvalid, "the content is binary");
  EXPECT_EQ(answer.error().message().find("broke off"), std::string::npos);
}

// Answers that no worker of ours gives: sealed by the test itself.
class ForeignAnswer : public ::testing::Test {
 protected:
  ForeignAnswer() {
    sender_.seal(as_bytes("question"), net::Last::kYes, request_);
    auto receiver = value_of(net::OhttpReceiver::create(key_, private_key_, net::OhttpForm::kChunked, request_));
    value_of(receiver.open(100));
    responder_.emplace(receiver.respond(random_));
  }
  net::Buffer sealed(ByteView plaintext) {
    net::Buffer out;
    responder_->seal(plaintext, net::Last::kNo, out);
    return out;
  }

  DeterministicRandom random_{1};
  const crypto::HpkePrivateKey private_key_ = crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, random_);
  const net::OhttpKey key_{3, private_key_.public_key(), {crypto::HpkeAead::kAes128Gcm}};
  net::OhttpSender sender_ = value_of(net::OhttpSender::create(key_, net::OhttpForm::kChunked, random_));
  net::Buffer request_;
  std::optional<net::OhttpResponder> responder_;
  Shown shown_;
};

TEST_F(ForeignAnswer, UnknownContentCoding) {
  AnswerOpener opener(sender_, KeepSealed::kNo, shown_);
  ASSERT_TRUE(opener.begin({200, {}, {}, {}}).ok());
  const net::Response head{200, {{"content-encoding", "gzip"}}, {}, {}};
  expect_refused(opener.take(sealed(net::encode_binary_stream_head(head))), Code::kUnsupported, "content coding");
  EXPECT_EQ(shown_.status, 0U) << "nothing is handed on";
}

TEST_F(ForeignAnswer, MoreThanIsKept) {
  AnswerOpener opener(sender_, KeepSealed::kYes, shown_);
  ASSERT_TRUE(opener.begin({200, {}, {}, {}}).ok());
  expect_refused(opener.take(net::Buffer(kAnswerMax + 1)), Code::kCorrupt, "longer than is taken");
}

TEST_F(ForeignAnswer, WholeAndTooLong) {
  AnswerOpener opener(sender_, KeepSealed::kNo, shown_);
  ASSERT_TRUE(opener.begin({200, {}, {}, {}}).ok());
  const net::Buffer chunk(net::kOhttpChunkMax, 1);  // the first byte: of known length
  for (std::size_t size = 0; size < kAnswerMax; size += chunk.size()) ASSERT_TRUE(opener.take(sealed(chunk)).ok());
  expect_refused(opener.take(sealed(chunk)), Code::kCorrupt, "longer than is taken");
}

}  // namespace
}  // namespace cloister::home
