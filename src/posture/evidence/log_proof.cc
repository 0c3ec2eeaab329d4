#include "posture/evidence/log_proof.h"

#include <algorithm>

#include "base/base64.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kFirstLine = "cloister posture log proof v1";
constexpr std::string_view kFamily = "cloister posture log proof v";
constexpr std::size_t kSizeMax = 64 * 1024;
constexpr std::size_t kPathMax = 64;  // no tree is higher

Error malformed() { return Error(Code::kInvalid, "not the proof that a run is in the log"); }

// The value of a line "WORD VALUE", and the text behind it.
bool take(std::string_view& text, std::string_view word, std::string_view& value) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(word) || text.substr(word.size(), 1) != " ") return false;
  value = text.substr(word.size() + 1, end - word.size() - 1);
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::string format_log_proof(const LogProof& proof) {
  std::string text = std::string(kFirstLine) + "\nrecord " + to_base64(proof.record.encode()) + "\n";
  for (const audit::Hash& hash : proof.path) text += "hash " + to_base64(hash) + "\n";
  return text + "\n" + proof.checkpoint;
}

Result<LogProof> parse_log_proof(std::string_view text) {
  if (text.size() > kSizeMax) return malformed();
  const std::string_view whole = text;
  const std::string_view first = text.substr(0, text.find('\n'));
  if (first != kFirstLine && first.starts_with(kFamily)) {
    return Error(Code::kUnsupported, "a proof of a newer version of this program");
  }
  if (first != kFirstLine || first.size() == text.size()) return malformed();
  text.remove_prefix(kFirstLine.size() + 1);
  std::string_view value;
  if (!take(text, "record", value)) return malformed();
  const auto bytes = from_base64(value);
  if (!bytes.ok()) return malformed();
  CLOISTER_TRY(audit::LogRecord record, audit::LogRecord::parse(*bytes));
  LogProof proof{std::move(record), {}, {}};
  while (take(text, "hash", value)) {
    const auto hash = from_base64(value);
    audit::Hash& next = proof.path.emplace_back();
    if (!hash.ok() || hash->size() != next.size() || proof.path.size() > kPathMax) return malformed();
    std::ranges::copy(*hash, next.begin());
  }
  if (!text.starts_with('\n')) return malformed();
  proof.checkpoint = text.substr(1);
  if (format_log_proof(proof) != whole) return malformed();
  return proof;
}

Result<audit::TreeHead> verify_log_proof(const LogProof& proof, const audit::CheckpointTrust& trust,
                                         std::string_view run, std::string_view root) {
  const audit::Event& event = proof.record.event();
  if (event.action != kRunAction || event.subject != run) {
    return Error(Code::kDenied, "it is the proof of something else: " + event.action + " of " + event.subject);
  }
  if (event.detail != "root " + std::string(root)) {
    return Error(Code::kCorrupt, "the log has another root for run " + std::string(run));
  }
  CLOISTER_TRY(const audit::VerifiedCheckpoint verified, audit::verify_checkpoint(proof.checkpoint, trust));
  const audit::TreeHead& head = verified.checkpoint.head;
  CLOISTER_RETURN_IF_ERROR(
      audit::verify_inclusion(audit::leaf_hash(proof.record.encode()), proof.record.index(), head, proof.path)
          .with_context("the log doesn't have the run"));
  return head;
}

}  // namespace cloister::posture
