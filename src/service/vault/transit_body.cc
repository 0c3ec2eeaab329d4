#include "service/vault/transit_body.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/base64.h"
#include "service/json_scanner.h"

namespace cloister::service {
namespace {

using Kind = JsonScanner::Kind;
using Text = TransitItem::Text;

Error invalid(std::string message) { return Error(Code::kInvalid, std::move(message)); }

// Cut, so that an answer isn't made of what was sent.
std::string shown(std::string_view name) { return std::string(name.substr(0, 32)); }

// Which verbs take a field: bits by TransitVerb.
constexpr unsigned bit(TransitVerb verb) { return 1U << static_cast<unsigned>(verb); }
constexpr unsigned kSealing = bit(TransitVerb::kEncrypt) | bit(TransitVerb::kDecrypt) | bit(TransitVerb::kRewrap);
constexpr unsigned kProving = bit(TransitVerb::kHmac) | bit(TransitVerb::kSign) | bit(TransitVerb::kVerify);

struct ItemField {
  std::string_view name;
  Text TransitItem::* target;
  unsigned verbs;
};
constexpr std::array<ItemField, 7> kItemFields{{
    {"plaintext", &TransitItem::plaintext, bit(TransitVerb::kEncrypt)},
    {"ciphertext", &TransitItem::ciphertext, bit(TransitVerb::kDecrypt) | bit(TransitVerb::kRewrap)},
    {"input", &TransitItem::input, kProving},
    {"hmac", &TransitItem::hmac, bit(TransitVerb::kVerify)},
    {"signature", &TransitItem::signature, bit(TransitVerb::kVerify)},
    {"associated_data", &TransitItem::associated_data, kSealing | bit(TransitVerb::kDataKey)},
    {"reference", &TransitItem::reference, kSealing | kProving},
}};

struct OptionField {
  std::string_view name;
  Text TransitBody::* target;
};
constexpr std::array<OptionField, 5> kOptionFields{{
    {"algorithm", &TransitBody::algorithm},
    {"hash_algorithm", &TransitBody::algorithm},
    {"signature_algorithm", &TransitBody::signature_algorithm},
    {"marshaling_algorithm", &TransitBody::marshaling_algorithm},
    {"salt_length", &TransitBody::salt_length},
}};

class TransitParser {
 public:
  TransitParser(MutableByteView body, TransitVerb verb) : scanner_(body), verb_(verb) {}

  Result<TransitBody> parse() {
    TransitItem single;
    std::vector<std::string_view> seen;
    std::string_view name;
    if (scanner_.enter_object()) {
      while (scanner_.next_member(name)) {
        if (std::ranges::find(seen, name) != seen.end()) return invalid("the body has " + shown(name) + " twice");
        if (seen.size() == kFieldsMax) return invalid("the body has more fields than are taken");
        seen.push_back(name);
        CLOISTER_RETURN_IF_ERROR(top_field(name, single));
      }
    }
    if (scanner_.end(); !scanner_.ok()) return scanner_.status().error();
    if (!body_.batch) body_.items.push_back(single);
    return std::move(body_);
  }

 private:
  static constexpr std::size_t kFieldsMax = 24;

  bool is(unsigned verbs) const { return (bit(verb_) & verbs) != 0; }

  Status top_field(std::string_view name, TransitItem& single) {
    // Of the key: some clients send it here too. The path's is the one that counts.
    if (name == "name") {
      Text ignored;
      return text(name, ignored);
    }
    if (name == "batch_input" && is(kSealing | kProving)) return batch();
    if (name == "partial_failure_response_code" && is(kSealing)) {
      CLOISTER_RETURN_IF_ERROR(number(name, body_.partial_failure_status));
      const std::uint64_t status = body_.partial_failure_status;
      if (status == 0 || (status >= 200 && status <= 599)) return {};
      return invalid("partial_failure_response_code is from 200 to 599");
    }
    if (name == "bits" && is(bit(TransitVerb::kDataKey))) return number(name, body_.bits);
    if (is(kProving)) {
      if (name == "prehashed") return flag(name, body_.prehashed);
      for (const OptionField& field : kOptionFields) {
        if (field.name == name) return text(name, body_.*field.target);
      }
    }
    return item_field(name, single);
  }

  Status item_field(std::string_view name, TransitItem& item) {
    for (const ItemField& field : kItemFields) {
      if (field.name == name && is(field.verbs)) return text(name, item.*field.target);
    }
    if (name == "key_version") return number(name, item.key_version);
    return without_meaning_here(name);
  }

  // What Vault would act on for keys of a kind that there isn't here.
  Status without_meaning_here(std::string_view name) {
    if (name == "context" || name == "nonce") {
      Text value;
      CLOISTER_RETURN_IF_ERROR(text(name, value));
      if (!value || value->empty()) return {};
      return invalid(name == "context" ? "context is for derived keys, and there are none: bind it as associated_data"
                                       : "nonce is for convergent encryption, which there is none of");
    }
    if (name == "convergent_encryption" && is(kSealing)) {
      bool wanted = false;
      CLOISTER_RETURN_IF_ERROR(flag(name, wanted));
      return wanted ? Status(invalid("there is no convergent encryption")) : ok_status();
    }
    if (name == "type" && is(bit(TransitVerb::kEncrypt))) {
      Text value;
      CLOISTER_RETURN_IF_ERROR(text(name, value));
      if (!value || *value == "aes256-gcm96") return {};
      return invalid("keys that encrypt are of the type aes256-gcm96");
    }
    return invalid("the body has an unknown field " + shown(name));
  }

  Status batch() {
    if (scanner_.peek() == Kind::kNull) return scanner_.null() ? ok_status() : scanner_.status();
    body_.batch = true;
    if (!scanner_.enter_array()) return scanner_.status();
    while (scanner_.next_element()) {
      if (body_.items.size() == kTransitItemsMax) {
        return invalid("batch_input is of at most " + std::to_string(kTransitItemsMax) + " items");
      }
      TransitItem item;
      CLOISTER_RETURN_IF_ERROR(
          batch_item(item).with_context("batch_input[" + std::to_string(body_.items.size()) + "]"));
      body_.items.push_back(item);
    }
    if (!scanner_.ok()) return scanner_.status();
    return body_.items.empty() ? Status(invalid("batch_input has no item")) : ok_status();
  }

  Status batch_item(TransitItem& item) {
    if (!scanner_.enter_object()) return scanner_.status();
    std::array<std::string_view, kFieldsMax> seen;
    std::size_t count = 0;
    std::string_view name;
    while (scanner_.next_member(name)) {
      if (std::ranges::find(seen.begin(), seen.begin() + count, name) != seen.begin() + count) {
        return invalid("has " + shown(name) + " twice");
      }
      if (count == kFieldsMax) return invalid("has more fields than are taken");
      seen[count++] = name;
      CLOISTER_RETURN_IF_ERROR(item_field(name, item));
    }
    return scanner_.status();
  }

  Status text(std::string_view name, Text& value) {
    if (scanner_.peek() == Kind::kNull) return scanner_.null() ? ok_status() : scanner_.status();
    if (scanner_.peek() != Kind::kText) return invalid(shown(name) + " is no text");
    std::string_view found;
    if (!scanner_.string(found)) return scanner_.status();
    value = found;
    return {};
  }

  // Vault takes numbers that are written as text, too.
  Status number(std::string_view name, std::uint64_t& value) {
    if (scanner_.peek() == Kind::kText) {
      std::string_view digits;
      if (!scanner_.string(digits)) return scanner_.status();
      const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (read.ec == std::errc() && read.ptr == digits.data() + digits.size()) return {};
      return invalid(shown(name) + " is no whole number");
    }
    if (scanner_.peek() == Kind::kNull) return scanner_.null() ? ok_status() : scanner_.status();
    return scanner_.number(value) ? ok_status() : scanner_.status();
  }

  Status flag(std::string_view name, bool& value) {
    if (scanner_.peek() == Kind::kNull) return scanner_.null() ? ok_status() : scanner_.status();
    if (scanner_.peek() != Kind::kBoolean) return invalid(shown(name) + " is neither true nor false");
    return scanner_.boolean(value) ? ok_status() : scanner_.status();
  }

  JsonScanner scanner_;
  const TransitVerb verb_;
  TransitBody body_;
};

constexpr std::string_view kPrefix = "vault:v";

}  // namespace

Result<TransitBody> parse_transit_body(MutableByteView body, TransitVerb verb) {
  return TransitParser(body, verb).parse();
}

std::optional<VaultText> parse_vault_text(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  VaultText parsed;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, parsed.version);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != ':' || text.front() == '0') return std::nullopt;
  parsed.base64 = {read.ptr + 1, static_cast<std::size_t>(end - read.ptr - 1)};
  return parsed;
}

std::string vault_text(std::uint32_t version, ByteView bytes) {
  return std::string(kPrefix) + std::to_string(version) + ":" + to_base64(bytes);
}

}  // namespace cloister::service
