// RT-K08, RT-K11 and the drill "aead-limits": how ciphers are used, whoever holds the keys.
#pragma once

#include "redteam/object_attacks.h"

namespace cloister::redteam {

struct NoncesTarget {
  std::function<Status(const Path& object)> seal;  // a new object; in any thread and any child, each time anew
  std::shared_ptr<crypto::KeyWrapper> keys;        // opens them all
  std::function<Status()> roll_back;               // what is kept of keys is put back to what it was before
};
// Many threads, children that were forked meanwhile, and a store that was put back: every pair of key and nonce.
Report run_nonces(const Field& field, const NoncesTarget& target);  // RT-K08

struct OracleTarget {
  Path object;
  OpenObject open;
  std::shared_ptr<crypto::KeyWrapper> keys;
  std::uint64_t timings = 60'000;  // of each sort
};
Report run_oracle(const Field& field, const OracleTarget& target);  // RT-K11
// Welch's t of two samples, without what is above the 90th percentile of both together. 0 where it says nothing.
double welch_t(std::vector<double> a, std::vector<double> b);

Report run_aead_limits(const Field& field);  // "aead-limits"

}  // namespace cloister::redteam
