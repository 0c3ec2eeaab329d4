// Published test vectors that live beside the source, not in it: $CLOISTER_VECTORS, or ../shared/vectors seen from the
// source. Where they are absent, tests that need them say that they were skipped.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/file.h"

namespace cloister::testing {

// The file or folder of that name, if it is there.
std::optional<Path> find_vectors(std::string_view name);

// Stops the process when the file can't be read or isn't JSON.
nlohmann::json load_json(const Path& path);

}  // namespace cloister::testing

// CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/x25519_test.json"): `path` is its Path, or the test ends as skipped.
#define CLOISTER_VECTORS_OR_SKIP(path, name)                                                                    \
  const auto path##_found = ::cloister::testing::find_vectors(name);                                            \
  if (!path##_found) GTEST_SKIP() << "no " << (name) << ": set CLOISTER_VECTORS to the folder of test vectors"; \
  const ::cloister::Path& path = *path##_found
