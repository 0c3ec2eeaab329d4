#include "worker/inference/inference_service.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "net/http_date.h"
#include "net/varint.h"

namespace cloister::worker {
namespace {

constexpr net::OhttpForm kForm = net::OhttpForm::kChunked;
constexpr std::size_t kChunkSize = 16 << 10;
// Sizes of answers are seen by whoever carries them: in steps of this.
constexpr std::size_t kPadding = 64;
constexpr std::string_view kPaddingField = "padding";
// RFC 9458 5.3 and 6.5.2: problems by which a client knows to get the keys anew, or to look at its clock.
constexpr std::string_view kKeyProblem = "https://iana.org/assignments/http-problem-types#ohttp-key";
constexpr std::string_view kDateProblem = "https://iana.org/assignments/http-problem-types#date";

net::Response problem_of_type(unsigned status, std::string_view type, std::string_view title) {
  net::Response response{status, {{"content-type", "application/problem+json"}}, {}, {}};
  response.body = net::to_buffer("{\"type\":\"");
  net::append(response.body, type);
  net::append(response.body, std::string_view("\",\"title\":\""));
  net::append(response.body, title);
  net::append(response.body, std::string_view("\",\"status\":" + std::to_string(status) + "}"));
  return response;
}

// Fills the head's field of padding until head and content end at a multiple of kPadding.
net::Buffer padded_head(net::Response response) {
  net::Buffer content = std::exchange(response.body, {});
  // What the content adds to a head that is written without it: the length, longer than that of nothing, and itself.
  const std::size_t added = net::varint_size(content.size()) - net::varint_size(0) + content.size();
  const auto padded = [&response](const std::string& zeros) {
    net::Response with = response;
    with.headers.add(std::string(kPaddingField), zeros);
    return with;
  };
  const auto size_with = [&](const std::string& zeros) {
    return net::encode_binary_response_head(padded(zeros)).size() + added;
  };
  std::string zeros((kPadding - size_with("") % kPadding) % kPadding, '0');
  while (size_with(zeros) % kPadding != 0) zeros.push_back('0');  // a longer field may need a longer length before it
  net::Response whole = padded(zeros);
  whole.body = std::move(content);
  return net::encode_binary_response_head(whole);
}

}  // namespace

Result<std::shared_ptr<InferenceService>> InferenceService::create(InferenceOptions options,
                                                                   std::unique_ptr<Engine> engine,
                                                                   CollectEvidence collect, Clock clock,
                                                                   crypto::Random& random) {
  if (options.model_name.empty()) return Error(Code::kInvalid, "an inference worker needs its model's name");
  auto receipt_key = crypto::SigningKey::generate(random);
  EpochOptions epochs;
  epochs.manifest = options.manifest;
  epochs.receipt_key = receipt_key.public_key();
  epochs.life = options.key_life;
  CLOISTER_TRY(auto keys, KeyEpochs::create(std::move(epochs), std::move(collect)));
  std::shared_ptr<InferenceService> service(new InferenceService(std::move(options), std::move(engine), std::move(keys),
                                                                 std::move(receipt_key), std::move(clock), random));
  CLOISTER_RETURN_IF_ERROR(service->refresh());
  return service;
}

InferenceService::InferenceService(InferenceOptions options, std::unique_ptr<Engine> engine,
                                   std::unique_ptr<KeyEpochs> epochs, crypto::SigningKey receipt_key, Clock clock,
                                   crypto::Random& random)
    : options_(std::move(options)),
      tenants_(options_.tenants),
      question_path_("/v2/models/" + options_.model_name + "/infer"),
      manifest_(crypto::sha256(options_.manifest)),
      engine_(std::move(engine)),
      epochs_(std::move(epochs)),
      receipt_key_(std::move(receipt_key)),
      clock_(std::move(clock)),
      random_(&random),
      policy_(options_.policy),
      queue_(options_.threads, options_.waiting_max) {}

void InferenceService::released_under(std::string policy) {
  const std::lock_guard lock(receipts_);
  policy_ = std::move(policy);
}

Status InferenceService::refresh() { return epochs_->refresh(clock_(), *random_); }

std::optional<net::Response> InferenceService::handle(net::Request& request, net::Deferral& later) {
  if (request.path() == kBundlePath) {
    if (request.method != "GET") return net::problem(405);
    const auto epoch = epochs_->newest(clock_());
    if (epoch == nullptr) return net::problem(503, "there is no evidence to show now");
    net::Response response{200, {{"content-type", std::string(kBundleType)}, {"cache-control", "max-age=60"}}, {}, {}};
    net::append(response.body, epoch->bundle());
    return response;
  }
  if (request.path() != kInferencePath) return net::problem(404);
  if (request.method != "POST") return net::problem(405);
  const std::string* type = request.headers.find("content-type");
  if (type == nullptr || *type != net::ohttp_request_type(kForm)) {
    return net::problem(415, "requests are sealed: message/ohttp-chunked-req");
  }
  auto waiting = std::make_shared<net::Answer>(later.take());
  auto sealed = std::make_shared<net::Buffer>(std::move(request.body));
  if (!queue_.submit([this, waiting, sealed] { waiting->send(answer(*sealed)); })) {
    ++counters_.busy;
    waiting->send(net::problem(503, "too many requests wait already"));
  }
  return std::nullopt;
}

net::Response InferenceService::answer(const net::Buffer& sealed) {
  const auto header = net::parse_ohttp_header(sealed);
  const auto epoch = header.ok() ? epochs_->find(header->key_id, clock_()) : nullptr;
  if (epoch == nullptr) {
    ++counters_.unknown_key;
    return problem_of_type(422, kKeyProblem, "the key is unknown, or its time is over");
  }
  auto receiver = net::OhttpReceiver::create(epoch->key(), epoch->private_key(), kForm, sealed);
  if (!receiver.ok()) {
    ++counters_.unknown_key;
    return problem_of_type(422, kKeyProblem, "the key isn't used that way");
  }
  const auto opened = receiver->open(options_.limits.content_bytes + options_.limits.header_bytes);
  if (!opened.ok()) {
    ++counters_.unreadable;
    return net::problem(400, "the request doesn't open");
  }
  return answer_opened(*epoch, *receiver, sealed, opened->plaintext);
}

net::Response InferenceService::answer_opened(KeyEpoch& epoch, const net::OhttpReceiver& receiver, ByteView sealed,
                                              ByteView inner) {
  const auto request = net::parse_binary_request(inner, options_.limits);
  if (!request.ok()) {
    ++counters_.unreadable;
    return seal(net::problem(400, "the sealed request isn't one"), epoch, receiver, sealed);
  }
  if (auto refused = refusal(*request, clock_())) return seal(std::move(*refused), epoch, receiver, sealed);
  // Only what a tenant asks has a place in the memory: nobody else can fill it.
  if (const Status fresh = epoch.remember(receiver.encapsulated()); !fresh.ok()) {
    ++counters_.replayed;
    return fresh.error().code() == Code::kExists ? net::problem(400, "this request was answered before")
                                                 : net::problem(503, "a new key is due");
  }
  return seal(ask_engine(*request), epoch, receiver, sealed);
}

std::optional<net::Response> InferenceService::refusal(const net::BinaryRequest& request, Time now) {
  const std::string* date = request.headers.find("date");
  const auto told = date == nullptr ? Result<Time>(Error(Code::kInvalid, "")) : net::parse_http_date(*date);
  const std::int64_t window = options_.date_window.ms;
  if (!told.ok() || told->unix_ms < now.unix_ms - window || told->unix_ms > now.unix_ms + window) {
    ++counters_.date;
    return problem_of_type(400, kDateProblem, "the request's date is missing or too far from now");
  }
  const std::string* token = request.headers.find("authorization");
  if (token == nullptr || tenants_.tenant_of(*token) == nullptr) {
    ++counters_.tenant;
    return net::problem(401, "no tenant has this token");
  }
  if (now.unix_ms >= answers_until_ms_) return net::problem(503, "this worker may not use the model any more");
  if (request.path != question_path_) return net::problem(404);
  if (request.method != "POST") return net::problem(405);
  return std::nullopt;
}

net::Response InferenceService::ask_engine(const net::BinaryRequest& request) {
  const std::string* type = request.headers.find("content-type");
  auto answer = engine_->infer({type == nullptr ? std::string_view() : std::string_view(*type), request.content});
  if (!answer.ok()) return net::problem(net::http_status(answer.error().code()), answer.error().message());
  ++counters_.answered;
  net::Response response{answer->status, {}, std::move(answer->content), {}};
  if (!answer->content_type.empty()) response.headers.add("content-type", std::move(answer->content_type));
  return response;
}

net::Response InferenceService::seal(net::Response inner, const KeyEpoch& epoch, const net::OhttpReceiver& receiver,
                                     ByteView sealed) {
  net::Response outer{200, {{"content-type", std::string(net::ohttp_response_type(kForm))}}, {}, {}};
  outer.headers.add("cache-control", "no-store");
  net::OhttpResponder responder = receiver.respond(*random_);
  const net::Buffer head = padded_head(std::move(inner));
  for (std::size_t at = 0; at < head.size(); at += kChunkSize) {
    const ByteView rest = ByteView(head).subspan(at);
    responder.seal(rest.first(std::min(kChunkSize, rest.size())), net::Last::kNo, outer.body);
  }
  net::Headers trailers;
  trailers.add(std::string(kReceiptField), to_base64(receipt_for(epoch, sealed, outer.body), Base64::kUrl));
  responder.seal(net::encode_binary_trailers(trailers, kPadding), net::Last::kYes, outer.body);
  return outer;
}

Bytes InferenceService::receipt_for(const KeyEpoch& epoch, ByteView request, ByteView response) {
  attest::InferenceReceipt receipt;
  receipt.time = clock_();
  receipt.request = crypto::sha256(request);
  receipt.response = crypto::sha256(response);
  receipt.model = options_.model;
  receipt.manifest = manifest_;
  receipt.evidence = epoch.evidence_id();
  const std::lock_guard lock(receipts_);
  receipt.policy = policy_;
  receipt.sequence = ++receipt_count_;
  receipt.previous = last_receipt_;
  Bytes bytes = attest::sign_receipt(receipt, receipt_key_);
  last_receipt_ = crypto::sha256(bytes);
  return bytes;
}

InferenceCounts InferenceService::counts() const {
  return {counters_.answered, counters_.unknown_key, counters_.unreadable, counters_.replayed,
          counters_.date,     counters_.tenant,      counters_.busy};
}

}  // namespace cloister::worker
