#include "model/signers.h"

#include <algorithm>

#include "base/toml_fields.h"
#include "crypto/pem.h"
#include "model/sign.h"

namespace cloister::model {
namespace {

constexpr std::string_view kAny = "any";
constexpr std::size_t kSignersMax = 256;
constexpr std::size_t kRootsMax = 64;

Status read_roots(const TomlFields& fields, const ReadNamed& read, TrustedSigner& signer) {
  CLOISTER_TRY(const std::string file, fields.text("roots"));
  CLOISTER_TRY(const Bytes text, read(file));
  CLOISTER_TRY(signer.roots, crypto::Certificate::parse_pem(as_text(text), kRootsMax));
  CLOISTER_TRY(const auto words, fields.words("identity"));
  for (const TomlFields::Word& word : words) {
    if (word.text == kAny) {
      signer.any_identity = true;
    } else {
      signer.identities.push_back(word.text);
    }
  }
  if (signer.any_identity && !signer.identities.empty()) {
    return fields.error(fields.line_of("identity"), "any, or a list of identities, but not both");
  }
  return {};
}

Result<TrustedSigner> read_signer(const TomlTable& table, const ReadNamed& read) {
  static constexpr std::string_view kKeys[] = {"name", "key", "roots", "identity", "until"};
  TomlFields fields(table, "[[signer]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  TrustedSigner signer;
  CLOISTER_TRY(signer.name, fields.text("name"));
  fields.set_what("[[signer]] \"" + signer.name + "\"");
  CLOISTER_TRY(signer.until, fields.optional_time("until"));
  if (fields.has("key") == fields.has("roots")) return fields.error(fields.line(), "needs a key, or roots");
  if (fields.has("roots")) {
    CLOISTER_RETURN_IF_ERROR(read_roots(fields, read, signer));
    return signer;
  }
  if (fields.has("identity")) return fields.error(fields.line_of("identity"), "a key has no identity");
  CLOISTER_TRY(const std::string file, fields.text("key"));
  CLOISTER_TRY(const Bytes text, read(file));
  auto key = parse_public_key(as_text(text));
  if (!key.ok()) return key.error().with_context("read " + file);
  signer.key = std::move(key).value();
  return signer;
}

}  // namespace

Result<crypto::PublicKey> parse_public_key(std::string_view pem) {
  CLOISTER_TRY(const std::vector<Bytes> blocks, crypto::parse_pem(pem, "PUBLIC KEY", 1));
  CLOISTER_TRY(crypto::PublicKey key, crypto::PublicKey::from_spki(blocks.front()));
  CLOISTER_RETURN_IF_ERROR(check_key_type(key));
  return key;
}

Result<std::vector<TrustedSigner>> parse_signers(std::string_view toml, const ReadNamed& read) {
  CLOISTER_TRY(const TomlDocument document, parse_toml(toml));
  if (!document.top.entries.empty()) return Error(Code::kInvalid, "line 1: only [[signer]] may stand here");
  std::vector<TrustedSigner> out;
  for (const TomlTable& table : document.tables) {
    if (table.name != "signer") {
      return Error(Code::kInvalid, "line " + std::to_string(table.line) + ": only [[signer]] may stand here");
    }
    if (out.size() == kSignersMax) return Error(Code::kInvalid, "there are too many signers");
    CLOISTER_TRY(TrustedSigner signer, read_signer(table, read));
    const auto same = [&](const TrustedSigner& other) { return other.name == signer.name; };
    if (std::ranges::any_of(out, same)) {
      return Error(Code::kInvalid, "line " + std::to_string(table.line) + ": " + signer.name + " is there twice");
    }
    out.push_back(std::move(signer));
  }
  if (out.empty()) return Error(Code::kInvalid, "the file names no signer");
  return out;
}

}  // namespace cloister::model
