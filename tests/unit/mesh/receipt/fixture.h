// Two workloads of one trust domain and the connection between them.
#pragma once

#include "mesh/receipt/receipt.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::mesh {

using testing::expect_refused;
using testing::kNow;
using testing::value_of;

struct Ends {
  explicit Ends(const crypto::KeyType type = crypto::KeyType::kEcP256)
      : client(snapshot("spiffe://example.org/trainer", 1001, type)),
        server(snapshot("spiffe://example.org/store", 1002, type)) {}

  std::shared_ptr<const identity::Snapshot> snapshot(std::string_view uri, std::uint64_t seed,
                                                     crypto::KeyType type = crypto::KeyType::kEcP256) {
    testing::DeterministicRandom random(seed);
    auto key = value_of(crypto::PrivateKey::generate(type, random));
    auto svid = value_of(realm.authority().issue_x509_svid(identity::id_of(uri), key.public_key(), kNow, realm.random));
    return value_of(identity::Snapshot::create(std::move(svid), std::move(key), realm.bundles(), kNow));
  }

  // As that end saw a connection of ten bytes there and twenty back.
  ConnectionFacts facts(ReceiptRole role, std::uint8_t exporter = 7) const {
    const bool is_client = role == ReceiptRole::kClient;
    ConnectionFacts facts;
    facts.role = role;
    facts.exporter.fill(exporter);
    const identity::Snapshot& peer = is_client ? *server : *client;
    facts.peer_id = peer.svid().id().uri();
    facts.peer_leaf = peer.svid().leaf().fingerprint();
    facts.cipher = "TLS_AES_256_GCM_SHA384";
    facts.group = "X25519MLKEM768";
    facts.local = is_client ? "127.0.0.1:50001" : "127.0.0.1:8443";
    facts.remote = is_client ? "127.0.0.1:8443" : "127.0.0.1:50001";
    facts.begun = kNow;
    facts.ended = kNow + seconds(5);
    facts.sent = is_client ? 10 : 20;
    facts.received = is_client ? 20 : 10;
    facts.orderly = true;
    return facts;
  }
  Receipt receipt(const ConnectionFacts& facts) const {
    const auto& own = facts.role == ReceiptRole::kClient ? *client : *server;
    return value_of(parse_receipt(value_of(sign_receipt(facts, {}, own))));
  }

  identity::Realm realm;
  std::shared_ptr<const identity::Snapshot> client, server;
};

}  // namespace cloister::mesh
