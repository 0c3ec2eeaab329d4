// The words a policy is written in: operations, what each acts on, and purposes. Closed lists: docs/formats/policy.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cloister::policy {

enum class Operation : std::uint8_t {
  // On a dataset: its data keys.
  kGenerate,
  kWrap,
  kUnwrap,
  kRewrap,
  kRelease,
  kMacGenerate,
  kMacVerify,
  kSign,
  kVerify,
  // On a dataset: itself.
  kDatasetCreate,
  kDatasetShow,
  kDatasetRotateKey,
  kDatasetDisableKey,
  kDatasetEnableKey,
  kDatasetDestroyKey,
  kDatasetAddRecipient,
  kDatasetExport,
  kDatasetImport,
  // On a tenant.
  kDatasetList,
  kTenantCreate,
  kTenantShow,
  kTenantSetRotation,
  kTenantFreeze,
  kTenantUnfreeze,
  kTenantDestroy,
  kKekShow,
  kKekRotate,
  kKekDisable,
  kKekEnable,
  kKekScheduleDestroy,
  kKekCancelDestroy,
  kKekDestroy,
  kKekDestroyImmediately,
  kIdentityEnroll,
  kIdentityIssue,
  kIdentityList,
  kIdentityDeny,
  kIdentityAllow,
  kQuotaRead,
  kQuotaSet,
  kAuditRead,
  kAuditProve,
  // On the service as a whole.
  kTenantList,
  kAuditReadAll,
  kPolicyRead,
  kPolicyTest,
  kPolicySet,
  kRandom,
};
inline constexpr std::size_t kOperationCount = 48;

// What an operation acts on, and so what a request for it names: nothing; a tenant (and its environment); a dataset of
// a tenant.
enum class Scope : std::uint8_t { kService, kTenant, kDataset };

// Why a key is asked for. Every request says it, rules restrict it, the audit keeps it.
enum class Purpose : std::uint8_t {
  kIngest,
  kTrain,
  kEvaluate,
  kInfer,
  kCheckpoint,
  kExport,
  kBackup,
  kRewrap,
  kDebug,
  kSupport,
  kOperate,
  kAudit,
};
inline constexpr std::size_t kPurposeCount = 12;

std::string_view operation_name(Operation operation);
std::string_view purpose_name(Purpose purpose);
std::span<const std::string_view> operation_names();
std::span<const std::string_view> purpose_names();
Scope scope_of(Operation operation);

// kInvalid for a word that isn't on the list, with the nearest one that is.
Result<Operation> parse_operation(std::string_view word);
Result<Purpose> parse_purpose(std::string_view word);

// A set of either, one bit a word.
template <typename Word>
class WordSet {
 public:
  static WordSet all(std::size_t count) {
    WordSet set;
    set.bits_ = (std::uint64_t{1} << count) - 1;
    return set;
  }
  void add(Word word) { bits_ |= bit(word); }
  void remove(Word word) { bits_ &= ~bit(word); }
  bool has(Word word) const { return (bits_ & bit(word)) != 0; }
  bool empty() const { return bits_ == 0; }
  WordSet without(WordSet other) const {
    WordSet set;
    set.bits_ = bits_ & ~other.bits_;
    return set;
  }
  friend bool operator==(WordSet, WordSet) = default;

 private:
  static std::uint64_t bit(Word word) { return std::uint64_t{1} << static_cast<unsigned>(word); }
  std::uint64_t bits_ = 0;
};
using OperationSet = WordSet<Operation>;
using PurposeSet = WordSet<Purpose>;

}  // namespace cloister::policy
