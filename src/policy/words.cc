#include "policy/words.h"

#include <algorithm>
#include <array>

#include "base/suggestion.h"

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
    "sign",
    "verify",
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

}  // namespace cloister::policy
