// Names of tokens and of the keys in them, as URIs: "pkcs11:token=cloister;object=root;type=secret-key". RFC 7512.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"

namespace cloister::kms {

struct Pkcs11Uri {
  enum class Type { kSecretKey, kPrivateKey, kPublicKey };

  // Which token. What is absent may be anything.
  std::optional<std::string> token, manufacturer, model, serial;
  // Which object in it.
  std::optional<std::string> object;
  std::optional<Bytes> id;
  std::optional<Type> type;
  // How to get there: the query.
  std::optional<std::string> module_path, pin_source;

  friend bool operator==(const Pkcs11Uri&, const Pkcs11Uri&) = default;
};

inline constexpr std::size_t kPkcs11UriMax = 2048;

// kInvalid for what is no such URI, an attribute twice, text that isn't plain UTF-8, and a PIN in the URI (pin-value):
// secrets don't belong into names. kUnsupported for attributes that aren't understood: RFC 7512 2.3 wants them to match
// nothing. Slots are among those, tokens are never found by their number.
Result<Pkcs11Uri> parse_pkcs11_uri(std::string_view text);

// In one order and one spelling: equal URIs are equal texts.
std::string to_string(const Pkcs11Uri& uri);

}  // namespace cloister::kms
