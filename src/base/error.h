// What can go wrong, said in one of a few codes chosen by what the caller can do about it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cloister {

enum class Code {
  kInvalid,      // the request itself is wrong: fix it and ask again
  kCorrupt,      // stored bytes are damaged or were tampered with: restore them, investigate
  kDenied,       // refused by a key, a policy or a state: asking again doesn't help
  kNotFound,     // nothing by that name
  kExists,       // something by that name is there already
  kExpired,      // was valid once
  kUnsupported,  // valid, but not for this program: newer version, unknown suite
  kUnavailable,  // try again later: busy, unreachable, changed meanwhile
  kInternal,     // the machine failed us: disk, memory, library
};

std::string_view code_name(Code code);

// What a program's exit status says. One table: `cloister help` prints it, docs/cli.md repeats it.
struct ExitStatus {
  int status;
  std::string_view name;  // code_name(), "done" or "incomplete"
  std::string_view meaning;
};
// A program that prints as it goes, and has printed, when it can't go on. Whatever the code, this comes first.
inline constexpr int kIncompleteStatus = 11;
// By status, 0 first.
std::span<const ExitStatus> exit_statuses();
// The exit status of a program that ends because of `code`.
int exit_status(Code code);

class Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  // Puts what was being done in front: "open corpus.sealed" + "chunk 7 failed".
  Error with_context(std::string_view doing) const&;
  Error with_context(std::string_view doing) &&;

 private:
  Code code_;
  std::string message_;
};

// An Error for a failed system call, with errno's own words: "open x: no such file". ENOENT is kNotFound, EEXIST is
// kExists, EACCES and EPERM are kDenied, everything else is kInternal.
Error error_from_errno(int error_number, std::string_view doing);

}  // namespace cloister
