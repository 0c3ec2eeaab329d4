// The value of a Result that a test can't go on without.
#pragma once

#include <cstdio>

#include "base/result.h"

namespace cloister::testing {

// Stops the process, with the reason, when there is none.
template <typename T>
T value_of(Result<T> result) {
  if (!result.ok()) std::fprintf(stderr, "test needs a value: %s\n", result.error().message().c_str());
  CLOISTER_CHECK(result.ok());
  return std::move(result).value();
}

}  // namespace cloister::testing
