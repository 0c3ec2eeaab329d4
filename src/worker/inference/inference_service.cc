#include "worker/inference/inference_service.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "net/http_date.h"
#include "net/padded_content.h"
#include "worker/inference/streamed_answer.h"

namespace cloister::worker {
namespace {

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

Question question_of(const net::BinaryRequest& request) {
  const std::string* type = request.headers.find("content-type");
  return {type == nullptr ? std::string_view() : std::string_view(*type), request.content};
}

// Whether it takes an answer in pieces: the coding is one of those that it lists.
bool takes_pieces(const net::BinaryRequest& request) {
  const std::string* list = request.headers.find("accept-encoding");
  if (list == nullptr) return false;
  std::string_view rest = *list;
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == net::kPaddedCoding) return true;
  }
  return false;
}

net::Response outer_head() {
  net::Response outer{200, {{"content-type", std::string(net::ohttp_response_type(kAnswerForm))}}, {}, {}};
  outer.headers.add("cache-control", "no-store");
  return outer;
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

std::function<Status()> InferenceService::refresher() const {
  return [epochs = epochs_, clock = clock_, random = random_] { return epochs->refresh(clock(), *random); };
}

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
  if (type == nullptr || *type != net::ohttp_request_type(kAnswerForm)) {
    return net::problem(415, "requests are sealed: message/ohttp-chunked-req");
  }
  auto waiting = std::make_shared<net::Answer>(later.take());
  auto sealed = std::make_shared<net::Buffer>(std::move(request.body));
  if (!queue_.submit([this, waiting, sealed] {
        if (auto whole = answer(*sealed, *waiting)) waiting->send(std::move(*whole));
      })) {
    ++counters_.busy;
    waiting->send(net::problem(503, "too many requests wait already"));
  }
  return std::nullopt;
}

std::optional<net::Response> InferenceService::answer(const net::Buffer& sealed, net::Answer& waiting) {
  const auto header = net::parse_ohttp_header(sealed);
  const auto epoch = header.ok() ? epochs_->find(header->key_id, clock_()) : nullptr;
  if (epoch == nullptr) {
    ++counters_.unknown_key;
    return problem_of_type(422, kKeyProblem, "the key is unknown, or its time is over");
  }
  auto receiver = net::OhttpReceiver::create(epoch->key(), epoch->private_key(), kAnswerForm, sealed);
  if (!receiver.ok()) {
    ++counters_.unknown_key;
    return problem_of_type(422, kKeyProblem, "the key isn't used that way");
  }
  const auto opened = receiver->open(options_.limits.content_bytes + options_.limits.header_bytes);
  if (!opened.ok()) {
    ++counters_.unreadable;
    return net::problem(400, "the request doesn't open");
  }
  return answer_opened({*epoch, *receiver, sealed}, opened->plaintext, waiting);
}

std::optional<net::Response> InferenceService::answer_opened(const Asked& asked, ByteView inner, net::Answer& waiting) {
  const auto request = net::parse_binary_request(inner, options_.limits);
  if (!request.ok()) {
    ++counters_.unreadable;
    return seal(net::problem(400, "the sealed request isn't one"), asked);
  }
  if (auto refused = refusal(*request, clock_())) return seal(std::move(*refused), asked);
  // Only what a tenant asks has a place in the memory: nobody else can fill it.
  if (const Status fresh = asked.epoch.remember(asked.receiver.encapsulated()); !fresh.ok()) {
    ++counters_.replayed;
    return fresh.error().code() == Code::kExists ? net::problem(400, "this request was answered before")
                                                 : net::problem(503, "a new key is due");
  }
  if (!takes_pieces(*request) || !waiting.can_stream()) return seal(ask_engine(*request), asked);
  stream(*request, asked, waiting);
  return std::nullopt;
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
  auto answer = engine_->infer(question_of(request));
  if (!answer.ok()) return net::problem(net::http_status(answer.error().code()), answer.error().message());
  ++counters_.answered;
  net::Response response{answer->status, {}, std::move(answer->content), {}};
  if (!answer->content_type.empty()) response.headers.add("content-type", std::move(answer->content_type));
  return response;
}

net::Response InferenceService::seal(net::Response inner, const Asked& asked) {
  net::Response outer = outer_head();
  SealedAnswer answer(asked.receiver.respond(*random_));
  answer.whole(std::move(inner), outer.body);
  answer.end(receipt_for(asked, answer.digest()), outer.body);
  return outer;
}

void InferenceService::stream(const net::BinaryRequest& request, const Asked& asked, net::Answer& waiting) {
  net::Response outer = outer_head();
  outer.headers.add("x-accel-buffering", "no");  // nginx would collect what is meant to be read now
  const auto may_go_on = [this] { return clock_().unix_ms < answers_until_ms_; };
  StreamedAnswer answer(SealedAnswer(asked.receiver.respond(*random_)), waiting.stream(std::move(outer)), may_go_on);
  Status done = engine_->stream(question_of(request), answer);
  const bool is_answer = done.ok();
  if (!is_answer && !answer.begun()) {
    done = answer.whole(net::problem(net::http_status(done.error().code()), done.error().message()));
  }
  if (done.ok()) done = answer.end(receipt_for(asked, answer.digest()));
  if (!done.ok()) {
    ++counters_.cut;
  } else if (is_answer) {
    ++counters_.answered;
  }
}

net::Headers InferenceService::receipt_for(const Asked& asked, const crypto::Sha256Digest& response) {
  attest::InferenceReceipt receipt;
  receipt.time = clock_();
  receipt.request = crypto::sha256(asked.sealed);
  receipt.response = response;
  receipt.model = options_.model;
  receipt.manifest = manifest_;
  receipt.evidence = asked.epoch.evidence_id();
  const std::lock_guard lock(receipts_);
  receipt.policy = policy_;
  receipt.sequence = ++receipt_count_;
  receipt.previous = last_receipt_;
  const Bytes bytes = attest::sign_receipt(receipt, receipt_key_);
  last_receipt_ = crypto::sha256(bytes);
  return {{std::string(kReceiptField), to_base64(bytes, Base64::kUrl)}};
}

InferenceCounts InferenceService::counts() const {
  return {counters_.answered, counters_.unknown_key, counters_.unreadable, counters_.replayed,
          counters_.date,     counters_.tenant,      counters_.busy,       counters_.cut};
}

}  // namespace cloister::worker
