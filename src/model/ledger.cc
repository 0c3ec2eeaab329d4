#include "model/ledger.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/json.h"
#include "base/reader.h"
#include "model/sign.h"

namespace cloister::model {
namespace {

constexpr JsonLimits kLimits{.size = kLedgerSizeMax, .depth = 4, .values = 8 * kLedgerVersionsMax};
constexpr std::size_t kTextMax = 1024;

Error corrupt(std::string message) { return Error(Code::kCorrupt, std::move(message)); }

Result<std::string> text_of(const JsonValue& value, std::string_view name) {
  const JsonValue* const found = value.find(name);
  if (found == nullptr || found->string() == nullptr || found->string()->empty() ||
      found->string()->size() > kTextMax || !is_plain_utf8(*found->string())) {
    return corrupt("the ledger has no " + std::string(name) + " where it needs one");
  }
  return *found->string();
}

Result<crypto::Sha256Digest> parse_digest(std::string_view text) {
  crypto::Sha256Digest digest;
  const auto bytes = from_hex(text);
  if (!bytes.ok() || bytes->size() != digest.size()) return corrupt("a digest of the ledger isn't SHA-256");
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

Result<LedgerVersion> read_version(const JsonValue& entry) {
  LedgerVersion out;
  CLOISTER_TRY(out.version, text_of(entry, "version"));
  CLOISTER_TRY(const std::string root, text_of(entry, "root"));
  CLOISTER_TRY(out.root, parse_digest(root));
  if (entry.find("withdrawn") != nullptr) {
    CLOISTER_TRY(out.withdrawn, text_of(entry, "withdrawn"));
  }
  return out;
}

std::string serialize(const Ledger& ledger) {
  JsonValue::Array versions;
  for (const LedgerVersion& version : ledger.versions) {
    JsonValue::Object entry{{"version", version.version}, {"root", to_hex(version.root)}};
    if (version.withdrawn) entry.emplace_back("withdrawn", *version.withdrawn);
    versions.emplace_back(std::move(entry));
  }
  return JsonValue(JsonValue::Object{
                       {"model", ledger.model}, {"sequence", ledger.sequence}, {"versions", std::move(versions)}})
      .serialize();
}

// A number behind the last would be 0, and no reader takes that.
Status check_not_last(const Ledger& ledger) {
  if (ledger.sequence < std::numeric_limits<std::uint64_t>::max()) return {};
  return Error(Code::kInvalid, "the ledger has the last number there is");
}

Status check_text(const std::string& text, std::string_view what) {
  if (!text.empty() && text.size() <= kTextMax && is_plain_utf8(text)) return {};
  return Error(Code::kInvalid, std::string(what) + " is a short text");
}

}  // namespace

Result<Ledger> parse_ledger(ByteView payload) {
  const auto root = parse_json(as_text(payload), kLimits);
  if (!root.ok()) return corrupt("the ledger " + root.error().message());
  Ledger ledger;
  CLOISTER_TRY(ledger.model, text_of(*root, "model"));
  const JsonValue* const sequence = root->find("sequence");
  if (sequence == nullptr || sequence->unsigned_integer().value_or(0) == 0) return corrupt("the ledger has no number");
  ledger.sequence = *sequence->unsigned_integer();
  const JsonValue* const versions = root->find("versions");
  if (versions == nullptr || versions->array() == nullptr || versions->array()->size() > kLedgerVersionsMax) {
    return corrupt("the ledger has no list of versions");
  }
  for (const JsonValue& entry : *versions->array()) {
    CLOISTER_TRY(LedgerVersion version, read_version(entry));
    for (const LedgerVersion& other : ledger.versions) {
      if (other.version == version.version || other.root == version.root) {
        return corrupt("the ledger has a version twice");
      }
    }
    ledger.versions.push_back(std::move(version));
  }
  return ledger;
}

Status approve(Ledger& ledger, const std::string& version, const crypto::Sha256Digest& root) {
  CLOISTER_RETURN_IF_ERROR(check_not_last(ledger));
  CLOISTER_RETURN_IF_ERROR(check_text(version, "a version"));
  for (const LedgerVersion& other : ledger.versions) {
    if (other.version == version) return Error(Code::kExists, "version " + version + " is in the ledger already");
    if (other.root == root) return Error(Code::kExists, "these files are version " + other.version + " already");
  }
  if (ledger.versions.size() == kLedgerVersionsMax) return Error(Code::kInvalid, "the ledger is full");
  ledger.versions.push_back({version, root, {}});
  ++ledger.sequence;
  return {};
}

Status withdraw(Ledger& ledger, const std::string& version, const std::string& reason) {
  CLOISTER_RETURN_IF_ERROR(check_not_last(ledger));
  CLOISTER_RETURN_IF_ERROR(check_text(reason, "a reason"));
  const auto found = std::ranges::find(ledger.versions, version, &LedgerVersion::version);
  if (found == ledger.versions.end()) return Error(Code::kNotFound, "the ledger has no version " + version);
  if (found->withdrawn) return Error(Code::kExists, "version " + version + " was withdrawn already");
  found->withdrawn = reason;
  ++ledger.sequence;
  return {};
}

Result<Bundle> sign_ledger(const Ledger& ledger, crypto::Signer& signer) {
  const std::string payload = serialize(ledger);
  if (const auto read = parse_ledger(as_bytes(payload)); !read.ok()) return unreadable(read.error());
  return sign_payload(kLedgerPayloadType, payload, signer, {});
}

Result<SignedLedger> verify_ledger(const Bundle& bundle, std::span<const TrustedSigner> trusted, Time now) {
  CLOISTER_TRY(Voucher voucher, vouch(bundle, trusted, now));
  if (bundle.payload_type != kLedgerPayloadType) return Error(Code::kUnsupported, "a signature over no ledger");
  CLOISTER_TRY(Ledger ledger, parse_ledger(bundle.payload));
  return SignedLedger{std::move(voucher), std::move(ledger)};
}

Status check_signer(const Voucher& ledger, const Voucher& model) {
  if (ledger.signer == model.signer && ledger.identity == model.identity) return {};
  return Error(Code::kDenied, "the ledger is signed by " + ledger.signer + ", and the model by " + model.signer);
}

Status check_version(const Ledger& ledger, const crypto::Sha256Digest& root) {
  const auto found = std::ranges::find(ledger.versions, root, &LedgerVersion::root);
  if (found == ledger.versions.end()) {
    return Error(Code::kDenied, "the ledger of " + ledger.model + " has no version with these files");
  }
  if (!found->withdrawn) return {};
  return Error(Code::kDenied,
               "version " + found->version + " of " + ledger.model + " was withdrawn: " + *found->withdrawn);
}

Result<LedgerFloor> raise_floor(const std::optional<LedgerFloor>& floor, const Ledger& ledger, const Bundle& bundle) {
  const LedgerFloor own{ledger.sequence, crypto::sha256(bundle.payload), ledger.model};
  if (floor && floor->model != own.model) {
    return Error(Code::kDenied, "the ledger is of " + own.model + ", and what was seen is of " + floor->model);
  }
  if (!floor || own.sequence > floor->sequence) return own;
  if (own.sequence < floor->sequence) {
    return Error(Code::kDenied, "the ledger is number " + std::to_string(own.sequence) + ", and number " +
                                    std::to_string(floor->sequence) + " was seen already");
  }
  if (own.digest == floor->digest) return own;
  return Error(Code::kDenied, "there are two ledgers with number " + std::to_string(own.sequence));
}

std::string to_text(const LedgerFloor& floor) {
  return std::to_string(floor.sequence) + " " + to_hex(floor.digest) + " " + floor.model + "\n";
}

Result<LedgerFloor> parse_floor(std::string_view text) {
  LedgerFloor floor;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, floor.sequence);
  const Error none = corrupt("it doesn't say which ledger was seen");
  if (failed != std::errc() || rest == end || *rest != ' ' || !text.ends_with('\n')) return none;
  const std::string_view more(rest + 1, end - 1);
  const std::size_t blank = more.find(' ');
  if (blank == std::string_view::npos || blank + 1 == more.size()) return none;
  CLOISTER_TRY(floor.digest, parse_digest(more.substr(0, blank)));
  floor.model = more.substr(blank + 1);
  return floor;
}

}  // namespace cloister::model
