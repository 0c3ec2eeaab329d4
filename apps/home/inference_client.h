// Asking an inference worker: its bundle is fetched and judged first, and only what was judged good can be asked.
// Nothing leaves unsealed. docs/inference.md.
#pragma once

#include <memory>

#include "attest/collateral.h"
#include "attest/inference_receipt.h"
#include "attest/worker_bundle.h"
#include "attest/workload_manifest.h"
#include "home/answer_opener.h"
#include "kms/http_transport.h"
#include "net/binary_http.h"
#include "net/ohttp.h"
#include "policy/attestation.h"
#include "service/attestation/judgement.h"

namespace cloister::home {

// What is expected of a worker, and on whose behalf it is asked.
struct WorkerExpectation {
  policy::AttestationPolicy policy;
  std::string tenant, environment, dataset;  // whose rule decides
  attest::Collateral collateral;
  attest::Floors floors;
};

// A bundle that was judged good. Made by InferenceClient alone.
class VerifiedWorker {
 public:
  const attest::WorkerBundle& bundle() const { return bundle_; }
  const attest::WorkloadManifest& manifest() const { return manifest_; }
  const service::Judgement& judgement() const { return judgement_; }
  const net::OhttpKey& key() const { return key_; }

 private:
  friend class InferenceClient;
  VerifiedWorker(attest::WorkerBundle bundle, attest::WorkloadManifest manifest, service::Judgement judgement,
                 net::OhttpKey key)
      : bundle_(std::move(bundle)),
        manifest_(std::move(manifest)),
        judgement_(std::move(judgement)),
        key_(std::move(key)) {}
  attest::WorkerBundle bundle_;
  attest::WorkloadManifest manifest_;
  service::Judgement judgement_;
  net::OhttpKey key_;
};

struct WorkerQuestion {
  std::string model;
  std::string token;         // of the tenant
  std::string content_type;  // "application/json"
  Bytes content;
};

struct WorkerAnswer {
  net::Response response;  // the worker's own, opened
  attest::InferenceReceipt receipt;
  // What proves it later: as sent, as it came up to its last chunk, and as signed.
  Bytes sealed_request, sealed_response, receipt_bytes;
};

// kCorrupt unless the receipt is this worker's, for this request and this answer.
Result<attest::InferenceReceipt> check_receipt(const VerifiedWorker& worker, ByteView receipt, ByteView sealed_request,
                                               ByteView sealed_response);

struct AskOptions {
  Time now;
  crypto::Random* random;
  Duration patience;
  KeepSealed keep = KeepSealed::kNo;
};

class InferenceClient {
 public:
  // "unix:/run/cloister/worker.sock", "https://gateway.example", "http://127.0.0.1:8080"; plain http on this machine
  // alone. A socket's server must be this process's user or root.
  static Result<std::unique_ptr<InferenceClient>> create(std::string_view worker, const kms::WebTransportOptions& web);

  // Over a connection of the caller's; `host` is what requests name.
  static std::unique_ptr<InferenceClient> over(std::unique_ptr<kms::HttpTransport> transport, std::string host);

  // kDenied, with the reason, unless everything about the worker is as expected at `now`. kExpired outside the bundle's
  // dates.
  static Result<VerifiedWorker> judge(ByteView bundle, const WorkerExpectation& expectation, Time now);
  // The same for the bundle that it shows. kUnavailable: there is none.
  Result<VerifiedWorker> verify(const WorkerExpectation& expectation, Time now, Duration patience);

  // The worker's refusals are its answers' status. kExpired: it doesn't know that key any more: verify again and ask
  // again. kCorrupt: the answer isn't whole, or has no receipt of this worker's for it: nothing of it is given out.
  Result<WorkerAnswer> ask(const VerifiedWorker& worker, const WorkerQuestion& question, Time now,
                           crypto::Random& random, Duration patience);
  // The same, but the answer's content goes to `sink` as it comes, each piece as soon as it is authentic, behind its
  // status and headers; it isn't in the answer that is returned. A worker whose engine has whole answers alone gives
  // one piece, after its receipt was checked. `patience`: how long nothing may come. An error of `sink` is returned as
  // it is. Whatever error it ends with: what was handed out until then isn't whole, and nobody vouches for it.
  Result<WorkerAnswer> ask_streaming(const VerifiedWorker& worker, const WorkerQuestion& question,
                                     const AskOptions& options, net::BodySink& sink);

 private:
  InferenceClient(std::unique_ptr<kms::HttpTransport> transport, std::string prefix, std::string host)
      : transport_(std::move(transport)), prefix_(std::move(prefix)), host_(std::move(host)) {}
  Result<net::Response> send(std::string method, std::string_view path, net::Headers headers, net::Buffer body,
                             Duration patience);
  net::Request request(std::string method, std::string_view path, net::Headers headers, net::Buffer body) const;

  std::unique_ptr<kms::HttpTransport> transport_;
  std::string prefix_;
  std::string host_;
};

}  // namespace cloister::home
