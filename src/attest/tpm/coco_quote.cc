#include "attest/tpm/coco_quote.h"

#include "attest/tpm/tpm_bytes.h"
#include "attest/tpm/tpm_quote.h"
#include "base/base64.h"
#include "base/json.h"

namespace cloister::attest {
namespace {

constexpr JsonLimits kLimits{std::size_t{1} << 18, 6, 256};
constexpr std::size_t kRegisters = 24;
constexpr std::uint16_t kRsaSsa = 0x0014;
constexpr std::uint16_t kSha256 = 0x000B;

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "a TPM's evidence in JSON: its " + std::string(what) + " is missing or malformed");
}

enum class Coding { kHex, kBase64, kBase64Url };

Result<Bytes> member(const JsonValue& json, std::string_view name, Coding coding) {
  const JsonValue* value = json.find(name);
  if (value == nullptr || value->string() == nullptr) return malformed(name);
  std::string_view text = *value->string();
  // Theirs is padded in spite of its alphabet.
  if (coding == Coding::kBase64Url) text = text.substr(0, text.find_last_not_of('=') + 1);
  auto bytes = coding == Coding::kHex ? from_hex(text)
                                      : from_base64(text, coding == Coding::kBase64 ? Base64::kStandard : Base64::kUrl);
  if (!bytes.ok() || bytes->empty()) return malformed(name);
  return bytes;
}

Result<Bytes> registers(const JsonValue& quote_json, ByteView quote_bytes) {
  CLOISTER_TRY(const TpmQuote quote, parse_tpm_quote(quote_bytes));
  const JsonValue* list = quote_json.find("pcrs");
  if (list == nullptr || list->array() == nullptr || list->array()->size() > kRegisters) return malformed("pcrs");
  PcrValues values;
  std::uint8_t number = 0;
  for (const JsonValue& value : *list->array()) {
    if (value.string() == nullptr) return malformed("pcrs");
    auto bytes = from_hex(*value.string());
    if (!bytes.ok()) return malformed("pcrs");
    values.emplace(std::pair(TpmHash::kSha256, number++), std::move(bytes).value());
  }
  return concatenate_pcrs(quote, values);
}

Result<Evidence> read_plain(const JsonValue& json, const JsonValue& quote) {
  Evidence evidence{Kind::kTpm, {}};
  CLOISTER_TRY(evidence.parts["quote"], member(quote, "message", Coding::kBase64));
  CLOISTER_TRY(evidence.parts["signature"], member(quote, "signature", Coding::kBase64));
  CLOISTER_TRY(evidence.parts["ak"], member(json, "ak_public", Coding::kBase64));
  CLOISTER_TRY(evidence.parts["pcrs"], registers(quote, evidence.part("quote")));
  return evidence;
}

// The signature is there without what a TPMT_SIGNATURE has before it.
Result<Evidence> read_azure(const JsonValue& json, const JsonValue& quote) {
  const bool snp = json.find("td_quote") == nullptr;
  Evidence evidence{snp ? Kind::kAzureSnpVtpm : Kind::kAzureTdxVtpm, {}};
  CLOISTER_TRY(evidence.parts["quote"], member(quote, "message", Coding::kHex));
  CLOISTER_TRY(const Bytes signature, member(quote, "signature", Coding::kHex));
  if (signature.size() > 1024) return malformed("signature");
  evidence.parts["signature"] = TpmWriter().u16(kRsaSsa).u16(kSha256).sized(signature).take();
  CLOISTER_TRY(evidence.parts["pcrs"], registers(quote, evidence.part("quote")));
  CLOISTER_TRY(evidence.parts["hcl"], member(json, "hcl_report", Coding::kBase64Url));
  if (!snp) {
    CLOISTER_TRY(evidence.parts["td-quote"], member(json, "td_quote", Coding::kBase64Url));
  } else if (json.find("vcek") != nullptr) {
    CLOISTER_TRY(evidence.parts["vcek"], member(json, "vcek", Coding::kBase64Url));
  }
  return evidence;
}

}  // namespace

Result<std::optional<Evidence>> read_coco_quote(ByteView file) {
  if (file.empty() || file[0] != '{') return std::optional<Evidence>();
  const auto json = parse_json(as_text(file), kLimits);
  const JsonValue* quote = json.ok() ? json->find("tpm_quote") : nullptr;
  if (quote == nullptr) return std::optional<Evidence>();
  if (json->find("hcl_report") != nullptr) {
    CLOISTER_TRY(Evidence evidence, read_azure(*json, *quote));
    return std::optional(std::move(evidence));
  }
  CLOISTER_TRY(Evidence evidence, read_plain(*json, *quote));
  return std::optional(std::move(evidence));
}

}  // namespace cloister::attest
