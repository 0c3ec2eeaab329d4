#include "probe/path/capture.h"

#include <algorithm>

#include "crypto/hash.h"
#include "probe/path/flow_table.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/names.h"

namespace cloister::probe::path {
namespace {

Statement about(const Capture& capture, const Flow& flow) {
  Statement statement;
  statement.source = Source::kCapture;
  statement.from.address = flow.traits.client;
  statement.to.address = flow.traits.server;
  statement.port = flow.traits.server_port;
  statement.transport = flow.traits.carrier == Carrier::kTcp ? Transport::kTcp : Transport::kUdp;
  statement.begin = std::min(capture.begin, flow.begin);
  statement.end = flow.end;
  statement.flows = flow.connections;
  statement.tls_version = flow.traits.tls_version;
  statement.detail = describe(flow.traits);
  return statement;
}

void add_encrypted(const Capture& capture, const Flow& flow, std::vector<Statement>& statements) {
  Statement statement = about(capture, flow);
  statement.claim = Claim::kEncrypted;
  const std::string& protocol = flow.traits.protocol;
  const bool tls = flow.traits.tls_version != 0 || protocol == "tls" || protocol == "quic" || protocol == "dtls";
  statement.protection = tls ? Protection::kTls : Protection::kEncrypted;
  if (flow.traits.client_proof == ClientProof::kShown) statement.protection = Protection::kMutualTls;
  if (protocol == "quic") statement.tls_version = kTls13;
  statements.push_back(statement);
  if (flow.traits.client_proof != ClientProof::kNotShown) return;
  statement.claim = Claim::kClientNotProven;
  statements.push_back(std::move(statement));
}

Claim claim_of(FlowKind kind) {
  switch (kind) {
    case FlowKind::kEncrypted: return Claim::kEncrypted;
    case FlowKind::kPlaintext: return Claim::kPlaintextSeen;
    case FlowKind::kRefused: return Claim::kPlaintextRefused;
    case FlowKind::kIncomplete: return Claim::kConnected;
    case FlowKind::kUnrecognised: break;
  }
  return Claim::kUnrecognised;
}

}  // namespace

std::string_view name_of(FlowKind kind) {
  switch (kind) {
    case FlowKind::kEncrypted: return "encrypted";
    case FlowKind::kPlaintext: return "plaintext";
    case FlowKind::kRefused: return "refused";
    case FlowKind::kIncomplete: return "incomplete";
    case FlowKind::kUnrecognised: break;
  }
  return "unrecognised";
}

std::string_view name_of(ClientProof proof) {
  switch (proof) {
    case ClientProof::kShown: return "shown";
    case ClientProof::kNotShown: return "not-shown";
    case ClientProof::kUnknown: break;
  }
  return "unknown";
}

std::string describe(const FlowTraits& traits) {
  if (traits.tls_version == 0) {
    if (traits.kind == FlowKind::kUnrecognised && traits.protocol == "tls") return "TLS, and then bytes that are none";
    return traits.protocol.empty() ? "unrecognised" : traits.protocol;
  }
  std::string text = version_name(traits.tls_version) + " " + suite_name(traits.suite);
  if (traits.group != 0) text += " " + group_name(traits.group);
  if (!traits.server_name.empty()) text += ", name " + traits.server_name;
  if (!traits.alpn.empty()) text += ", ALPN " + traits.alpn;
  return text;
}

Result<Capture> read_capture(ByteView file) {
  CLOISTER_TRY(CaptureReader reader, CaptureReader::open(file));
  Capture capture;
  capture.from = "sha256:" + to_hex(crypto::sha256(file));
  FlowTable table;
  while (true) {
    const auto frame = reader.next();
    if (!frame.ok()) {
      // A writer that was killed leaves half a frame; nothing can be read behind one that is wrong.
      capture.cut_short = true;
      break;
    }
    if (!*frame) break;
    if (capture.packets == 0) capture.begin = capture.end = (*frame)->time;
    ++capture.packets;
    capture.begin = std::min(capture.begin, (*frame)->time);
    capture.end = std::max(capture.end, (*frame)->time);
    const auto packet = parse_packet((*frame)->link, (*frame)->bytes);
    if (packet) {
      table.add((*frame)->time, *packet);
    } else {
      ++capture.unreadable;
    }
  }
  table.finish(capture);
  return capture;
}

std::vector<Statement> statements_of(const Capture& capture) {
  std::vector<Statement> statements;
  for (const Flow& flow : capture.flows) {
    // Between two machines, and which of their connections it hides can't be told.
    if (flow.traits.carrier == Carrier::kEsp) continue;
    if (flow.traits.kind == FlowKind::kEncrypted) {
      add_encrypted(capture, flow, statements);
      continue;
    }
    Statement statement = about(capture, flow);
    statement.claim = claim_of(flow.traits.kind);
    statements.push_back(std::move(statement));
  }
  return statements;
}

}  // namespace cloister::probe::path
