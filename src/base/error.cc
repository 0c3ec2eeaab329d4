#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace cloister {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kInvalid: return "invalid";
    case Code::kCorrupt: return "corrupt";
    case Code::kDenied: return "denied";
    case Code::kNotFound: return "not-found";
    case Code::kExists: return "exists";
    case Code::kExpired: return "expired";
    case Code::kUnsupported: return "unsupported";
    case Code::kUnavailable: return "unavailable";
    case Code::kInternal: return "internal";
  }
  return "internal";
}

int exit_status(Code code) {
  switch (code) {
    case Code::kInvalid: return 2;
    case Code::kCorrupt: return 3;
    case Code::kDenied: return 4;
    case Code::kNotFound: return 5;
    case Code::kExists: return 6;
    case Code::kExpired: return 7;
    case Code::kUnsupported: return 8;
    case Code::kUnavailable: return 9;
    case Code::kInternal: return 10;
  }
  return 10;
}

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
