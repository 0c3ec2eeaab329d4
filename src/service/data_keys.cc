#include "service/data_keys.h"

#include <algorithm>

#include "base/base64.h"
#include "crypto/hash.h"
#include "service/json_writer.h"
#include "service/key_batch.h"

namespace cloister::service {

namespace {

constexpr std::size_t kNamedObjectsMax = 8;  // so many are named in the record one by one

// One batch at work. What a key comes to is written as it comes; nothing leaves before all of it is recorded.
class BatchRun {
 public:
  BatchRun(KeyVerb verb, const Call& call, const CachedKeyring& keyring, crypto::Random& random)
      : verb_(verb), call_(call), keyring_(keyring), random_(random), json_(reply_.response.body) {
    context_.tenant = call.target.tenant_text();
    context_.dataset = call.target.dataset;
    context_.purpose = "dek";
    wrapped_.type = crypto::WrapType::kDatasetKey;
    wrapped_.key_id = keyring.keyring_id;
  }

  // kInvalid for text that isn't base64 or of the wrong length.
  Result<Reply> run(const KeyBatch& batch) {
    reply_.response.headers.add("content-type", "application/json");
    reply_.response.body.reserve(256 + batch.items.size() * answer_size());
    json_.begin_object().member("keyring", keyring_.keyring_id);
    json_.member("lease_seconds", static_cast<std::uint64_t>(call_.snapshot->lease.ms / 1000));
    json_.name("keys").begin_array();
    if (batch.items.size() > kNamedObjectsMax) objects_digest_.emplace();
    for (std::size_t i = 0; i < batch.items.size(); ++i) {
      const Status status = run_item(batch.items[i], batch.counted);
      if (!status.ok()) return status.error();
    }
    json_.end_array().end_object();
    reply_.detail = describe(batch.items.size());
    if (same_version_) reply_.key_version = version_;
    reply_.seen = keyring_.seen;
    if (failed_ == batch.items.size()) reply_.problem = std::move(first_problem_);
    return std::move(reply_);
  }

 private:
  std::size_t answer_size() const {
    switch (verb_) {
      case KeyVerb::kUnwrap: return 64;
      case KeyVerb::kWrap:
      case KeyVerb::kRewrap: return 136;
      case KeyVerb::kGenerate: break;
    }
    return 232;
  }

  Status run_item(const KeyItem& item, bool counted) {
    if (counted) {
      context_.object.resize(16);
      random_.fill(context_.object);
    } else {
      CLOISTER_RETURN_IF_ERROR(decode(item.object, "object", context_.object));
      if (context_.object.empty() || context_.object.size() > kObjectIdSizeMax) {
        return wrong("object", "is 1 to " + std::to_string(kObjectIdSizeMax) + " bytes");
      }
      CLOISTER_RETURN_IF_ERROR(decode_commitment(item.commitment));
    }
    note_object();
    switch (verb_) {
      case KeyVerb::kGenerate: return generate(counted);
      case KeyVerb::kWrap: return wrap(item);
      case KeyVerb::kUnwrap: return unwrap(item);
      case KeyVerb::kRewrap: return rewrap(item);
    }
    return {};
  }

  Status generate(bool counted) {
    const crypto::KeyMaterial key = crypto::KeyMaterial::random(random_);
    const auto wrapped = keyring_.wrapper->wrap(key, context_);
    if (!wrapped.ok()) return refuse(wrapped.error());
    json_.begin_object();
    if (counted) json_.name("object").bytes(context_.object);
    json_.name("key").bytes(key.secret().expose());
    finish_wrapped(*wrapped);
    return {};
  }

  Status wrap(const KeyItem& item) {
    const auto size = base64_decoded_size(item.key);
    if (!size.ok() || *size != crypto::kKeySize) return wrong("key", "is 32 bytes in base64");
    crypto::Secret secret(crypto::kKeySize);
    if (!decode_base64(item.key, Base64::kStandard, secret.expose_mutable()).ok()) {
      return wrong("key", "is 32 bytes in base64");
    }
    CLOISTER_TRY(const crypto::KeyMaterial key, crypto::KeyMaterial::from_secret(std::move(secret)));
    const auto wrapped = keyring_.wrapper->wrap(key, context_);
    if (!wrapped.ok()) return refuse(wrapped.error());
    json_.begin_object();
    finish_wrapped(*wrapped);
    return {};
  }

  Status unwrap(const KeyItem& item) {
    CLOISTER_RETURN_IF_ERROR(read_wrapped(item));
    if (refused_by_state()) return {};
    const auto key = keyring_.wrapper->unwrap(wrapped_, context_);
    if (!key.ok()) return refuse(key.error());
    json_.begin_object().name("key").bytes(key.value().secret().expose());
    json_.end_object();
    count_version(wrapped_.key_version);
    return {};
  }

  Status rewrap(const KeyItem& item) {
    CLOISTER_RETURN_IF_ERROR(read_wrapped(item));
    if (refused_by_state()) return {};
    const auto rewrapped = keyring_.wrapper->rewrap(wrapped_, context_);
    if (!rewrapped.ok()) return refuse(rewrapped.error());
    json_.begin_object();
    finish_wrapped(*rewrapped);
    return {};
  }

  void finish_wrapped(const crypto::WrappedKey& wrapped) {
    json_.member("version", std::uint64_t{wrapped.key_version}).name("wrapped").bytes(wrapped.ciphertext);
    json_.end_object();
    count_version(wrapped.key_version);
  }

  Status read_wrapped(const KeyItem& item) {
    wrapped_.key_version = item.version;
    return decode(item.wrapped, "wrapped", wrapped_.ciphertext);
  }

  Status decode(std::string_view text, std::string_view field, Bytes& out) {
    const auto size = base64_decoded_size(text);
    if (!size.ok()) return wrong(field, "isn't base64");
    out.resize(*size);
    if (!decode_base64(text, Base64::kStandard, out).ok()) return wrong(field, "isn't base64");
    return {};
  }

  Status decode_commitment(std::string_view text) {
    context_.commitment.fill(0);
    if (text.empty()) return {};
    const auto size = base64_decoded_size(text);
    if (size.ok() && *size == context_.commitment.size() &&
        decode_base64(text, Base64::kStandard, context_.commitment).ok()) {
      return {};
    }
    return wrong("commitment", "is 32 bytes in base64");
  }

  Error wrong(std::string_view field, std::string_view what) const {
    return Error(Code::kInvalid, "keys[" + std::to_string(done_) + "]." + std::string(field) + " " + std::string(what));
  }

  bool refused_by_state() {
    auto refusal = refusal_of_version(keyring_, wrapped_.key_version, call_.target.text());
    if (refusal) refuse(std::move(*refusal));
    return refusal.has_value();
  }

  // An error of the wrapper: one text for all, so that it doesn't tell what of the context was wrong.
  Status refuse(const Error& error) {
    if (error.code() == Code::kInternal || error.code() == Code::kUnavailable) return error;
    refuse(Problem{ProblemCode::kWrapDoesNotOpen, "the wrapped key doesn't open as a key of this dataset and object"});
    return {};
  }

  void refuse(Problem problem) {
    json_.begin_object().name("error").begin_object();
    json_.member("code", kind_of(problem.code).name).member("detail", problem.detail).end_object().end_object();
    if (failed_++ == 0) first_problem_ = std::move(problem);
    ++done_;
  }

  void count_version(std::uint32_t version) {
    same_version_ = done_ == failed_ || (same_version_ && version == version_);
    version_ = version;
    ++done_;
  }

  // ML-6: ids only. Many of them as one digest, which whoever has the list can compare: SHA-256 over each one's length
  // (u16, little endian) and bytes.
  void note_object() {
    if (!objects_digest_) {
      named_objects_ += " " + to_hex(context_.object);
      return;
    }
    std::array<std::uint8_t, 2 + kObjectIdSizeMax> noted;
    store_le(noted.data(), static_cast<std::uint16_t>(context_.object.size()));
    std::ranges::copy(context_.object, noted.begin() + 2);
    objects_digest_->update(ByteView(noted).first(2 + context_.object.size()));
  }

  std::string describe(std::size_t count) {
    std::string text = std::to_string(count) + (count == 1 ? " key" : " keys");
    if (failed_ != 0) text += ", " + std::to_string(failed_) + " refused: " + first_problem_->detail;
    text += objects_digest_ ? "; objects sha256:" + to_hex(objects_digest_->finish()) : "; objects" + named_objects_;
    return text;
  }

  const KeyVerb verb_;
  const Call& call_;
  const CachedKeyring& keyring_;
  crypto::Random& random_;
  Reply reply_;
  JsonWriter json_;
  crypto::WrapContext context_;
  crypto::WrappedKey wrapped_;
  std::size_t done_ = 0, failed_ = 0;
  std::optional<Problem> first_problem_;
  std::uint32_t version_ = 0;
  bool same_version_ = false;
  std::optional<crypto::Sha256> objects_digest_;  // of more than kNamedObjectsMax
  std::string named_objects_;
};

struct Source {
  std::shared_ptr<UnlockedKeyrings> keyrings;
  std::size_t inline_keys;
};

Result<Reply> act_on(const Source& source, KeyVerb verb, const KeyBatch& batch, Call& call,
                     keys::Hierarchy* hierarchy) {
  if (hierarchy == nullptr && batch.items.size() > source.inline_keys) return Reply::to_worker();
  CLOISTER_TRY(const auto keyring, source.keyrings->get(call, hierarchy));
  if (keyring == nullptr) return Reply::to_worker();
  CLOISTER_TRY(Reply reply, BatchRun(verb, call, *keyring, source.keyrings->random()).run(batch));
  reply.outdated = source.keyrings->outdated(call, keyring);
  return reply;
}

}  // namespace

std::vector<Route> data_key_routes(std::shared_ptr<UnlockedKeyrings> keyrings, std::size_t inline_keys) {
  std::vector<Route> routes;
  const Source source{std::move(keyrings), inline_keys};
  const auto add = [&](std::string_view verb, policy::Operation operation, KeyVerb key_verb) {
    const Parse parse = [source, key_verb](Call& call) -> Result<Parsed> {
      Parsed parsed;
      parsed.target = target_of_path(call);
      CLOISTER_TRY(KeyBatch batch, parse_key_batch(call.request.body, key_verb));
      parsed.target.keys = static_cast<std::uint32_t>(batch.items.size());
      parsed.act = [source, key_verb, batch = std::move(batch)](Call& same, keys::Hierarchy* hierarchy) {
        return act_on(source, key_verb, batch, same, hierarchy);
      };
      return parsed;
    };
    const Route route{"POST", "", Access::kPolicy, operation, Recording::kService, Work::kInline, parse};
    add_of_tenant(routes, "/datasets/{dataset}/" + std::string(verb), route);
  };
  add("generate", policy::Operation::kGenerate, KeyVerb::kGenerate);
  add("wrap", policy::Operation::kWrap, KeyVerb::kWrap);
  add("unwrap", policy::Operation::kUnwrap, KeyVerb::kUnwrap);
  add("rewrap", policy::Operation::kRewrap, KeyVerb::kRewrap);
  return routes;
}

}  // namespace cloister::service
