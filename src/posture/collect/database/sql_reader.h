// A database that is asked read-only questions: libpq in programs, rows written down beforehand in tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace cloister::posture {

using SqlRows = std::vector<std::vector<std::string>>;  // null is empty

class SqlReader {
 public:
  virtual ~SqlReader() = default;
  // kNotFound for what the server doesn't have (a function, a column, a setting), kDenied, kUnavailable, kInvalid.
  virtual Result<SqlRows> query(const std::string& sql) = 0;
};
using SqlOpen = std::function<Result<std::unique_ptr<SqlReader>>(const std::string& address)>;

// By libpq, loaded at the first call, in a session that can't write and gives up after 10 seconds. `address` is
// "postgresql://host/db"; a password comes from libpq's own places (PGPASSFILE, PGPASSWORD) alone. kUnsupported where
// libpq isn't installed, kInvalid for an address with a password, kUnavailable where nobody answers, kDenied.
Result<std::unique_ptr<SqlReader>> open_postgres(const std::string& address);

}  // namespace cloister::posture
