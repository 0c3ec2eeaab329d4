#include "kms/google/google_kms.h"

#include <algorithm>

#include "base/base64.h"
#include "base/json.h"
#include "kms/form_body.h"
#include "kms/google/google_name.h"
#include "kms/plain_line.h"

namespace cloister::kms {
namespace {

// Google's own figures, but for a minute and not ten: somebody waits.
constexpr RetryRules kRules{8, Duration{100}, 1.3, seconds(60), seconds(10), seconds(60)};
constexpr std::size_t kPagesMax = 64;
constexpr std::size_t kCursorMax = 8192;
constexpr std::string_view kPurpose = "ENCRYPT_DECRYPT";

// {"name":"base64","nameCrc32c":"number",…} of what is given, in a buffer that never grows around the bytes.
struct Part {
  std::string_view name;
  ByteView bytes;
};
net::Buffer crypto_body(Part first, Part second) {
  const auto head = [](const Part& part) {
    const std::string name(part.name);
    return "\"" + name + R"(Crc32c":")" + std::to_string(crc32c(part.bytes)) + R"(",")" + name + R"(":")";
  };
  const std::string before = "{" + head(first), between = "\"," + head(second);
  net::Buffer body(before.size() + base64_encoded_size(first.bytes.size()) + between.size() +
                   base64_encoded_size(second.bytes.size()) + 2);
  MutableByteView rest(body);
  const auto text = [&rest](std::string_view characters) {
    std::ranges::copy(characters, rest.begin());
    rest = rest.subspan(characters.size());
  };
  const auto encoded = [&rest](ByteView bytes) {
    const std::size_t size = base64_encoded_size(bytes.size());
    encode_base64(bytes, Base64::kStandard, rest.first(size));
    rest = rest.subspan(size);
  };
  text(before);
  encoded(first.bytes);
  text(between);
  encoded(second.bytes);
  text("\"}");
  return body;
}

std::string page_query(unsigned size, std::string_view token) {
  std::string query = "?pageSize=" + std::to_string(size);
  if (!token.empty()) query += "&pageToken=" + percent_encode(token);
  return query;
}

// Where a list over all key rings stands: the page of rings, the ring on it, the page of its keys.
struct Place {
  std::string rings, keys;
  std::uint64_t ring = 0;
};

std::string write_place(const Place& place) {
  return JsonValue(JsonValue::Array{place.rings, place.ring, place.keys}).serialize();
}

Result<Place> read_place(std::string_view cursor) {
  if (cursor.empty()) return Place{};
  const Error bad(Code::kInvalid, "that isn't where a list of keys goes on");
  if (cursor.size() > kCursorMax) return bad;
  const auto json = parse_json(cursor);
  const JsonValue::Array* parts = json.ok() ? json->array() : nullptr;
  if (parts == nullptr || parts->size() != 3) return bad;
  const auto ring = (*parts)[1].unsigned_integer();
  if ((*parts)[0].string() == nullptr || !ring || (*parts)[2].string() == nullptr) return bad;
  return Place{*(*parts)[0].string(), *(*parts)[2].string(), *ring};
}

Result<std::string> checked_ring(const GoogleKmsOptions& options) {
  if (!is_google_location(options.location)) {
    return Error(Code::kInvalid, "location \"" + options.location + "\" isn't projects/…/locations/…");
  }
  if (options.key_ring.empty()) return std::string();
  const std::string ring = options.location + "/keyRings/" + options.key_ring;
  if (is_google_key_ring(ring)) return ring;
  return Error(Code::kInvalid, "key ring \"" + options.key_ring + "\" is no key ring's name");
}

}  // namespace

GoogleKms::GoogleKms(GoogleKmsOptions options, Endpoint endpoint, std::unique_ptr<HttpTransport> transport,
                     std::unique_ptr<GoogleCredential> credential, std::shared_ptr<EvidenceSink> evidence,
                     Waiting waiting)
    : options_(std::move(options)),
      endpoint_(std::move(endpoint)),
      key_ring_(options_.key_ring.empty() ? "" : options_.location + "/keyRings/" + options_.key_ring),
      name_("google-kms " + (key_ring_.empty() ? options_.location : key_ring_)),
      transport_(std::move(transport)),
      credential_(std::move(credential)),
      evidence_(std::move(evidence)),
      waiting_(std::move(waiting)) {}

Result<std::shared_ptr<GoogleKms>> GoogleKms::create(GoogleKmsOptions options, std::shared_ptr<EvidenceSink> evidence,
                                                     Waiting waiting, const Connect& connect) {
  static constexpr std::string_view kDoing = "use Google Cloud KMS";
  CLOISTER_TRY(const std::string ring, checked_ring(options).with_context(kDoing));
  if (options.quota_project.find_first_of("\r\n") != std::string::npos) {
    return Error(Code::kInvalid, std::string(kDoing) + ": the quota project is no project's name");
  }
  CLOISTER_TRY(Endpoint endpoint, parse_endpoint(options.endpoint).with_context(kDoing));
  CLOISTER_TRY(auto credential,
               GoogleCredential::create(options.credential, options.web, waiting, connect).with_context(kDoing));
  CLOISTER_TRY(auto transport, connect(endpoint, options.web));
  return std::shared_ptr<GoogleKms>(new GoogleKms(std::move(options), std::move(endpoint), std::move(transport),
                                                  std::move(credential), std::move(evidence), std::move(waiting)));
}

net::Request GoogleKms::request_of(const Ask& ask, const BearerToken& token) const {
  net::Request request;
  request.method = ask.method;
  request.target = endpoint_.path + "/v1/" + ask.name + ask.suffix;
  request.headers.add("accept", "application/json");
  request.headers.add("authorization", authorization(token));
  request.headers.add("x-goog-request-params", ask.parameter + "=" + percent_encode(ask.name));
  if (!options_.quota_project.empty()) request.headers.add("x-goog-user-project", options_.quota_project);
  if (!ask.body.empty()) request.headers.add("content-type", "application/json");
  request.body = ask.body;
  return request;
}

void GoogleKms::keep(const Ask& ask, const net::Response& answer) const {
  if (evidence_ == nullptr) return;
  const std::string* id = answer.headers.find("x-goog-request-id");
  std::string body = ask.withheld ? std::string() : std::string(as_text(answer.body));
  evidence_->keep({waiting_.now(), name_, ask.operation, ask.name, id == nullptr ? "" : plain_line(*id), answer.status,
                   std::move(body), ask.withheld});
}

Result<net::Response> GoogleKms::send(const Ask& ask) {
  const auto fetch = [this] { return credential_->fetch(); };
  CLOISTER_TRY(TokenCache::Shared token, tokens_.get(waiting_.now(), fetch));
  const auto renew = [&](const net::Response&) -> Status {
    tokens_.drop(token);
    CLOISTER_TRY(token, tokens_.get(waiting_.now(), fetch));
    return {};
  };
  const RetryingCall call{kRules,
                          budget_,
                          waiting_,
                          *transport_,
                          [&] { return Result<net::Request>(request_of(ask, *token)); },
                          [&](const net::Response& answer) { return judge_google(answer, waiting_.random()); },
                          renew};
  CLOISTER_TRY(net::Response answer, call.run());
  keep(ask, answer);
  if (answer.status == 200) return answer;
  const Error refusal = google_error(answer);
  return refusal.code() == Code::kInvalid ? Error(ask.bad_request, refusal.message()) : refusal;
}

// Every error names the provider and what was asked of it.
Result<net::Response> GoogleKms::ask(const Ask& ask) { return send(ask).with_context(name_ + ": " + ask.operation); }

Result<std::string> GoogleKms::full_name(const std::string& key) const {
  return parse_google_key_name(key, key_ring_).with_context(name_);
}

Result<GoogleKey> GoogleKms::get_key(const std::string& key) {
  const std::string operation = "get " + key;
  CLOISTER_TRY(const net::Response answer, ask({"GET", key, "", operation}));
  return parse_google_key(answer.body, key).with_context(name_ + ": " + operation);
}

Result<std::vector<GoogleKeyVersion>> GoogleKms::get_versions(const std::string& key) {
  const std::string operation = "list versions of " + key;
  std::vector<GoogleKeyVersion> versions;
  std::string token;
  for (std::size_t pages = 0; pages < kPagesMax; ++pages) {
    CLOISTER_TRY(const net::Response answer,
                 ask({"GET", key, "/cryptoKeyVersions" + page_query(100, token), operation, "parent"}));
    CLOISTER_TRY(auto page, parse_google_versions(answer.body, key).with_context(name_ + ": " + operation));
    std::ranges::move(page.items, std::back_inserter(versions));
    if (page.next.empty()) return versions;
    token = std::move(page.next);
  }
  return Error(Code::kUnsupported, name_ + ": " + operation + ": it has too many versions");
}

Result<std::vector<GoogleBinding>> GoogleKms::get_policy(const std::string& key) {
  const std::string operation = "get policy of " + key;
  CLOISTER_TRY(const net::Response answer,
               ask({"GET", key, ":getIamPolicy?options.requestedPolicyVersion=3", operation, "resource"}));
  return parse_google_policy(answer.body).with_context(name_ + ": " + operation);
}

Result<GooglePage<std::string>> GoogleKms::get_keys(const std::string& key_ring, const std::string& token) {
  const std::string operation = "list keys of " + key_ring;
  CLOISTER_TRY(const net::Response answer,
               ask({"GET", key_ring, "/cryptoKeys" + page_query(100, token), operation, "parent"}));
  return parse_google_keys(answer.body, key_ring).with_context(name_ + ": " + operation);
}

Result<GooglePage<std::string>> GoogleKms::get_key_rings(const std::string& token) {
  const std::string operation = "list key rings of " + options_.location;
  CLOISTER_TRY(const net::Response answer,
               ask({"GET", options_.location, "/keyRings" + page_query(100, token), operation, "parent"}));
  return parse_google_key_rings(answer.body, options_.location).with_context(name_ + ": " + operation);
}

Result<std::string> GoogleKms::resolve(const std::string& key) {
  CLOISTER_TRY(std::string full, full_name(key));
  CLOISTER_TRY(const GoogleKey found, get_key(full));
  if (found.purpose == kPurpose) return full;
  return Error(Code::kInvalid, name_ + ": " + full + " is for " + found.purpose + ", not for encryption");
}

Result<ProviderWrap> GoogleKms::wrap(const std::string& key, const crypto::Secret& plaintext,
                                     const ContextMap& context) {
  CLOISTER_TRY(const std::string full, full_name(key));
  const std::string operation = "encrypt with " + full;
  if (plaintext.empty() || plaintext.size() > kProviderPlaintextMax) {
    return Error(Code::kInvalid,
                 name_ + ": " + operation + ": " + std::to_string(plaintext.size()) + " bytes can't be wrapped");
  }
  const Bytes bound = canonical(context);
  const Ask request{"POST",     full,
                    ":encrypt", operation,
                    "name",     crypto_body({"plaintext", plaintext.expose()}, {"additionalAuthenticatedData", bound}),
                    true};
  std::string doubt;
  for (int attempt = 0; attempt < 2; ++attempt) {
    CLOISTER_TRY(const net::Response answer, ask(request));
    CLOISTER_TRY(GoogleEncrypted made,
                 parse_google_encrypted(answer.body, full).with_context(name_ + ": " + operation));
    if (made.doubt.empty()) return ProviderWrap{std::move(made.version), std::move(made.ciphertext)};
    doubt = std::move(made.doubt);
  }
  return Error(Code::kCorrupt, name_ + ": " + operation + ": " + doubt + ", twice");
}

Result<crypto::Secret> GoogleKms::unwrap(const std::string& key, const ProviderWrap& wrapped,
                                         const ContextMap& context) {
  CLOISTER_TRY(const std::string full, full_name(key));
  const std::string operation = "decrypt with " + full;
  if (!is_google_version_of(full, wrapped.key_version)) {
    return Error(Code::kDenied, name_ + ": " + operation + ": the wrap is another key's");
  }
  const Bytes bound = canonical(context);
  // What is sent is well-formed, so INVALID_ARGUMENT is Google's word for a wrap that doesn't open in this context.
  const Ask request{"POST",     full,
                    ":decrypt", operation,
                    "name",     crypto_body({"ciphertext", wrapped.ciphertext}, {"additionalAuthenticatedData", bound}),
                    true,       Code::kDenied};
  std::string doubt;
  for (int attempt = 0; attempt < 2; ++attempt) {
    CLOISTER_TRY(const net::Response answer, ask(request));
    CLOISTER_TRY(GoogleDecrypted opened, parse_google_decrypted(answer.body).with_context(name_ + ": " + operation));
    if (opened.doubt.empty()) return std::move(opened.plaintext);
    doubt = std::move(opened.doubt);
  }
  return Error(Code::kCorrupt, name_ + ": " + operation + ": " + doubt + ", twice");
}

Result<KeyPosture> GoogleKms::describe(const std::string& key) {
  CLOISTER_TRY(const std::string full, full_name(key));
  GoogleKeyFacts facts{full, get_key(full), {std::vector<GoogleKeyVersion>()}, {std::vector<GoogleBinding>()}};
  if (!facts.current.ok() && facts.current.error().code() == Code::kNotFound) return facts.current.error();
  facts.versions = get_versions(full);
  facts.policy = get_policy(full);
  if (!facts.current.ok() && !facts.versions.ok() && !facts.policy.ok()) return facts.current.error();
  return google_posture(facts);
}

Result<KeyPage> GoogleKms::list(const std::string& cursor) {
  if (key_ring_.empty()) return list_location(cursor);
  if (cursor.size() > kCursorMax) return Error(Code::kInvalid, name_ + ": that isn't where a list of keys goes on");
  CLOISTER_TRY(auto page, get_keys(key_ring_, cursor));
  return KeyPage{std::move(page.items), std::move(page.next)};
}

// One page of one key ring's keys at a time.
Result<KeyPage> GoogleKms::list_location(const std::string& cursor) {
  CLOISTER_TRY(Place place, read_place(cursor).with_context(name_));
  CLOISTER_TRY(const auto rings, get_key_rings(place.rings));
  KeyPage page;
  if (place.ring < rings.items.size()) {
    CLOISTER_TRY(auto keys, get_keys(rings.items[place.ring], place.keys));
    page.keys = std::move(keys.items);
    place.keys = std::move(keys.next);
    if (place.keys.empty()) ++place.ring;
  }
  if (place.ring >= rings.items.size()) {
    if (rings.next.empty()) return page;
    place = {rings.next, "", 0};
  }
  page.next = write_place(place);
  return page;
}

Result<ProviderHealth> GoogleKms::health() {
  const bool ring = !key_ring_.empty();
  const auto answer = ask({"GET", ring ? key_ring_ : options_.location,
                           (ring ? "/cryptoKeys" : "/keyRings") + page_query(1, ""), "list keys", "parent"});
  if (answer.ok()) return ProviderHealth{true, "answers, and takes our token"};
  return ProviderHealth{false, answer.error().message()};
}

}  // namespace cloister::kms
