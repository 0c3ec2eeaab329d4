// Files of evidence as they were collected, recognised by what is in them, and what they state. docs/data-paths.md
// lists the kinds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "identity/bundle_set.h"
#include "probe/path/evidence.h"

namespace cloister::probe::path {

inline constexpr std::size_t kItemSizeMax = std::size_t{256} << 20;
inline constexpr std::size_t kItemsMax = 4096;

enum class ItemKind {
  kStatements,   // cloister-paths-statements/1
  kScan,         // cloister scan --json
  kMeshAudit,    // cloister mesh audit --json
  kSockets,      // cloister paths sockets
  kCapture,      // pcap or pcapng
  kFlows,        // cloister paths capture: what a capture came to
  kReceipts,     // a log of receipts
  kTrustBundle,  // whom receipts are verified against; its name is the trust domain's
};
std::string_view name_of(ItemKind kind);

struct Item {
  std::string name;
  ItemKind kind = ItemKind::kStatements;
  Bytes content;
};

// kUnsupported for a file that is none of these; kInvalid for one that is too large.
Result<Item> recognise(std::string name, Bytes content);

// All that the items state, each statement with its item's position. Receipts are paired across all logs and verified
// against the trust bundles. kInvalid, with the item's name, for the first that isn't what it seemed to be.
Result<std::vector<Statement>> read_statements(const std::vector<Item>& items);

}  // namespace cloister::probe::path
