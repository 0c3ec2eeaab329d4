// Where opened plaintext goes that isn't written to a file: standard output, never as binary to a terminal.
#pragma once

#include "base/file.h"

namespace cloister::cli {

enum class BinaryToTerminal { kRefuse, kAllow };

class PayloadOutput {
 public:
  explicit PayloadOutput(BinaryToTerminal binary);
  // kInvalid for bytes a terminal would act on or can't show.
  Status write(ByteView piece);
  std::uint64_t bytes() const { return bytes_; }
  bool is_terminal() const { return terminal_; }

 private:
  File file_;
  bool terminal_;
  bool check_;
  std::uint64_t bytes_ = 0;
};

// Control characters other than line ends and tabs, or no UTF-8. A character cut off at either end doesn't count.
bool looks_binary(ByteView piece);

}  // namespace cloister::cli
