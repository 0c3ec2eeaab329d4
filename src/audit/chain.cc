#include "audit/chain.h"

#include "audit/origin.h"
#include "base/reader.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kLabel = "CLSR1 audit 2";
constexpr std::string_view kOlderLabel = "CLSR1 audit";

RowHash row_hash(const Row& row) {
  Writer writer;
  writer.text16(kLabel).u64(row.sequence).bytes(row.previous).bytes(row.leaf);
  writer.u16(static_cast<std::uint16_t>(row.peaks.size() * sizeof(Hash)));
  for (const Hash& peak : row.peaks) writer.bytes(peak);
  return crypto::sha256(writer.view());
}

Error changed(const std::string& name) { return Error(Code::kCorrupt, name + " was changed after it was written"); }

}  // namespace

std::string Row::tree() const { return tree_name(event.tenant); }

LogRecord Row::record() const { return LogRecord::make(index, in_its_tree(event), extras); }

Row make_row(std::uint64_t index, Event event, const Extras& extras) {
  const LogRecord record = LogRecord::make(index, in_its_tree(recordable(std::move(event))), extras);
  Row row;
  row.event = record.event();
  row.extras = record.extras();
  row.index = index;
  row.leaf = leaf_hash(record.encode());
  return row;
}

void chain(Row& row, std::uint64_t sequence, const RowHash& previous) {
  row.sequence = sequence;
  row.previous = previous;
  row.hash = row_hash(row);
}

RowHash older_row_hash(std::uint64_t sequence, const RowHash& previous, const Event& event) {
  Writer writer;
  writer.text16(kOlderLabel).u64(sequence).bytes(previous).u64(static_cast<std::uint64_t>(event.time.unix_ms));
  writer.text16(event.actor).text16(event.action).text16(event.tenant).text16(event.subject);
  writer.u8(static_cast<std::uint8_t>(event.outcome)).text16(event.detail);
  return crypto::sha256(writer.view());
}

// Whether everything the row says is bound by its hash: through the leaf, or in the older form by itself.
Result<bool> ChainVerifier::is_current_form(const Row& row, const std::string& name) const {
  if (row.index > kNumberMax) return changed(name);
  const LogRecord record = row.record();
  if (leaf_hash(record.encode()) != row.leaf) return changed(name);
  if (row.hash == row_hash(row)) {
    if (record.event() != row.event) return changed(name);
    return true;
  }
  const bool older =
      !saw_current_form_ && row.extras.empty() && row.hash == older_row_hash(row.sequence, row.previous, row.event);
  if (!older) return changed(name);
  return false;
}

Status ChainVerifier::grow(const Row& row, const std::string& name) {
  const std::string tree_text = row.tree();
  Tree& tree = trees_[tree_text];
  if (row.index != tree.frontier.size()) {
    return Error(Code::kCorrupt, name + " is leaf " + std::to_string(row.index) + " of the tree " + tree_text +
                                     " where leaf " + std::to_string(tree.frontier.size()) + " is due");
  }
  CLOISTER_TRY(completed_, tree.frontier.append(row.leaf));
  tree.stated = !row.peaks.empty();
  if (!tree.stated || row.peaks == tree.frontier.peaks()) return {};
  return Error(Code::kCorrupt, name + " says that the tree " + tree_text + " is another than its rows make");
}

Status ChainVerifier::next(const Row& row) {
  const std::string name = "audit row " + std::to_string(sequence_ + 1);
  if (row.sequence != sequence_ + 1) {
    return Error(Code::kCorrupt, name + " is missing: row " + std::to_string(row.sequence) + " stands in its place");
  }
  if (row.previous != head_) return Error(Code::kCorrupt, name + " doesn't follow the row before it");
  CLOISTER_RETURN_IF_ERROR(check_recordable(row.event).with_context(name));
  CLOISTER_TRY(const bool current, is_current_form(row, name));
  saw_current_form_ = saw_current_form_ || current;
  CLOISTER_RETURN_IF_ERROR(grow(row, name));
  sequence_ = row.sequence;
  head_ = row.hash;
  return {};
}

Status ChainVerifier::finish() const {
  for (const auto& [name, tree] : trees_) {
    if (!tree.stated) return Error(Code::kCorrupt, "the newest row of the tree " + name + " is missing");
  }
  return {};
}

std::map<std::string, TreeHead> ChainVerifier::trees() const {
  std::map<std::string, TreeHead> heads;
  for (const auto& [name, tree] : trees_) heads[name] = TreeHead{tree.frontier.size(), tree.frontier.root()};
  return heads;
}

}  // namespace cloister::audit
