#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace cloister {

namespace {

constexpr ExitStatus kExitStatuses[] = {
    {0, "done", "done"},
    {2, "invalid", "the request itself is wrong, usage included"},
    {3, "corrupt", "stored bytes are damaged or were tampered with"},
    {4, "denied", "refused by a key, a policy or a state"},
    {5, "not-found", "nothing by that name"},
    {6, "exists", "something by that name is there already"},
    {7, "expired", "was valid once"},
    {8, "unsupported", "of a newer version, or unknown"},
    {9, "unavailable", "busy or interrupted: run the same command again to go on"},
    {10, "internal", "the machine failed: disk, memory, library"},
    {kIncompleteStatus, "incomplete", "output broke off: what was printed isn't all, and nobody vouches for it"},
};

const ExitStatus& row_of(Code code) {
  switch (code) {
    case Code::kInvalid: return kExitStatuses[1];
    case Code::kCorrupt: return kExitStatuses[2];
    case Code::kDenied: return kExitStatuses[3];
    case Code::kNotFound: return kExitStatuses[4];
    case Code::kExists: return kExitStatuses[5];
    case Code::kExpired: return kExitStatuses[6];
    case Code::kUnsupported: return kExitStatuses[7];
    case Code::kUnavailable: return kExitStatuses[8];
    case Code::kInternal: break;
  }
  return kExitStatuses[9];
}

}  // namespace

std::span<const ExitStatus> exit_statuses() { return kExitStatuses; }
std::string_view code_name(Code code) { return row_of(code).name; }
int exit_status(Code code) { return row_of(code).status; }

Error Error::with_context(std::string_view doing) const& { return Error(code_, std::string(doing) + ": " + message_); }

Error Error::with_context(std::string_view doing) && {
  message_.insert(0, ": ").insert(0, doing);
  return std::move(*this);
}

Error error_from_errno(int error_number, std::string_view doing) {
  Code code = Code::kInternal;
  switch (error_number) {
    case ENOENT:
    case ENOTDIR: code = Code::kNotFound; break;
    case EEXIST: code = Code::kExists; break;
    case EACCES:
    case EPERM:
    case EROFS: code = Code::kDenied; break;
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP: code = Code::kInvalid; break;
    default: break;
  }
  char buffer[128];
  return Error(code, std::string(doing) + ": " + strerror_r(error_number, buffer, sizeof buffer));
}

}  // namespace cloister
