// Real PKCS#11 tokens in a folder of the test's own: SoftHSM2's, and NSS softoken's, which disagrees with it in places.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "kms/pkcs11/pkcs11_key.h"
#include "tests/support/temp_dir.h"

namespace cloister::testing {

// One at a time in a process: SoftHSM finds its tokens by an environment variable.
class TestToken {
 public:
  // Null where the module or its tools aren't installed.
  static std::unique_ptr<TestToken> start_softhsm(const std::string& label = "cloister-test");
  static std::unique_ptr<TestToken> start_nss(const std::string& label = "cloister-test");
  ~TestToken();

  const Path& module() const { return module_; }
  const std::string& label() const { return label_; }
  kms::Pkcs11Location location(std::string key_label) const {
    return {module_, label_, std::move(key_label), parameters_};
  }
  crypto::Secret pin() const { return crypto::Secret::copy_of(as_bytes(kPin)); }
  // The folder in which SoftHSM keeps its tokens is away, and back: SoftHSM only.
  void take_away();
  void bring_back();
  // A second token of the same module: SoftHSM only.
  bool add_softhsm_token(const std::string& label);

  static constexpr std::string_view kPin = "correct-1234";

 private:
  TestToken(Path module, std::string label) : module_(std::move(module)), label_(std::move(label)) {}
  Path module_;
  std::string label_;
  std::string parameters_;
  TempDir directory_;
};

}  // namespace cloister::testing
