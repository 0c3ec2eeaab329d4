#include "witness_key.h"

#include <algorithm>

#include "base/base64.h"
#include "identity_text.h"

namespace cloister::cli {
namespace {

constexpr std::string_view kPrefix = "PRIVATE+KEY+";
constexpr auto kType = audit::NoteKeyType::kCosignatureV1;

Result<std::string> id_text(const std::string& name, const crypto::SigningKey& key) {
  CLOISTER_TRY(const auto verifier, audit::VerifierKey::make(name, kType, key.public_key()));
  return to_hex(verifier.id());
}

}  // namespace

crypto::Secret witness_key_text(const std::string& name, const crypto::SigningKey& key) {
  const auto id = id_text(name, key);
  CLOISTER_CHECK(id.ok());
  const std::string head = std::string(kPrefix) + name + "+" + *id + "+";
  crypto::Secret raw(1 + crypto::kKeySize);
  const MutableByteView bytes = raw.expose_mutable();
  bytes[0] = static_cast<std::uint8_t>(kType);
  std::ranges::copy(key.seed().secret().expose(), bytes.begin() + 1);
  crypto::Secret text(head.size() + base64_encoded_size(raw.size()) + 1);
  const MutableByteView out = text.expose_mutable();
  std::ranges::copy(as_bytes(head), out.begin());
  encode_base64(bytes, Base64::kStandard, out.subspan(head.size(), base64_encoded_size(raw.size())));
  out.back() = '\n';
  return text;
}

Result<WitnessKey> parse_witness_key(ByteView text) {
  const Error malformed(Code::kInvalid, "it isn't a witness's key");
  std::string_view line = only_line(as_text(text));
  if (!line.starts_with(kPrefix)) return malformed;
  line.remove_prefix(kPrefix.size());
  const std::size_t name_end = line.find('+');
  const std::size_t id_end = name_end == std::string_view::npos ? name_end : line.find('+', name_end + 1);
  if (id_end == std::string_view::npos) return malformed;
  const std::string name(line.substr(0, name_end));
  const std::string_view encoded = line.substr(id_end + 1);
  crypto::Secret raw(1 + crypto::kKeySize);
  const MutableByteView bytes = raw.expose_mutable();
  const auto size = base64_decoded_size(encoded);
  if (!size.ok() || *size != raw.size()) return malformed;
  if (!decode_base64(encoded, Base64::kStandard, bytes).ok()) return malformed;
  if (bytes[0] != static_cast<std::uint8_t>(kType)) return malformed;
  CLOISTER_TRY(auto seed, crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(bytes.subspan(1))));
  WitnessKey key{name, crypto::SigningKey::from_seed(std::move(seed))};
  const auto id = id_text(name, key.key);
  if (!id.ok() || line.substr(name_end + 1, id_end - name_end - 1) != *id) return malformed;
  return key;
}

}  // namespace cloister::cli
