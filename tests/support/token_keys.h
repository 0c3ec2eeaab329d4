// Keys made in a test token by the module itself, of every kind that a Pkcs11Provider takes.
#pragma once

#include <p11-kit/pkcs11.h>

#include "tests/support/softhsm.h"

namespace cloister::testing {

// A logged-in session of its own with the token; the module stays initialised as long as this lives.
class TokenKeys {
 public:
  explicit TokenKeys(const TestToken& token);
  ~TokenKeys();
  TokenKeys(const TokenKeys&) = delete;
  TokenKeys& operator=(const TokenKeys&) = delete;

  // What the key may be used for.
  enum class Use { kEncrypts, kWraps, kNothing };
  // Each returns the module's code.
  CK_RV make_aes(const std::string& label, std::uint8_t id, Use use);
  CK_RV make_extractable_aes(const std::string& label, std::uint8_t id);
  CK_RV make_rsa(const std::string& label, std::uint8_t id);
  CK_RV destroy(const std::string& label);

 private:
  CK_FUNCTION_LIST* functions_ = nullptr;
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
};

}  // namespace cloister::testing
