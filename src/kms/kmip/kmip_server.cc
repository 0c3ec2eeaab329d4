#include "kms/kmip/kmip_server.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "kms/kmip/wrapped_blob.h"
#include "net/web_stream.h"

namespace cloister::kms {
namespace {

using namespace kmip;

constexpr std::array kKnown{kVersion21, kVersion20, kVersion14};
constexpr std::uint32_t kPage = 100;
constexpr std::uint32_t kOffsetMax = 1'000'000;
constexpr std::size_t kChainMax = 16;
constexpr std::size_t kNonceSize = 12;

class StreamChannel final : public KmipChannel {
 public:
  explicit StreamChannel(std::unique_ptr<net::WebStream> stream) : stream_(std::move(stream)) {}
  Status write(ByteView bytes, Duration patience) override { return stream_->write(bytes, patience); }
  Result<std::size_t> read(MutableByteView out, Duration patience) override { return stream_->read(out, patience); }
  bool usable() const override { return stream_->usable(); }

 private:
  const std::unique_ptr<net::WebStream> stream_;
};

// "OFFSET FIRST": where the page begins, and the first key of the page before it.
struct Cursor {
  std::uint32_t offset = 0;
  std::string first;
};

Result<Cursor> parse_cursor(const std::string& text) {
  Cursor cursor;
  if (text.empty()) return cursor;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cursor.offset);
  if (error != std::errc() || cursor.offset > kOffsetMax || end == text.data() + text.size() || *end != ' ') {
    return Error(Code::kInvalid, "the cursor isn't one of a KMIP server's list");
  }
  cursor.first = std::string(end + 1, text.data() + text.size());
  return cursor;
}

bool is_refusal(const Error& error) {
  return error.code() == Code::kDenied || error.code() == Code::kInvalid || error.code() == Code::kNotFound;
}

Status check_key(const std::string& key) {
  if (!key.empty() && key.size() <= kIdentifierMax) return {};
  return Error(Code::kInvalid, "a key of a KMIP server is named by 1 to 512 bytes");
}

}  // namespace

Result<std::shared_ptr<KmipServer>> KmipServer::create(const KmipOptions& options,
                                                       std::shared_ptr<EvidenceSink> evidence, Waiting waiting) {
  if (options.host.empty() || options.authorities_file.empty() || options.certificate_file.empty() ||
      options.key_file.empty()) {
    return Error(Code::kInvalid,
                 "a KMIP server needs a host, the authorities that vouch for it, and our certificate and key");
  }
  CLOISTER_TRY(auto tls, web_tls({options.authorities_file, options.certificate_file, options.key_file}));
  const net::TcpAddress address{options.host, options.port};
  KmipDial dial = [address, tls = std::move(tls)](Duration patience) -> Result<std::unique_ptr<KmipChannel>> {
    CLOISTER_TRY(auto stream, net::WebStream::connect(address, tls, patience));
    return std::unique_ptr<KmipChannel>(std::make_unique<StreamChannel>(std::move(stream)));
  };
  return create_over(std::move(dial), options, std::move(evidence), std::move(waiting));
}

Result<std::shared_ptr<KmipServer>> KmipServer::create_over(KmipDial dial, const KmipOptions& options,
                                                            std::shared_ptr<EvidenceSink> evidence, Waiting waiting) {
  CLOISTER_TRY(Words words, read(options));
  return std::shared_ptr<KmipServer>(
      new KmipServer(std::move(dial), options, std::move(words), std::move(evidence), std::move(waiting)));
}

Result<KmipServer::Words> KmipServer::read(const KmipOptions& options) {
  Words words{Cipher::kGcm, {}};
  if (options.cipher == "nist-key-wrap") {
    words.cipher = Cipher::kKeyWrap;
  } else if (options.cipher != "gcm") {
    return Error(Code::kInvalid, "cipher '" + options.cipher + "' of a KMIP server is neither gcm nor nist-key-wrap");
  }
  const auto newest = std::ranges::find(kKnown, options.newest, &ProtocolVersion::text);
  words.offered.assign(newest, kKnown.end());
  if (words.offered.empty()) {
    return Error(Code::kInvalid, "version '" + options.newest + "' of KMIP is none of 1.4, 2.0 and 2.1");
  }
  return words;
}

KmipServer::KmipServer(KmipDial dial, const KmipOptions& options, Words words, std::shared_ptr<EvidenceSink> evidence,
                       Waiting waiting)
    : name_("kmip " + net::TcpAddress{options.host, options.port}.to_string()),
      retry_(options.retry),
      cipher_(words.cipher),
      offered_(std::move(words.offered)),
      evidence_(std::move(evidence)),
      waiting_(std::move(waiting)),
      connections_(std::move(dial), options.connections) {}

std::string KmipServer::doing(Operation operation, const std::string& key) const {
  std::string text = name_ + ": " + std::string(operation_name(operation));
  if (!key.empty()) text += " of key " + plain_text(as_bytes(key));
  return text;
}

void KmipServer::keep_evidence(const Answer& answer, Operation operation, const std::string& key) {
  if (evidence_ == nullptr) return;
  const bool withheld = operation == Operation::kEncrypt || operation == Operation::kDecrypt;
  Evidence evidence{
      waiting_.now(), name_, std::string(operation_name(operation)), key, answer.request_id(), answer.reason(), {},
      withheld};
  if (!withheld) evidence.body = as_text(answer.bytes());
  evidence_->keep(std::move(evidence));
}

Error KmipServer::refusal(const Answer& answer, Operation operation, const std::string& key) const {
  const Reason reason = reason_of(answer.reason());
  std::string text = doing(operation, key) + ": " + std::string(reason.name);
  if (!answer.message().empty()) text += ": " + answer.message();
  if (!answer.request_id().empty()) text += " (request " + answer.request_id() + ")";
  return Error(reason.code, text);
}

Result<Answer> KmipServer::attempt(ProtocolVersion version, Operation operation, const std::string& key,
                                   const PayloadWriter& payload) {
  const net::Buffer request = request_message(version, operation, payload);
  auto bytes = connections_.exchange(request, retry_.patience);
  if (!bytes.ok()) return bytes.error().with_context(doing(operation, key));
  auto answer = Answer::parse(std::move(bytes).value(), operation);
  if (!answer.ok()) return answer.error().with_context(doing(operation, key));
  keep_evidence(*answer, operation, key);
  if (!answer->success()) return refusal(*answer, operation, key);
  return answer;
}

Result<Answer> KmipServer::ask(ProtocolVersion version, Operation operation, const std::string& key,
                               const PayloadWriter& payload) {
  const Time began = waiting_.now();
  for (unsigned made = 1;; ++made) {
    Result<Answer> answer = attempt(version, operation, key, payload);
    if (answer.ok() || answer.error().code() != Code::kUnavailable) {
      budget_.give();
      return answer;
    }
    const double bound = static_cast<double>(retry_.base.ms) * std::pow(retry_.factor, made - 1);
    const double most = std::min(bound, static_cast<double>(retry_.longest.ms));
    const Duration wait{static_cast<std::int64_t>(waiting_.random() * most)};
    const bool in_time = waiting_.now() + wait - began <= retry_.in_all;
    if (made >= retry_.attempts || !in_time || !budget_.take()) return answer;
    waiting_.sleep(wait);
  }
}

Result<Answer> KmipServer::ask(Operation operation, const std::string& key, const PayloadWriter& payload) {
  CLOISTER_TRY(const ProtocolVersion spoken, version());
  return ask(spoken, operation, key, payload);
}

Result<ProtocolVersion> KmipServer::discover(ProtocolVersion spoken) {
  CLOISTER_TRY(const Answer answer, ask(spoken, Operation::kDiscoverVersions, "", discover_versions(offered_)));
  auto served = parse_versions(answer);
  if (!served.ok()) return served.error().with_context(doing(Operation::kDiscoverVersions, ""));
  for (const ProtocolVersion version : offered_) {
    if (std::ranges::find(*served, version) != served->end()) return version;
  }
  return Error(Code::kUnsupported, name_ + ": it speaks none of the versions of KMIP that are spoken here");
}

// A server may know only 1.x or only 2.x, and refuse a message in the other.
Result<ProtocolVersion> KmipServer::version() {
  {
    const std::lock_guard lock(mutex_);
    if (version_) return *version_;
  }
  Result<ProtocolVersion> agreed = discover(kVersion14);
  for (const ProtocolVersion spoken : offered_) {
    if (spoken == kVersion14 || agreed.ok() || agreed.error().code() == Code::kUnavailable ||
        agreed.error().code() == Code::kDenied)
      break;
    agreed = discover(spoken);
  }
  if (!agreed.ok()) return agreed;
  const std::lock_guard lock(mutex_);
  version_ = *agreed;
  return agreed;
}

Result<KeyAttributes> KmipServer::attributes(const std::string& key) {
  CLOISTER_TRY(const Answer answer, ask(Operation::kGetAttributes, key, of_object(key)));
  return parse_attributes(answer, key).with_context(doing(Operation::kGetAttributes, key));
}

Result<std::string> KmipServer::resolve(const std::string& key) {
  CLOISTER_RETURN_IF_ERROR(check_key(key));
  const auto found = attributes(key);
  if (found.ok()) return key;
  if (!is_refusal(found.error())) return found.error();
  CLOISTER_TRY(const ProtocolVersion spoken, version());
  CLOISTER_TRY(const Answer answer, ask(spoken, Operation::kLocate, key, locate_name(spoken, key)));
  auto located = parse_located(answer);
  if (!located.ok()) return located.error().with_context(doing(Operation::kLocate, key));
  if (located->size() == 1) return std::move(located->front());
  if (located->empty()) return Error(Code::kNotFound, doing(Operation::kLocate, key) + ": there is none");
  return Error(Code::kInvalid,
               doing(Operation::kLocate, key) + ": several keys have that name: say which by its unique identifier");
}

Error KmipServer::explain(Error refused, const std::string& key) {
  if (!is_refusal(refused)) return refused;
  const auto known = attributes(key);
  if (!known.ok() || !known->state || *known->state == static_cast<std::uint32_t>(State::kActive)) return refused;
  const std::string state(state_name(*known->state));
  if (*known->state == static_cast<std::uint32_t>(State::kPreActive)) {
    return Error(Code::kDenied, refused.message() + "; the key is " + state +
                                    ", not ready for use: activate it at the server, then try again");
  }
  return Error(Code::kDenied, refused.message() + "; the key is " + state);
}

Result<ProviderWrap> KmipServer::wrap(const std::string& key, const crypto::Secret& plaintext,
                                      const ContextMap& context) {
  CLOISTER_RETURN_IF_ERROR(check_key(key));
  if (plaintext.empty() || plaintext.size() > kProviderPlaintextMax) {
    return Error(Code::kInvalid, doing(Operation::kEncrypt, key) + ": 1 to 128 bytes can be wrapped");
  }
  const Bytes additional = canonical(context);
  const auto nonce = crypto::random_array<kNonceSize>(random_);
  const crypto::Secret bound =
      cipher_ == Cipher::kKeyWrap ? bind_inside(plaintext, context, random_) : crypto::Secret();
  const crypto::Secret& sent = cipher_ == Cipher::kKeyWrap ? bound : plaintext;
  const auto answer = ask(Operation::kEncrypt, key, encrypt(key, cipher_, sent, nonce, additional));
  if (!answer.ok()) return explain(answer.error(), key);
  auto encrypted = parse_encrypted(*answer, key, cipher_, nonce);
  if (!encrypted.ok()) return encrypted.error().with_context(doing(Operation::kEncrypt, key));
  const std::size_t due = sent.size() + (cipher_ == Cipher::kKeyWrap ? 8 : 0);
  if (encrypted->ciphertext.size() != due) {
    return Error(Code::kCorrupt, doing(Operation::kEncrypt, key) + ": the ciphertext isn't as long as it must be");
  }
  return ProviderWrap{"", serialize_blob(cipher_, *encrypted)};
}

Result<crypto::Secret> KmipServer::unwrap(const std::string& key, const ProviderWrap& wrapped,
                                          const ContextMap& context) {
  CLOISTER_RETURN_IF_ERROR(check_key(key));
  CLOISTER_TRY(const Blob blob, parse_blob(wrapped.ciphertext));
  const Bytes additional = canonical(context);
  const auto answer = ask(Operation::kDecrypt, key, decrypt(key, blob.cipher, blob.encrypted, additional));
  if (!answer.ok()) return explain(answer.error(), key);
  auto opened = parse_decrypted(*answer, key);
  if (!opened.ok()) return opened.error().with_context(doing(Operation::kDecrypt, key));
  if (blob.cipher == Cipher::kKeyWrap)
    return open_bound(*opened, context).with_context(doing(Operation::kDecrypt, key));
  if (opened->size() != blob.encrypted.ciphertext.size()) {
    return Error(Code::kCorrupt, doing(Operation::kDecrypt, key) + ": the plaintext isn't as long as it must be");
  }
  return opened;
}

Result<KeyPosture> KmipServer::describe(const std::string& key) {
  CLOISTER_RETURN_IF_ERROR(check_key(key));
  CLOISTER_TRY(KeyAttributes newest, attributes(key));
  std::vector<ChainLink> chain;
  chain.push_back({key, std::move(newest)});
  std::set<std::string> seen{key};
  while (chain.size() < kChainMax) {
    const std::string older = chain.back().attributes.replaced;
    if (older.empty() || !seen.insert(older).second) break;
    auto known = attributes(older);
    // One that is gone ends the chain: what is left of it is told.
    if (!known.ok()) break;
    chain.push_back({older, std::move(known).value()});
  }
  return posture_of(chain, waiting_.now());
}

Result<KeyPage> KmipServer::list(const std::string& text) {
  CLOISTER_TRY(const Cursor cursor, parse_cursor(text));
  CLOISTER_TRY(const ProtocolVersion spoken, version());
  CLOISTER_TRY(const Answer answer, ask(spoken, Operation::kLocate, "", locate_keys(spoken, cursor.offset, kPage)));
  auto located = parse_located(answer);
  if (!located.ok()) return located.error().with_context(doing(Operation::kLocate, ""));
  KeyPage page{std::move(located).value(), ""};
  if (page.keys.empty()) return page;
  if (page.keys.front() == cursor.first) {
    return Error(Code::kUnsupported, doing(Operation::kLocate, "") +
                                         ": the server knows no offsets, and has more keys "
                                         "than it tells at once");
  }
  if (page.keys.size() >= kPage) {
    page.next = std::to_string(cursor.offset + page.keys.size()) + " " + page.keys.front();
  }
  return page;
}

Result<ProviderHealth> KmipServer::health() {
  const auto spoken = version();
  if (!spoken.ok()) return ProviderHealth{false, spoken.error().message()};
  std::string detail = "KMIP " + spoken->text();
  const auto answer = ask(Operation::kQuery, "", query_server());
  if (!answer.ok() && answer.error().code() == Code::kUnavailable)
    return ProviderHealth{false, answer.error().message()};
  if (!answer.ok()) return ProviderHealth{true, detail};
  const auto vendor = parse_vendor(*answer);
  if (vendor.ok() && !vendor->empty()) detail += ", " + *vendor;
  return ProviderHealth{true, detail};
}

Status KmipServer::activate(const std::string& key) {
  CLOISTER_RETURN_IF_ERROR(check_key(key));
  const auto answer = ask(Operation::kActivate, key, of_object(key));
  if (answer.ok()) return parse_object(*answer, key).with_context(doing(Operation::kActivate, key));
  // An active key is refused, perhaps because this very request was sent twice.
  const auto known = attributes(key);
  if (known.ok() && known->state == static_cast<std::uint32_t>(State::kActive)) return {};
  return answer.error();
}

}  // namespace cloister::kms
