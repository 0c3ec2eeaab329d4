#include "probe/path/evidence_item.h"

#include <array>

#include "base/json.h"
#include "probe/path/capture.h"
#include "probe/path/mesh_audit.h"
#include "probe/path/receipts.h"
#include "probe/path/scan_result.h"
#include "probe/path/sockets.h"

namespace cloister::probe::path {
namespace {

constexpr std::array<std::string_view, 8> kKinds = {"statements", "scan",  "mesh-audit", "sockets",
                                                    "capture",    "flows", "receipts",   "trust-bundle"};
// Enough of a file to see what it calls itself: all of our formats begin with that.
constexpr std::size_t kHeadSize = 256;

bool calls_itself(std::string_view head, std::string_view format) {
  std::string squeezed;
  for (const char c : head) {
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') squeezed += c;
  }
  return squeezed.starts_with("{\"format\":\"" + std::string(format) + "\"");
}

// A receipt is a JWS in compact form: base64url of a header that begins with {"alg":.
bool is_receipts(std::string_view head) { return head.starts_with("eyJhbGciOi"); }

Result<std::vector<Statement>> read_item(const Item& item) {
  const std::string_view text = as_text(item.content);
  switch (item.kind) {
    case ItemKind::kStatements: return parse_evidence(text);
    case ItemKind::kScan: return parse_scan_result(text);
    case ItemKind::kMeshAudit: return parse_mesh_audit(text);
    case ItemKind::kSockets: {
      CLOISTER_TRY(const SocketInventory inventory, parse_sockets(text));
      return statements_of(inventory);
    }
    case ItemKind::kCapture: {
      CLOISTER_TRY(const Capture capture, read_capture(item.content));
      return statements_of(capture);
    }
    case ItemKind::kFlows: {
      CLOISTER_TRY(const Capture capture, parse_flows(text));
      return statements_of(capture);
    }
    case ItemKind::kReceipts:
    case ItemKind::kTrustBundle: break;  // all of them together
  }
  return std::vector<Statement>();
}

}  // namespace

std::string_view name_of(ItemKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

Result<Item> recognise(std::string name, Bytes content) {
  if (content.size() > kItemSizeMax) return Error(Code::kInvalid, name + " is larger than 256 MiB");
  const std::string_view head = as_text(ByteView(content).first(std::min(content.size(), kHeadSize)));
  const auto as = [&](ItemKind kind) { return Item{std::move(name), kind, std::move(content)}; };
  if (is_capture(content)) return as(ItemKind::kCapture);
  if (is_receipts(head)) return as(ItemKind::kReceipts);
  if (calls_itself(head, kEvidenceFormat)) return as(ItemKind::kStatements);
  if (calls_itself(head, kScanFormat)) return as(ItemKind::kScan);
  if (calls_itself(head, kMeshAuditFormat)) return as(ItemKind::kMeshAudit);
  if (calls_itself(head, kSocketsFormat)) return as(ItemKind::kSockets);
  if (calls_itself(head, kFlowsFormat)) return as(ItemKind::kFlows);
  return Error(Code::kUnsupported, name + " is no kind of evidence that this program knows");
}

Result<std::vector<Statement>> read_statements(const std::vector<Item>& items) {
  std::vector<Statement> all;
  for (std::size_t i = 0; i < items.size(); ++i) {
    CLOISTER_TRY(std::vector<Statement> found, read_item(items[i]).with_context(items[i].name));
    for (Statement& statement : found) {
      statement.item = i;
      all.push_back(std::move(statement));
    }
  }
  CLOISTER_TRY(std::vector<Statement> signed_for, read_receipt_items(items));
  all.insert(all.end(), std::make_move_iterator(signed_for.begin()), std::make_move_iterator(signed_for.end()));
  if (all.size() > kStatementsMax) {
    return Error(Code::kInvalid, "the evidence makes more than " + std::to_string(kStatementsMax) + " statements");
  }
  return all;
}

}  // namespace cloister::probe::path
