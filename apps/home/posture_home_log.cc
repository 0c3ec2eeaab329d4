// Heads of the log that a witness keeps, against the log as it is.
#include "home/posture_home.h"

namespace cloister::home {
namespace {

constexpr Duration kHeadAgeMax = days(7);

struct Head {
  audit::Checkpoint checkpoint;
  Time cosigned;
};

// The newest of a tree's heads that a witness vouched for; nothing where none is handed in.
Result<std::optional<Head>> newest_head(const std::string& origin, const Witnessed& witnessed) {
  std::optional<Head> newest;
  for (const std::string& note : witnessed.notes) {
    CLOISTER_TRY(const audit::SignedNote parsed, audit::parse_note(note));
    CLOISTER_TRY(const audit::Checkpoint checkpoint, audit::parse_checkpoint(parsed.text));
    if (checkpoint.origin != origin) continue;
    CLOISTER_TRY(const audit::VerifierKey key, witnessed.log_key(origin));
    CLOISTER_TRY(const auto verified, audit::verify_checkpoint(note, {key, witnessed.witnesses, 1}));
    Time cosigned;
    for (const audit::Cosignature& one : verified.cosignatures) {
      cosigned = std::max(cosigned, Time{static_cast<std::int64_t>(one.unix_seconds) * 1000});
    }
    if (!newest || cosigned > newest->cosigned) newest = Head{verified.checkpoint, cosigned};
  }
  return newest;
}

// Whether the tree is what it was when that head was cosigned, and more.
Result<bool> continues(keys::Store& store, const Head& head) {
  const std::string& origin = head.checkpoint.origin;
  CLOISTER_TRY(const audit::TreeHead now, store.tree_head(origin));
  if (now.size < head.checkpoint.head.size) return false;
  CLOISTER_TRY(const audit::Hash root, audit::root_at(head.checkpoint.head.size, [&](const audit::NodeId& id) {
                 return store.tree_node(origin, id);
               }));
  return root == head.checkpoint.head.root;
}

Anchored look_at_tree(keys::Store& store, const std::string& origin, const Witnessed& witnessed, Time now) {
  const auto head = newest_head(origin, witnessed);
  if (!head.ok()) return {std::nullopt, head.error().message()};
  if (!*head) return {false, "no head of " + origin + " is kept outside"};
  const auto same = continues(store, **head);
  if (!same.ok()) return {std::nullopt, same.error().message()};
  if (!*same) return {false, origin + " isn't the log whose head was cosigned"};
  if ((*head)->cosigned > now || now - (*head)->cosigned > kHeadAgeMax) {
    return {std::nullopt, "the newest head of " + origin + " was cosigned at " + to_rfc3339((*head)->cosigned)};
  }
  return {true, origin + ": " + std::to_string((*head)->checkpoint.head.size) + " records are cosigned"};
}

}  // namespace

Anchored anchored_by(keys::Store& store, const Witnessed& witnessed, Time now) {
  if (witnessed.notes.empty() || witnessed.witnesses.empty()) return {};
  const auto origins = store.trees();
  if (!origins.ok()) return {std::nullopt, origins.error().message()};
  Anchored all;
  for (const std::string& origin : *origins) {
    const Anchored one = look_at_tree(store, origin, witnessed, now);
    all.why += one.why + "\n";
    // One that isn't the log that was cosigned counts before one that nobody can tell of.
    const bool worse = all.holds == std::optional(true) || one.holds == std::optional(false);
    if (&origin == &origins->front() || worse) all.holds = one.holds;
  }
  return all;
}

}  // namespace cloister::home
