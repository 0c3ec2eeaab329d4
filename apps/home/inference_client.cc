#include "home/inference_client.h"

#include <unistd.h>

#include "base/base64.h"
#include "net/http_client.h"
#include "net/http_date.h"

namespace cloister::home {
namespace {

constexpr std::string_view kRole = "infer";
constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kPadding = 256;  // sizes of questions are seen in steps of this
constexpr std::size_t kChunkSize = 16 << 10;
constexpr net::OhttpForm kForm = net::OhttpForm::kChunked;

class SocketTransport final : public kms::HttpTransport {
 public:
  explicit SocketTransport(std::unique_ptr<net::HttpClient> client) : client_(std::move(client)) {}
  Result<net::Response> send(const net::Request& request, Duration patience) override {
    CLOISTER_TRY(net::Exchange exchange, client_->send(request, patience));
    return std::move(exchange.response);
  }
  Result<net::Response> stream(const net::Request& request, net::BodySink& sink, Duration patience) override {
    return client_->stream(request, sink, patience);
  }

 private:
  std::unique_ptr<net::HttpClient> client_;
};

Error corrupt(std::string_view what) { return Error(Code::kCorrupt, "the worker's answer: " + std::string(what)); }

net::BinaryRequest request_of(const WorkerQuestion& question, Time now) {
  net::BinaryRequest request;
  request.method = "POST";
  request.scheme = "https";
  request.authority = "worker";
  request.path = "/v2/models/" + question.model + "/infer";
  request.headers = {{"authorization", "Bearer " + question.token},
                     {"date", net::to_http_date(now)},
                     {"content-type", question.content_type}};
  net::append(request.content, question.content);
  return request;
}

net::Buffer seal_all(net::OhttpSender& sender, ByteView plaintext) {
  net::Buffer sealed;
  while (plaintext.size() > kChunkSize) {
    sender.seal(plaintext.first(kChunkSize), net::Last::kNo, sealed);
    plaintext = plaintext.subspan(kChunkSize);
  }
  sender.seal(plaintext, net::Last::kYes, sealed);
  return sealed;
}

Result<Bytes> receipt_in(const net::Response& answer) {
  const std::string* field = answer.trailers.find("cloister-receipt");
  if (field == nullptr) return corrupt("it has no receipt");
  auto bytes = from_base64(*field, Base64::kUrl);
  if (!bytes.ok()) return corrupt("its receipt isn't base64url");
  return bytes;
}

// What was sealed must be what was signed: the request that was sent, the answer that came, by the worker that was
// verified.
Result<attest::InferenceReceipt> check_digests(const VerifiedWorker& worker, ByteView receipt,
                                               const crypto::Sha256Digest& request,
                                               const crypto::Sha256Digest& response) {
  const attest::WorkerBundle& bundle = worker.bundle();
  auto opened = attest::open_receipt(receipt, bundle.receipt_key);
  if (!opened.ok()) return corrupt(opened.error().message());
  if (opened->request != request) return corrupt("its receipt is for another request");
  if (opened->response != response) return corrupt("its receipt is for another answer");
  if (opened->manifest != crypto::sha256(bundle.manifest)) return corrupt("its receipt names another manifest");
  if (opened->model != worker.manifest().model) return corrupt("its receipt names another model");
  if (opened->evidence != attest::evidence_id(bundle.evidence)) return corrupt("its receipt names other evidence");
  return opened;
}

Result<WorkerAnswer> open_answer(const net::OhttpSender& sender, const VerifiedWorker& worker, ByteView request,
                                 ByteView response) {
  auto opened = sender.open(response, kAnswerMax);
  if (!opened.ok()) return corrupt(opened.error().message());
  const net::BinaryHttpLimits limits{.content_bytes = kAnswerMax};
  auto inner = net::parse_binary_response(opened->plaintext, limits);
  if (!inner.ok()) return corrupt(inner.error().message());
  CLOISTER_TRY(Bytes bytes, receipt_in(*inner));
  const ByteView before_last = response.first(opened->last_chunk);
  CLOISTER_TRY(attest::InferenceReceipt receipt, check_receipt(worker, bytes, request, before_last));
  return WorkerAnswer{std::move(inner).value(), std::move(receipt), to_bytes(request), to_bytes(before_last),
                      std::move(bytes)};
}

}  // namespace

Result<attest::InferenceReceipt> check_receipt(const VerifiedWorker& worker, ByteView receipt, ByteView sealed_request,
                                               ByteView sealed_response) {
  return check_digests(worker, receipt, crypto::sha256(sealed_request), crypto::sha256(sealed_response));
}

Result<std::unique_ptr<InferenceClient>> InferenceClient::create(std::string_view worker,
                                                                 const kms::WebTransportOptions& web) {
  std::unique_ptr<kms::HttpTransport> transport;
  if (worker.starts_with(kUnixPrefix)) {
    net::ClientOptions options;
    options.response.body_bytes = kAnswerMax;
    const net::UnixTarget target{Path(worker.substr(kUnixPrefix.size())), ::geteuid()};
    CLOISTER_TRY(auto client, net::HttpClient::create(target, options));
    transport = std::make_unique<SocketTransport>(std::move(client));
    return over(std::move(transport), "worker");
  }
  CLOISTER_TRY(const kms::Endpoint endpoint, kms::parse_endpoint(worker));
  CLOISTER_TRY(transport, kms::web_transport(endpoint, web));
  return std::unique_ptr<InferenceClient>(
      new InferenceClient(std::move(transport), endpoint.path, endpoint.authority()));
}

std::unique_ptr<InferenceClient> InferenceClient::over(std::unique_ptr<kms::HttpTransport> transport,
                                                       std::string host) {
  return std::unique_ptr<InferenceClient>(new InferenceClient(std::move(transport), "", std::move(host)));
}

Result<net::Response> InferenceClient::send(std::string method, std::string_view path, net::Headers headers,
                                            net::Buffer body, Duration patience) {
  return transport_->send(request(std::move(method), path, std::move(headers), std::move(body)), patience);
}

net::Request InferenceClient::request(std::string method, std::string_view path, net::Headers headers,
                                      net::Buffer body) const {
  net::Request made{std::move(method), prefix_ + std::string(path), std::move(headers), std::move(body), nullptr};
  made.headers.add("host", host_);
  return made;
}

Result<VerifiedWorker> InferenceClient::verify(const WorkerExpectation& expectation, Time now, Duration patience) {
  CLOISTER_TRY(net::Response response, send("GET", "/v1/bundle", {}, {}, patience).with_context("fetch the bundle"));
  if (response.status != 200) {
    return Error(Code::kUnavailable, "fetch the bundle: status " + std::to_string(response.status));
  }
  return judge(response.body, expectation, now);
}

Result<VerifiedWorker> InferenceClient::judge(ByteView bytes, const WorkerExpectation& expectation, Time now) {
  CLOISTER_TRY(attest::WorkerBundle bundle, attest::decode_worker_bundle(bytes));
  CLOISTER_RETURN_IF_ERROR(attest::check_dates(bundle, now));
  if (bundle.role != kRole) return Error(Code::kDenied, "the worker isn't there to infer");
  CLOISTER_TRY(attest::WorkloadManifest manifest, attest::parse_workload_manifest(as_text(bundle.manifest)));
  CLOISTER_TRY(net::OhttpKey key, net::parse_ohttp_key(bundle.key_configuration));
  CLOISTER_TRY(attest::Binding binding, attest::bundle_binding(bundle));
  const service::ReleaseCase asked{now,
                                   expectation.tenant,
                                   expectation.environment,
                                   expectation.dataset,
                                   policy::Purpose::kInfer,
                                   std::move(binding),
                                   bundle.manifest,
                                   bundle.evidence,
                                   std::nullopt};
  service::Judgement judgement = service::judge(asked, expectation.policy, &expectation.collateral, expectation.floors);
  if (!judgement.decision.allowed) {
    return Error(Code::kDenied, "the worker isn't what the policy asks for: " + judgement.decision.reason);
  }
  if (manifest.role != kRole) return Error(Code::kDenied, "the worker's manifest isn't one of a worker that infers");
  return VerifiedWorker(std::move(bundle), std::move(manifest), std::move(judgement), std::move(key));
}

Result<WorkerAnswer> InferenceClient::ask(const VerifiedWorker& worker, const WorkerQuestion& question, Time now,
                                          crypto::Random& random, Duration patience) {
  CLOISTER_RETURN_IF_ERROR(attest::check_dates(worker.bundle(), now));
  CLOISTER_TRY(net::OhttpSender sender, net::OhttpSender::create(worker.key(), kForm, random));
  const net::Buffer plaintext = net::encode_binary_request(request_of(question, now), kPadding);
  const net::Buffer sealed = seal_all(sender, plaintext);
  net::Headers headers{{"content-type", std::string(net::ohttp_request_type(kForm))}};
  CLOISTER_TRY(const net::Response response,
               send("POST", "/v1/inference", std::move(headers), sealed, patience).with_context("ask the worker"));
  if (response.status == 422) return Error(Code::kExpired, "the worker doesn't know this key any more");
  if (response.status != 200) {
    return Error(response.status == 503 ? Code::kUnavailable : Code::kInvalid,
                 "ask the worker: status " + std::to_string(response.status));
  }
  return open_answer(sender, worker, sealed, response.body);
}

Result<WorkerAnswer> InferenceClient::ask_streaming(const VerifiedWorker& worker, const WorkerQuestion& question,
                                                    const AskOptions& options, net::BodySink& sink) {
  CLOISTER_RETURN_IF_ERROR(attest::check_dates(worker.bundle(), options.now));
  CLOISTER_TRY(net::OhttpSender sender, net::OhttpSender::create(worker.key(), kForm, *options.random));
  net::BinaryRequest inner = request_of(question, options.now);
  inner.headers.add("accept-encoding", std::string(net::kPaddedCoding));
  const net::Buffer sealed = seal_all(sender, net::encode_binary_request(inner, kPadding));
  net::Headers headers{{"content-type", std::string(net::ohttp_request_type(kForm))}};
  AnswerOpener opener(sender, options.keep, sink);
  const auto carried =
      transport_->stream(request("POST", "/v1/inference", std::move(headers), sealed), opener, options.patience);
  if (!carried.ok()) {
    if (opener.sink_failure()) return *opener.sink_failure();
    const Error& why = carried.error();
    const bool broke_off = opener.has_begun() && why.code() == Code::kInvalid;
    return broke_off ? corrupt("it broke off: " + why.message()) : why.with_context("ask the worker");
  }
  CLOISTER_TRY(net::Response answer, opener.finish());
  CLOISTER_TRY(Bytes receipt_bytes, receipt_in(answer));
  CLOISTER_TRY(attest::InferenceReceipt receipt,
               check_digests(worker, receipt_bytes, crypto::sha256(sealed), opener.sealed_digest()));
  if (const net::Buffer body = std::exchange(answer.body, {}); !opener.in_pieces()) {
    CLOISTER_RETURN_IF_ERROR(sink.begin(answer));
    if (!body.empty()) CLOISTER_RETURN_IF_ERROR(sink.take(body));
  }
  return WorkerAnswer{std::move(answer), std::move(receipt), to_bytes(sealed), opener.take_sealed(),
                      std::move(receipt_bytes)};
}

}  // namespace cloister::home
