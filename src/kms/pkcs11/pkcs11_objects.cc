#include "kms/pkcs11/pkcs11_objects.h"

#include <nlohmann/json.hpp>

namespace cloister::kms {
namespace {

constexpr std::size_t kAttributeMax = 1024;

// Reads attributes of one object; a token may refuse each on its own.
class Attributes {
 public:
  Attributes(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
      : functions_(functions), session_(session), object_(object) {}

  std::optional<Bytes> bytes(CK_ATTRIBUTE_TYPE type) const {
    Bytes value(kAttributeMax);
    CK_ATTRIBUTE attribute{type, value.data(), value.size()};
    if (functions_.C_GetAttributeValue(session_, object_, &attribute, 1) != CKR_OK) return std::nullopt;
    if (attribute.ulValueLen > value.size()) return std::nullopt;
    value.resize(attribute.ulValueLen);
    return value;
  }
  // NSS gives numbers only into room of exactly their size.
  std::optional<CK_ULONG> number(CK_ATTRIBUTE_TYPE type) const {
    CK_ULONG value = 0;
    CK_ATTRIBUTE attribute{type, &value, sizeof value};
    if (functions_.C_GetAttributeValue(session_, object_, &attribute, 1) != CKR_OK) return std::nullopt;
    return attribute.ulValueLen == sizeof value ? std::optional<CK_ULONG>(value) : std::nullopt;
  }
  std::optional<bool> flag(CK_ATTRIBUTE_TYPE type) const {
    const auto value = bytes(type);
    if (!value || value->size() != sizeof(CK_BBOOL)) return std::nullopt;
    return value->front() == CK_TRUE;
  }
  // CK_DATE is eight digits.
  std::optional<std::string> date(CK_ATTRIBUTE_TYPE type) const {
    const auto value = bytes(type);
    if (!value || (!value->empty() && value->size() != sizeof(CK_DATE))) return std::nullopt;
    const std::string text(as_text(*value));
    return text.find_first_not_of(std::string_view("0 \0", 3)) == std::string::npos ? "" : text;
  }

 private:
  const CK_FUNCTION_LIST& functions_;
  const CK_SESSION_HANDLE session_;
  const CK_OBJECT_HANDLE object_;
};

CK_RV find_handles(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, std::vector<CK_ATTRIBUTE> pattern,
                   std::vector<CK_OBJECT_HANDLE>& found) {
  CK_RV code = functions.C_FindObjectsInit(session, pattern.data(), pattern.size());
  if (code != CKR_OK) return code;
  while (found.size() < kTokenKeysMax) {
    CK_OBJECT_HANDLE handles[64];
    CK_ULONG count = 0;
    code = functions.C_FindObjects(session, handles, std::size(handles), &count);
    if (code != CKR_OK || count == 0) break;
    found.insert(found.end(), handles, handles + std::min<CK_ULONG>(count, std::size(handles)));
  }
  functions.C_FindObjectsFinal(session);
  return code;
}

TokenKeyFacts read_facts(const Attributes& read, CK_OBJECT_CLASS object_class, CK_KEY_TYPE type) {
  TokenKeyFacts facts;
  facts.object_class = object_class;
  facts.type = type;
  facts.label = std::string(as_text(read.bytes(CKA_LABEL).value_or(Bytes())));
  facts.id = read.bytes(CKA_ID).value_or(Bytes());
  facts.bits = type == CKK_AES ? 8 * read.number(CKA_VALUE_LEN).value_or(0)
                               : 8 * read.bytes(CKA_MODULUS).value_or(Bytes()).size();
  facts.encrypts = read.flag(CKA_ENCRYPT);
  facts.decrypts = read.flag(CKA_DECRYPT);
  facts.wraps = read.flag(CKA_WRAP);
  facts.unwraps = read.flag(CKA_UNWRAP);
  facts.sensitive = read.flag(CKA_SENSITIVE);
  facts.extractable = read.flag(CKA_EXTRACTABLE);
  facts.always_sensitive = read.flag(CKA_ALWAYS_SENSITIVE);
  facts.never_extractable = read.flag(CKA_NEVER_EXTRACTABLE);
  facts.local = read.flag(CKA_LOCAL);
  facts.modifiable = read.flag(CKA_MODIFIABLE);
  facts.destroyable = read.flag(CKA_DESTROYABLE);
  facts.wraps_with_trusted = read.flag(CKA_WRAP_WITH_TRUSTED);
  facts.start_date = read.date(CKA_START_DATE);
  facts.end_date = read.date(CKA_END_DATE);
  facts.made_by = read.number(CKA_KEY_GEN_MECHANISM);
  return facts;
}

std::vector<CK_ATTRIBUTE> pattern_of(CK_OBJECT_CLASS& object_class, CK_KEY_TYPE& type, CK_BBOOL& yes,
                                     const Pkcs11Uri& uri) {
  std::vector<CK_ATTRIBUTE> pattern{{CKA_CLASS, &object_class, sizeof object_class},
                                    {CKA_KEY_TYPE, &type, sizeof type},
                                    {CKA_TOKEN, &yes, sizeof yes}};
  if (uri.object) pattern.push_back({CKA_LABEL, const_cast<char*>(uri.object->data()), uri.object->size()});
  if (uri.id) pattern.push_back({CKA_ID, const_cast<std::uint8_t*>(uri.id->data()), uri.id->size()});
  return pattern;
}

}  // namespace

CK_RV find_token_keys(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, const Pkcs11Uri& uri,
                      std::vector<TokenKey>& found) {
  struct Kind {
    CK_OBJECT_CLASS object_class;
    CK_KEY_TYPE type;
    Pkcs11Uri::Type named;
  };
  Kind kinds[] = {{CKO_SECRET_KEY, CKK_AES, Pkcs11Uri::Type::kSecretKey},
                  {CKO_PRIVATE_KEY, CKK_RSA, Pkcs11Uri::Type::kPrivateKey}};
  CK_BBOOL yes = CK_TRUE;
  found.clear();
  for (Kind& kind : kinds) {
    if (uri.type && *uri.type != kind.named) continue;
    std::vector<CK_OBJECT_HANDLE> handles;
    const CK_RV code = find_handles(functions, session, pattern_of(kind.object_class, kind.type, yes, uri), handles);
    if (code != CKR_OK) return code;
    for (const CK_OBJECT_HANDLE handle : handles) {
      if (found.size() == kTokenKeysMax) return CKR_OK;
      found.push_back({handle, read_facts({functions, session, handle}, kind.object_class, kind.type)});
    }
  }
  return CKR_OK;
}

CK_RV find_public_half(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE session, const Bytes& id,
                       CK_OBJECT_HANDLE& found) {
  CK_OBJECT_CLASS object_class = CKO_PUBLIC_KEY;
  CK_KEY_TYPE type = CKK_RSA;
  CK_BBOOL yes = CK_TRUE;
  Pkcs11Uri uri;
  uri.id = id;
  std::vector<CK_OBJECT_HANDLE> handles;
  const CK_RV code = find_handles(functions, session, pattern_of(object_class, type, yes, uri), handles);
  found = code == CKR_OK && handles.size() == 1 ? handles.front() : CK_OBJECT_HANDLE{CK_INVALID_HANDLE};
  return code;
}

std::string algorithm_of(const TokenKeyFacts& facts) {
  const std::string family = facts.type == CKK_AES ? "AES" : "RSA";
  return facts.bits == 0 ? family : family + "-" + std::to_string(facts.bits);
}

std::string to_json(const TokenKeyFacts& facts) {
  nlohmann::ordered_json json{
      {"algorithm", algorithm_of(facts)}, {"CKA_LABEL", facts.label}, {"CKA_ID", to_hex(facts.id)}};
  const auto add = [&json](const char* name, const auto& value) {
    if (value) json[name] = *value;
  };
  add("CKA_ENCRYPT", facts.encrypts);
  add("CKA_DECRYPT", facts.decrypts);
  add("CKA_WRAP", facts.wraps);
  add("CKA_UNWRAP", facts.unwraps);
  add("CKA_SENSITIVE", facts.sensitive);
  add("CKA_EXTRACTABLE", facts.extractable);
  add("CKA_ALWAYS_SENSITIVE", facts.always_sensitive);
  add("CKA_NEVER_EXTRACTABLE", facts.never_extractable);
  add("CKA_LOCAL", facts.local);
  add("CKA_MODIFIABLE", facts.modifiable);
  add("CKA_DESTROYABLE", facts.destroyable);
  add("CKA_WRAP_WITH_TRUSTED", facts.wraps_with_trusted);
  add("CKA_START_DATE", facts.start_date);
  add("CKA_END_DATE", facts.end_date);
  add("CKA_KEY_GEN_MECHANISM", facts.made_by);
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace cloister::kms
