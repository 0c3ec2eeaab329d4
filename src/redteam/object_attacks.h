// Attacks on sealed objects by somebody who can write to where they are kept: surgery, two keys for one ciphertext, one
// tenant's keys in another's place.
#pragma once

#include "crypto/key_wrapper.h"
#include "redteam/exercise.h"

namespace cloister::redteam {

// How the deployment opens an object: the whole payload, or why not.
using OpenObject = std::function<Result<Bytes>(const Path& object)>;

struct SurgeryTarget {
  Path object, sibling;  // of one dataset, equally long and in at least three chunks; neither is changed
  OpenObject open;
};
Report run_surgery(const Field& field, const SurgeryTarget& target);  // RT-K14

// Opens with that wrapper alone.
using OpenObjectWith = std::function<Result<Bytes>(const Path& object, crypto::KeyWrapper& wrapper)>;
struct TwoKeysTarget {
  OpenObjectWith open;
};
Report run_two_keys(const Field& field, const TwoKeysTarget& target);  // RT-K09

struct TenantsTarget {
  Path alders, birches;  // an object of each, equally long
  std::string birch;     // the second tenant's name
  OpenObject open_as_alder, open_as_birch;
  // What can be mixed up in the store of keys, each tried on the spot; well: a key came out.
  struct Mix {
    std::string what;
    std::function<Status()> attempt;
  };
  std::vector<Mix> mixes;
  // Whether the log has the refusals of those, with who asked; kNotFound: it hasn't.
  std::function<Status()> refusals_recorded;
};
Report run_tenants(const Field& field, const TenantsTarget& target);  // RT-K12

}  // namespace cloister::redteam
