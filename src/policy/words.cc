#include "policy/words.h"

#include <algorithm>
#include <array>
#include <vector>

namespace cloister::policy {
namespace {

constexpr std::array<std::string_view, kOperationCount> kOperationNames = {
    "generate",
    "wrap",
    "unwrap",
    "rewrap",
    "release",
    "mac.generate",
    "mac.verify",
    "dataset.create",
    "dataset.show",
    "dataset.rotate-key",
    "dataset.disable-key",
    "dataset.enable-key",
    "dataset.destroy-key",
    "dataset.add-recipient",
    "dataset.export",
    "dataset.import",
    "dataset.list",
    "tenant.create",
    "tenant.show",
    "tenant.set-rotation",
    "tenant.freeze",
    "tenant.unfreeze",
    "tenant.destroy",
    "kek.show",
    "kek.rotate",
    "kek.disable",
    "kek.enable",
    "kek.schedule-destroy",
    "kek.cancel-destroy",
    "kek.destroy",
    "kek.destroy-immediately",
    "identity.enroll",
    "identity.issue",
    "identity.list",
    "identity.deny",
    "identity.allow",
    "quota.read",
    "quota.set",
    "audit.read",
    "audit.prove",
    "tenant.list",
    "audit.read-all",
    "policy.read",
    "policy.test",
    "policy.set",
    "random",
};

constexpr std::array<std::string_view, kPurposeCount> kPurposeNames = {
    "ingest", "train",  "evaluate", "infer",   "checkpoint", "export",
    "backup", "rewrap", "debug",    "support", "operate",    "audit",
};

static_assert(static_cast<std::size_t>(Operation::kRandom) + 1 == kOperationCount && kOperationCount < 64);
static_assert(static_cast<std::size_t>(Purpose::kAudit) + 1 == kPurposeCount && kPurposeCount < 64);

// Longer words are never one of ours, and comparing them isn't worth the time.
constexpr std::size_t kWordSizeMax = 64;

// Letters put in, left out, exchanged, or two neighbours swapped (Damerau, the restricted form).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t exchanged = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, exchanged});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

template <typename Word>
Result<Word> parse_word(std::string_view word, std::span<const std::string_view> names, std::string_view kind) {
  const auto found = std::ranges::find(names, word);
  if (found != names.end()) return static_cast<Word>(found - names.begin());
  return Error(Code::kInvalid, "there is no " + std::string(kind) + " " + std::string(word.substr(0, kWordSizeMax)) +
                                   suggestion(word, names));
}

}  // namespace

std::string_view operation_name(Operation operation) { return kOperationNames[static_cast<std::size_t>(operation)]; }

std::string_view purpose_name(Purpose purpose) { return kPurposeNames[static_cast<std::size_t>(purpose)]; }

std::span<const std::string_view> operation_names() { return kOperationNames; }

std::span<const std::string_view> purpose_names() { return kPurposeNames; }

Scope scope_of(Operation operation) {
  if (operation <= Operation::kDatasetImport) return Scope::kDataset;
  if (operation <= Operation::kAuditProve) return Scope::kTenant;
  return Scope::kService;
}

Result<Operation> parse_operation(std::string_view word) {
  return parse_word<Operation>(word, kOperationNames, "operation");
}

Result<Purpose> parse_purpose(std::string_view word) { return parse_word<Purpose>(word, kPurposeNames, "purpose"); }

std::string suggestion(std::string_view word, std::span<const std::string_view> words) {
  if (word.size() > kWordSizeMax) return "";
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : words) {
    if (candidate.size() >= word.size() + least || word.size() >= candidate.size() + least) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest.empty() ? "" : ": did you mean " + std::string(nearest) + "?";
}

}  // namespace cloister::policy
