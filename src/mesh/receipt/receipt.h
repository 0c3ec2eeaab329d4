// Connection receipts: each end of a mutual TLS connection signs, with the key of the SVID it showed, what the
// connection was. The two halves together prove that this very connection was one TLS connection between these two.
// Byte for byte what docs/formats/receipt.md says.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "identity/source.h"
#include "net/peer.h"

namespace cloister::mesh {

enum class ReceiptRole : std::uint8_t { kClient, kServer };

// What one end knows of a connection that is over.
struct ConnectionFacts {
  ReceiptRole role = ReceiptRole::kClient;
  net::ChannelBinding exporter{};
  std::string peer_id;               // SPIFFE ID
  crypto::Sha256Digest peer_leaf{};  // SHA-256 of the leaf certificate that the peer showed
  std::string protocol = "TLSv1.3";
  std::string cipher;                    // "TLS_AES_256_GCM_SHA384"
  std::string group;                     // "X25519MLKEM768"
  std::string local, remote;             // "192.0.2.7:51820": as this end saw them
  Time begun, ended;                     // handshake done; last byte
  std::uint64_t sent = 0, received = 0;  // bytes of the application
  bool orderly = false;                  // both directions ended by close_notify
};

// Where in its writer's log a receipt stands: one that is missing leaves a gap.
struct ReceiptPlace {
  std::array<std::uint8_t, 16> log{};  // random, of one run of one writer
  std::uint64_t sequence = 0;
  crypto::Sha256Digest previous{};  // SHA-256 of the receipt before it; zeros for the first
};

inline constexpr std::size_t kReceiptSizeMax = 16384;

// With the key of `own`, which must be the snapshot that the handshake used. kUnsupported for a key that isn't on P-256
// or P-384; kInvalid for facts that can't be written down.
Result<std::string> sign_receipt(const ConnectionFacts& facts, const ReceiptPlace& place,
                                 const identity::Snapshot& own);

// One half, its form checked and nothing else: who signed it is for verify_receipt() to say.
struct Receipt {
  ConnectionFacts facts;
  ReceiptPlace place;
  identity::SpiffeId own_id;               // whom the leaf names
  std::vector<crypto::Certificate> chain;  // as shown in the handshake
  std::string token;                       // the whole, as it was read

  crypto::Sha256Digest leaf() const { return chain.front().fingerprint(); }
  crypto::Sha256Digest digest() const;  // what the next one's `previous` is
};

// kInvalid for anything that sign_receipt() wouldn't have written.
Result<Receipt> parse_receipt(std::string_view token);

// That the leaf's key signed it, and that the leaf led to an authority of its own trust domain when the handshake took
// place. kCorrupt: not this key's signature. kDenied, kExpired: verify_x509_svid()'s refusals, at facts.begun.
Status verify_receipt(const Receipt& receipt, const identity::BundleSet& bundles);

}  // namespace cloister::mesh
