// The face of an inference worker: gives out its bundle, takes sealed requests, asks the engine, and seals the answers
// with a receipt at their end. Plaintext exists in this process alone. docs/inference.md.
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>

#include "attest/inference_receipt.h"
#include "net/binary_http.h"
#include "net/handler.h"
#include "net/ohttp.h"
#include "worker/inference/engine.h"
#include "worker/inference/key_epochs.h"
#include "worker/inference/tenant_tokens.h"
#include "worker/inference/work_queue.h"

namespace cloister::worker {

using Clock = std::function<Time()>;

inline constexpr std::string_view kBundlePath = "/v1/bundle";
inline constexpr std::string_view kInferencePath = "/v1/inference";
inline constexpr std::string_view kBundleType = "application/vnd.cloister.worker-bundle";
inline constexpr std::string_view kReceiptField = "cloister-receipt";  // in the trailers, base64url

struct InferenceOptions {
  std::string model_name;                     // questions are posted to /v2/models/NAME/infer
  Bytes manifest;                             // the workload manifest's bytes
  std::optional<crypto::Sha256Digest> model;  // of the model's plaintext
  std::string policy;                         // id of that under which its key was released; may be empty
  std::vector<TenantToken> tenants;
  Duration key_life = kKeyLifeMax;
  Duration date_window = minutes(5);  // how far a request's date may be from ours
  unsigned threads = 1;
  std::size_t waiting_max = 256;
  net::BinaryHttpLimits limits;
};

// Counted, never logged: nothing here speaks of what was asked.
struct InferenceCounts {
  std::uint64_t answered = 0;  // by the engine
  std::uint64_t refused_unknown_key = 0;
  std::uint64_t refused_unreadable = 0;
  std::uint64_t refused_replayed = 0;
  std::uint64_t refused_date = 0;
  std::uint64_t refused_tenant = 0;
  std::uint64_t refused_busy = 0;
  std::uint64_t cut = 0;  // streams that ended before their end: whoever asked had gone, or the engine
};

class InferenceService final : public net::Handler {
 public:
  // The engine has its model. The receipts' key is made here and lives as long as this. Collects evidence once, so that
  // there is something to show. All arguments but the options outlive it.
  static Result<std::shared_ptr<InferenceService>> create(InferenceOptions options, std::unique_ptr<Engine> engine,
                                                          CollectEvidence collect, Clock clock, crypto::Random& random);

  std::optional<net::Response> handle(net::Request& request, net::Deferral& later) override;
  // KeyEpochs::refresh(): to be called every minute or so, by one thread.
  Status refresh();
  // refresh() for a thread that may outlast this: it holds the keys for requests, no model.
  std::function<Status()> refresher() const;
  InferenceCounts counts() const;
  // From then on every question is refused. Any thread; before the first call there is no end.
  void answer_until(Time end) { answers_until_ms_ = end.unix_ms; }
  // After a renewal: receipts name that policy from then on. Any thread.
  void released_under(std::string policy);

 private:
  struct Counters {
    std::atomic<std::uint64_t> answered{0}, unknown_key{0}, unreadable{0}, replayed{0}, date{0}, tenant{0}, busy{0},
        cut{0};
  };

  InferenceService(InferenceOptions options, std::unique_ptr<Engine> engine, std::unique_ptr<KeyEpochs> epochs,
                   crypto::SigningKey receipt_key, Clock clock, crypto::Random& random);
  // A question and what its answer needs.
  struct Asked {
    KeyEpoch& epoch;
    const net::OhttpReceiver& receiver;
    ByteView sealed;
  };
  // What is to be sent; nothing when `waiting` has had its answer piece by piece.
  std::optional<net::Response> answer(const net::Buffer& sealed, net::Answer& waiting);
  std::optional<net::Response> answer_opened(const Asked& asked, ByteView inner, net::Answer& waiting);
  // What is answered in place of the engine; nothing when that is to be asked.
  std::optional<net::Response> refusal(const net::BinaryRequest& request, Time now);
  net::Response ask_engine(const net::BinaryRequest& request);
  net::Response seal(net::Response inner, const Asked& asked);
  void stream(const net::BinaryRequest& request, const Asked& asked, net::Answer& waiting);
  // The field that ends an answer whose sealed bytes have that digest.
  net::Headers receipt_for(const Asked& asked, const crypto::Sha256Digest& response);

  std::atomic<std::int64_t> answers_until_ms_{std::numeric_limits<std::int64_t>::max()};
  const InferenceOptions options_;
  const TenantTokens tenants_;
  const std::string question_path_;
  const crypto::Sha256Digest manifest_;
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<KeyEpochs> epochs_;  // and refresher()'s
  const crypto::SigningKey receipt_key_;
  const Clock clock_;
  crypto::Random* const random_;
  Counters counters_;

  std::mutex receipts_;
  std::string policy_;
  std::uint64_t receipt_count_ = 0;
  crypto::Sha256Digest last_receipt_{};

  WorkQueue queue_;  // last: its threads use all of the above
};

}  // namespace cloister::worker
