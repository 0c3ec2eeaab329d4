// A TPM 2.0 in software for a test: swtpm, on two loopback ports that the system chose.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "tests/support/temp_dir.h"

namespace cloister::testing {

class Swtpm {
 public:
  // Null where swtpm isn't installed. It dies with the test.
  static std::unique_ptr<Swtpm> start();
  ~Swtpm();
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;

  // As tpm2-tss has it.
  std::string transport() const { return "swtpm:host=127.0.0.1,port=" + std::to_string(port_); }

 private:
  explicit Swtpm(std::uint16_t port) : port_(port) {}
  bool run();
  std::uint16_t port_;
  pid_t child_ = -1;
  TempDir state_;
};

}  // namespace cloister::testing
