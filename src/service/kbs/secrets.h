// What attested guests are given: sealed objects in a folder, each under the keys of the dataset that its path names.
// docs/decisions/kbs-resources.md.
#pragma once

#include "base/file.h"
#include "crypto/key_wrapper.h"
#include "crypto/secret.h"
#include "service/call.h"

namespace cloister::service {

inline constexpr std::uint64_t kKbsSecretSizeMax = std::uint64_t{1} << 20;

// Whether a path of the protocol may have that segment: letters, digits, '_', '.' and '-', not "." nor "..".
bool is_kbs_segment(std::string_view segment);

// The repository is the tenant, with its environment behind a dot; the type is the dataset. kInvalid for segments that
// can't be.
Result<Target> kbs_target(std::string_view repository, std::string_view type);

// The secret of that name, opened in secure memory with the dataset's keys. kNotFound; kDenied where those keys don't
// open it; kInvalid where it is larger than kKbsSecretSizeMax.
Result<crypto::Secret> open_kbs_secret(const Path& folder, std::string_view repository, std::string_view type,
                                       std::string_view tag, crypto::KeyWrapper& wrapper);

}  // namespace cloister::service
