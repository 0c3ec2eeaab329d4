#include "probe/path/receipts.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "mesh/receipt/pairing.h"
#include "mesh/receipt/receipt_log.h"
#include "net/address.h"

namespace cloister::probe::path {
namespace {

Claim claim_of(mesh::Pairing pairing) {
  switch (pairing) {
    case mesh::Pairing::kProven: return Claim::kEncrypted;
    case mesh::Pairing::kOneSided: return Claim::kConnected;
    case mesh::Pairing::kContradictory: break;
  }
  return Claim::kUnrecognised;
}

// As the server saw its own end where it says so, else as the client saw it.
std::string server_address(const mesh::PairedConnection& connection) {
  for (const mesh::Receipt& half : connection.halves) {
    if (half.facts.role == mesh::ReceiptRole::kServer) return half.facts.local;
  }
  return connection.halves.front().facts.remote;
}

std::uint16_t port_of(const std::string& address) {
  const auto parsed = net::parse_tcp_address(address);
  return parsed.ok() ? parsed->port : std::uint16_t{0};
}

std::optional<Statement> statement_of(const mesh::PairedConnection& connection) {
  const mesh::Receipt& half = connection.halves.front();
  const auto peer = identity::SpiffeId::parse(half.facts.peer_id);
  if (!peer.ok()) return std::nullopt;
  const bool is_client = half.facts.role == mesh::ReceiptRole::kClient;
  Statement statement;
  statement.source = Source::kReceipt;
  statement.claim = claim_of(connection.pairing);
  statement.from.spiffe_id = is_client ? half.own_id : *peer;
  statement.to.spiffe_id = is_client ? *peer : half.own_id;
  statement.port = port_of(server_address(connection));
  statement.begin = half.facts.begun;
  statement.end = half.facts.ended;
  statement.flows = 1;
  if (connection.pairing == mesh::Pairing::kProven) {
    statement.protection = Protection::kMutualTls;
    statement.tls_version = half.facts.protocol == "TLSv1.3" ? 0x0304 : 0x0303;
    statement.detail =
        plain_detail("both ends signed: " + half.facts.protocol + " " + half.facts.cipher + " " + half.facts.group);
  } else {
    statement.detail = plain_detail(std::string(mesh::name_of(connection.pairing)) + ": " + connection.why);
  }
  return statement;
}

auto key_of(const Statement& statement) {
  return std::tuple(*statement.from.spiffe_id, *statement.to.spiffe_id, statement.port, statement.claim,
                    statement.detail);
}

// Thousands of connections between the same two become one statement with their number.
std::vector<Statement> summed(const std::vector<mesh::PairedConnection>& connections) {
  std::map<decltype(key_of(Statement())), Statement> sums;
  for (const mesh::PairedConnection& connection : connections) {
    const auto statement = statement_of(connection);
    if (!statement) continue;
    const auto [found, is_new] = sums.try_emplace(key_of(*statement), *statement);
    if (is_new) continue;
    found->second.begin = std::min(found->second.begin, statement->begin);
    found->second.end = std::max(found->second.end, statement->end);
    ++found->second.flows;
  }
  std::vector<Statement> statements;
  for (auto& [key, statement] : sums) statements.push_back(std::move(statement));
  return statements;
}

}  // namespace

Result<std::vector<Statement>> read_receipt_items(const std::vector<Item>& items) {
  identity::BundleSet bundles;
  std::vector<mesh::Receipt> receipts;
  std::size_t last_log = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    if (item.kind == ItemKind::kTrustBundle) {
      CLOISTER_TRY(const auto domain, identity::TrustDomain::parse(item.name).with_context("trust bundle"));
      CLOISTER_TRY(auto bundle, identity::parse_bundle(domain, as_text(item.content), identity::Conformance::kGoSpiffe)
                                    .with_context("trust bundle of " + item.name));
      bundles = bundles.with(std::move(bundle));
    } else if (item.kind == ItemKind::kReceipts) {
      mesh::ReadReceipts read = mesh::parse_receipts(as_text(item.content));
      if (!read.bad.empty()) return Error(Code::kInvalid, item.name + ": " + read.bad.front());
      std::ranges::move(read.receipts, std::back_inserter(receipts));
      last_log = i;
    }
  }
  std::vector<Statement> statements = summed(mesh::pair_receipts(std::move(receipts), bundles));
  for (Statement& statement : statements) statement.item = last_log;
  return statements;
}

}  // namespace cloister::probe::path
