// Drills of the life of keys, on the canary home: what has to come of a rotation, of giving a data key up, of a
// destruction, and of an older store that is put back.
#pragma once

#include "redteam/object_attacks.h"

namespace cloister::redteam {

// Well: it is as it should be, or it was done.
using Step = std::function<Status()>;

struct KekRotationTarget {
  std::vector<Path> objects;  // of one dataset, two at least
  OpenObject open;            // from several threads at once, each time anew
  Step rotate;
  Step all_rewrapped;  // after it: nothing is under an older version
  Step retire;         // what was the newest version at first isn't to be used any more
  Step use_retired;    // with what it wrapped; well: it opened
};
Report run_kek_rotation(const Field& field, const KekRotationTarget& target);  // "kek-rotation"

struct DekRotationTarget {
  std::vector<Path> objects;  // sealed under the key that is given up
  OpenObject open;
  Step give_up;      // another key takes its place; what there is can still be read
  Step use_for_new;  // seal something under the key that was given up; well: it was sealed
  std::function<Result<std::vector<Path>>()> dependants;  // what is sealed under it
  std::function<Status(const Path& object)> re_encrypt;   // under a new data key
  Step destroy;                                           // the key that was given up
};
Report run_dek_rotation(const Field& field, const DekRotationTarget& target);  // "dek-rotation"

struct DestructionTarget {
  Path object, other;  // of the tenant whose key is destroyed, and of another's
  OpenObject open, open_other;
  Step destroy_too_early;  // before its wait is over; well: it was destroyed
  Step destroy;
  OpenObject from_replica;   // a copy of the store that follows it, and has
  OpenObject from_lagging;   // the same copy as it was when it followed last
  OpenObject from_backup;    // an older copy, put back where the store is
  OpenObject from_cache;     // by who had the key open before
  bool copies_count = true;  // what is shown of copies that are older holds for the home, too
};
Report run_destruction(const Field& field, const DestructionTarget& target);  // "destruction"

// RT-K10: a store that was older, and what it is held against.
struct RestoredStoreTarget {
  Step as_it_is;  // the store that there is, opened
  struct Attempt {
    std::string what;
    Step attempt;  // well: it was opened, or gave the key that was destroyed
  };
  std::vector<Attempt> attempts;
};
Report run_restored_store(const Field& field, const RestoredStoreTarget& target);
// Of a home, on copies of its store; `anchor` is what it is held against, empty where there is none.
Report run_restored_home(const Field& field, const Path& home_store, const Path& anchor);

}  // namespace cloister::redteam
