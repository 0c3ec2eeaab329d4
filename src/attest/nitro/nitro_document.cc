#include "attest/nitro/nitro_document.h"

#include <algorithm>

namespace cloister::attest {
namespace {

constexpr std::uint64_t kPcrLast = 31;
constexpr std::size_t kPcrSize = 48;
constexpr std::size_t kUserDataMax = 1024;
constexpr CborItemLimits kLimits{4, 256, kNitroDocumentSizeMax, CborLengths::kAlsoIndefiniteMaps};

Error malformed(const std::string& what) { return Error(Code::kInvalid, "a Nitro document " + what); }

// Bytes or null; AWS leaves none of the three out.
Status read_optional(const CborItem& payload, std::string_view name, std::optional<ByteView>& out) {
  const CborItem* item = payload.find(name);
  if (item == nullptr) return malformed("has no " + std::string(name));
  if (item->is_null()) return {};
  const auto bytes = item->bytes();
  if (!bytes || bytes->size() > kUserDataMax) return malformed("has a " + std::string(name) + " that can't be");
  out = *bytes;
  return {};
}

Status read_pcrs(const CborItem& payload, NitroDocument& document) {
  const CborItem* pcrs = payload.find("pcrs");
  if (pcrs == nullptr || pcrs->map() == nullptr || pcrs->map()->empty()) return malformed("has no PCRs");
  for (const auto& [number, value] : *pcrs->map()) {
    const auto index = number.unsigned_integer();
    const auto digest = value.bytes();
    if (!index || *index > kPcrLast || !digest || digest->size() != kPcrSize) {
      return malformed("has a PCR that can't be");
    }
    document.pcrs.emplace(*index, *digest);
  }
  for (std::uint64_t index = 0; index < 3; ++index) {
    if (!document.pcrs.contains(index)) return malformed("has no PCR " + std::to_string(index));
  }
  return {};
}

Status read_certificates(const CborItem& payload, NitroDocument& document) {
  const CborItem* certificate = payload.find("certificate");
  const CborItem* bundle = payload.find("cabundle");
  if (certificate == nullptr || !certificate->bytes()) return malformed("has no certificate");
  if (bundle == nullptr || bundle->array() == nullptr || bundle->array()->empty() ||
      bundle->array()->size() > kNitroAuthoritiesMax) {
    return malformed("has no chain of certificates, or too long a one");
  }
  document.certificate = *certificate->bytes();
  for (const CborItem& authority : *bundle->array()) {
    if (!authority.bytes()) return malformed("has a chain of something else than certificates");
    document.authorities.push_back(*authority.bytes());
  }
  return {};
}

Status read_payload(const CborItem& payload, NitroDocument& document) {
  if (payload.map() == nullptr) return malformed("isn't a map");
  const CborItem* module = payload.find("module_id");
  const CborItem* digest = payload.find("digest");
  const CborItem* timestamp = payload.find("timestamp");
  if (module == nullptr || !module->text() || module->text()->empty()) return malformed("names no module");
  if (digest == nullptr || digest->text() != "SHA384") return malformed("has PCRs by another hash than SHA-384");
  if (timestamp == nullptr || !timestamp->unsigned_integer() || *timestamp->unsigned_integer() > INT64_MAX) {
    return malformed("has no time");
  }
  document.module_id = *module->text();
  document.timestamp = Time{static_cast<std::int64_t>(*timestamp->unsigned_integer())};
  CLOISTER_RETURN_IF_ERROR(read_pcrs(payload, document));
  CLOISTER_RETURN_IF_ERROR(read_certificates(payload, document));
  CLOISTER_RETURN_IF_ERROR(read_optional(payload, "public_key", document.public_key));
  CLOISTER_RETURN_IF_ERROR(read_optional(payload, "user_data", document.user_data));
  return read_optional(payload, "nonce", document.nonce);
}

}  // namespace

Result<NitroDocument> NitroDocument::parse(ByteView bytes) {
  const auto outer = parse_cbor_prefix(bytes.first(std::min(bytes.size(), kNitroDocumentSizeMax)), kLimits);
  if (!outer.ok()) return malformed("can't be read: " + outer.error().message());
  const std::size_t size = outer->encoded().size();
  if (bytes.size() - size > kNitroTrailerMax) return malformed("has too many bytes behind it");
  CLOISTER_TRY(const auto message, crypto::CoseSign1::of(*outer));
  if (message.algorithm() != crypto::SignatureAlgorithm::kEcdsaSha384) return malformed("isn't signed by ES384");
  const auto payload = parse_cbor(message.unverified_payload(), kLimits);
  if (!payload.ok()) return malformed("has a payload that can't be read: " + payload.error().message());
  NitroDocument document{message, {}, {}, {}, {}, {}, {}, {}, {}, size};
  CLOISTER_RETURN_IF_ERROR(read_payload(*payload, document));
  return document;
}

}  // namespace cloister::attest
