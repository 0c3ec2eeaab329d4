#include "service/vault/transit_routes.h"

#include <charconv>

#include "base/base64.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "service/body_fields.h"
#include "service/message.h"
#include "service/vault/transit_body.h"
#include "service/vault/vault_answer.h"

namespace cloister::service {
namespace {

using policy::Operation;

// Bound into every message sealed here, before what the caller binds: what another dialect sealed doesn't open.
constexpr std::string_view kContextLabel = "CLSR1 vault context";
constexpr std::size_t kInlineItems = 16;
constexpr std::uint64_t kRandomBytesMax = 1024;

const Problem kClosed{ProblemCode::kWrapDoesNotOpen, "cipher: message authentication failed"};

Problem invalid(std::string detail) { return {ProblemCode::kInvalidRequest, std::move(detail)}; }

std::string_view verb_name(TransitVerb verb) {
  switch (verb) {
    case TransitVerb::kEncrypt: return "encrypt";
    case TransitVerb::kDecrypt: return "decrypt";
    case TransitVerb::kRewrap: return "rewrap";
    default: return "datakey";
  }
}

std::optional<net::Buffer> decoded(std::string_view text) {
  const auto size = base64_decoded_size(text);
  if (!size.ok()) return std::nullopt;
  net::Buffer bytes(*size);
  if (!decode_base64(text, Base64::kStandard, bytes).ok()) return std::nullopt;
  return bytes;
}

enum class Plaintext { kGiven, kKept };

// One request at work. What an item comes to is written as it comes; nothing leaves before all of it is recorded.
class TransitRun {
 public:
  TransitRun(TransitVerb verb, Plaintext plaintext, Call& call, const CachedKeyring& keyring, crypto::Random& random)
      : verb_(verb),
        plaintext_(plaintext),
        call_(call),
        keyring_(keyring),
        random_(random),
        dataset_(call.target.dataset_name()) {}

  Result<Reply> run(const TransitBody& body) {
    Status status;
    Reply reply;
    reply.response = vault_data(call_.request_id, [&](JsonWriter& json) {
      json_ = &json;
      json.begin_object();
      if (body.batch) json.name("batch_results").begin_array();
      for (const TransitItem& item : body.items) {
        if (status.ok()) status = run_item(item, body);
      }
      if (body.batch) json.end_array();
      json.end_object();
    });
    if (!status.ok()) return status.error();
    const std::size_t count = body.items.size();
    reply.detail = std::string(verb_name(verb_)) + ", " + std::to_string(count) + (count == 1 ? " item" : " items");
    if (failed_ != 0) reply.detail += ", " + std::to_string(failed_) + " refused: " + first_->detail;
    if (same_version_) reply.key_version = version_;
    if (failed_ == count) {
      reply.problem = std::move(first_);
    } else if (failed_ != 0) {
      reply.response.status =
          body.partial_failure_status == 0 ? 400 : static_cast<unsigned>(body.partial_failure_status);
    }
    return reply;
  }

 private:
  using Outcome = Result<std::optional<Problem>>;

  Status run_item(const TransitItem& item, const TransitBody& body) {
    if (body.batch) json_->begin_object();
    CLOISTER_TRY(std::optional<Problem> problem, act(item, body));
    if (problem) {
      if (body.batch) json_->member("error", problem->detail);
      if (failed_++ == 0) first_ = std::move(*problem);
    }
    if (item.reference) json_->member("reference", *item.reference);
    if (body.batch) json_->end_object();
    return {};
  }

  Outcome act(const TransitItem& item, const TransitBody& body) {
    const auto associated = decoded(item.associated_data.value_or(""));
    if (!associated) return std::optional(invalid("associated_data isn't base64"));
    Writer context;
    context_ = context.text16(kContextLabel).bytes(*associated).take();
    if (!body.batch && !associated->empty()) call_.context_digest = crypto::sha256(*associated);
    switch (verb_) {
      case TransitVerb::kEncrypt: return encrypt(item);
      case TransitVerb::kDecrypt: return decrypt(item);
      case TransitVerb::kRewrap: return rewrap(item);
      default: return make_data_key(item, body.bits);
    }
  }

  Outcome encrypt(const TransitItem& item) {
    if (!item.plaintext) return std::optional(invalid("missing plaintext to encrypt"));
    const auto text = decoded(*item.plaintext);
    if (!text) return std::optional(invalid("failed to base64-decode plaintext"));
    return seal(item, *text);
  }

  Outcome decrypt(const TransitItem& item) {
    net::Buffer text;
    CLOISTER_TRY(auto problem, open(item, text));
    if (problem) return problem;
    json_->name("plaintext").bytes(text);
    return std::optional<Problem>();
  }

  Outcome rewrap(const TransitItem& item) {
    net::Buffer text;
    CLOISTER_TRY(auto problem, open(item, text));
    if (problem) return problem;
    return seal(item, text);
  }

  Outcome make_data_key(const TransitItem& item, std::uint64_t bits) {
    if (bits != 128 && bits != 256 && bits != 512) return std::optional(invalid("bits are 128, 256 or 512"));
    crypto::Secret key(static_cast<std::size_t>(bits) / 8);
    random_.fill(key.expose_mutable());
    CLOISTER_TRY(auto problem, seal(item, key.expose()));
    if (problem) return problem;
    if (plaintext_ == Plaintext::kGiven) json_->name("plaintext").bytes(key.expose());
    return std::optional<Problem>();
  }

  Outcome seal(const TransitItem& item, ByteView text) {
    const std::uint32_t newest = primary_version(keyring_);
    if (item.key_version != 0 && item.key_version != newest) {
      return std::optional(
          invalid("key_version: only the newest version encrypts, which is " + std::to_string(newest)));
    }
    if (text.size() > kMessageTextMax) return std::optional(invalid("the plaintext has more than 64 KiB"));
    CLOISTER_TRY(const Bytes message, seal_message(keyring_, dataset_, text, context_, random_));
    CLOISTER_TRY(const MessageOutline outline, parse_message(message));
    json_->member("ciphertext", vault_text(outline.key_version, message));
    json_->member("key_version", std::uint64_t{outline.key_version});
    count_version(outline.key_version);
    return std::optional<Problem>();
  }

  Outcome open(const TransitItem& item, net::Buffer& text) {
    if (!item.ciphertext) return std::optional(invalid("missing ciphertext to decrypt"));
    const auto parts = parse_vault_text(*item.ciphertext);
    if (!parts) return std::optional(invalid("invalid ciphertext: no prefix"));
    const auto size = base64_decoded_size(parts->base64);
    if (!size.ok() || *size > kMessageTextMax + kMessageOverhead) return std::optional(undecodable());
    Bytes message(*size);
    if (!decode_base64(parts->base64, Base64::kStandard, message).ok()) return std::optional(undecodable());
    const auto outline = parse_message(message);
    if (!outline.ok()) return std::optional(invalid("invalid ciphertext: " + outline.error().message()));
    if (outline->key_version != parts->version) return std::optional(kClosed);
    // Before its version is looked at: how many those of another tenant have is nobody's business.
    if (outline->keyring_id != keyring_.keyring_id) return std::optional(kClosed);
    if (auto problem = refusal_of_version(keyring_, outline->key_version, dataset_.text())) return problem;
    auto opened = open_message(keyring_, dataset_, *outline, context_);
    if (!opened.ok()) {
      const Code code = opened.error().code();
      if (code == Code::kInternal || code == Code::kUnavailable) return opened.error();
      return std::optional(kClosed);
    }
    text = std::move(*opened);
    if (verb_ == TransitVerb::kDecrypt) count_version(outline->key_version);
    return std::optional<Problem>();
  }

  static Problem undecodable() { return invalid("invalid ciphertext: could not decode base64"); }

  void count_version(std::uint32_t version) {
    same_version_ = version_ == 0 || (same_version_ && version == version_);
    version_ = version;
  }

  const TransitVerb verb_;
  const Plaintext plaintext_;
  Call& call_;
  const CachedKeyring& keyring_;
  crypto::Random& random_;
  const keys::DatasetName dataset_;
  JsonWriter* json_ = nullptr;
  Bytes context_;
  std::size_t failed_ = 0;
  std::optional<Problem> first_;
  std::uint32_t version_ = 0;
  bool same_version_ = false;
};

Parse parse_transit(TransitVerb verb, Plaintext plaintext, const VaultKeys& keys) {
  return [verb, plaintext, keys](Call& call) -> Result<Parsed> {
    Parsed parsed;
    CLOISTER_TRY(parsed.target, transit_target(call));
    CLOISTER_TRY(TransitBody body, parse_transit_body(call.request.body, verb));
    parsed.target.keys = static_cast<std::uint32_t>(body.items.size());
    parsed.act = [verb, plaintext, keys, body = std::move(body)](Call& same,
                                                                 keys::Hierarchy* hierarchy) -> Result<Reply> {
      if (hierarchy == nullptr && body.items.size() > kInlineItems) return Reply::to_worker();
      CLOISTER_TRY(const auto key, keys.managed->by_name(same.target.dataset_name(),
                                                         hierarchy == nullptr ? nullptr : &hierarchy->store()));
      if (key == nullptr) return Reply::to_worker();
      if (use_of(key->spec) != KeyUse::kSeal) return Reply::of(invalid("keys of this type don't encrypt"));
      CLOISTER_TRY(const auto keyring, keys.keyrings->get(same, hierarchy));
      if (keyring == nullptr) return Reply::to_worker();
      CLOISTER_TRY(Reply reply, TransitRun(verb, plaintext, same, *keyring, keys.keyrings->random()).run(body));
      reply.seen = keyring->seen;
      reply.outdated = keys.keyrings->outdated(same, keyring);
      return reply;
    };
    return parsed;
  };
}

Result<std::uint64_t> random_size(const Call& call, const BodyFields& fields) {
  // {first} alone is the number or where from; with {second}, {first} says where from.
  const std::string_view first = call.path.find("first"), second = call.path.find("second");
  const bool sourced = first == "platform" || first == "seal" || first == "all";
  const std::string_view digits = sourced ? second : first;
  if ((!sourced && !second.empty()) || (sourced && first != "platform")) {
    return Error(Code::kInvalid, "random bytes are of the source platform");
  }
  if (digits.empty()) return fields.has("bytes") ? fields.number("bytes", 1, kRandomBytesMax) : std::uint64_t{32};
  std::uint64_t size = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (read.ec == std::errc() && read.ptr == digits.data() + digits.size() && size != 0 && size <= kRandomBytesMax) {
    return size;
  }
  return Error(Code::kInvalid, "bytes are from 1 to 1024");
}

Parse parse_random(std::shared_ptr<UnlockedKeyrings> keyrings) {
  return [keyrings = std::move(keyrings)](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"bytes", "format", "source"}));
    CLOISTER_TRY(const std::uint64_t size, random_size(call, fields));
    CLOISTER_TRY(const auto format, fields.optional_text("format"));
    if (format && *format != "base64" && *format != "hex") {
      return Error(Code::kInvalid, "format is base64 or hex");
    }
    Parsed parsed;
    parsed.act = [keyrings, size, hex = format == "hex"](Call& same, keys::Hierarchy*) -> Result<Reply> {
      net::Buffer drawn(static_cast<std::size_t>(size));
      keyrings->random().fill(drawn);
      Reply reply;
      reply.response = vault_data(same.request_id, [&](JsonWriter& json) {
        json.begin_object().name("random_bytes");
        if (hex) {
          json.value(to_hex(drawn));
        } else {
          json.bytes(drawn);
        }
        json.end_object();
      });
      reply.detail = std::to_string(size) + " bytes";
      return reply;
    };
    return parsed;
  };
}

}  // namespace

Result<Target> transit_target(const Call& call) {
  if (!call.path.find("tenant").empty()) return target_of_path(call);
  return Error(Code::kInvalid, "send the header X-Vault-Namespace: the tenant, or tenant/environment");
}

std::vector<Route> transit_routes(const VaultKeys& keys) {
  std::vector<Route> routes;
  const auto add = [&](std::string path, Operation operation, Parse parse) {
    routes.push_back({"POST", "/v1/transit/" + std::move(path), Access::kPolicy, operation, Recording::kService,
                      Work::kInline, std::move(parse), Malformed::kRecorded});
  };
  const auto transit = [&](std::string path, Operation operation, TransitVerb verb, Plaintext plaintext) {
    add(std::move(path) + "/{dataset}", operation, parse_transit(verb, plaintext, keys));
  };
  transit("encrypt", Operation::kWrap, TransitVerb::kEncrypt, Plaintext::kKept);
  transit("decrypt", Operation::kUnwrap, TransitVerb::kDecrypt, Plaintext::kGiven);
  transit("rewrap", Operation::kRewrap, TransitVerb::kRewrap, Plaintext::kKept);
  transit("datakey/plaintext", Operation::kGenerate, TransitVerb::kDataKey, Plaintext::kGiven);
  transit("datakey/wrapped", Operation::kGenerate, TransitVerb::kDataKey, Plaintext::kKept);
  for (const char* path : {"random", "random/{first}", "random/{first}/{second}"}) {
    add(path, Operation::kRandom, parse_random(keys.keyrings));
  }
  return routes;
}

}  // namespace cloister::service
