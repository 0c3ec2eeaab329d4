// What the two directions of a TLS connection say in the clear.
#pragma once

#include "probe/path/capture.h"
#include "probe/path/record_walk.h"

namespace cloister::probe::path {

struct TlsFacts {
  std::uint16_t version = 0, suite = 0, group = 0;  // chosen by the server; 0: not seen
  std::string server_name, alpn;
  ClientProof client_proof = ClientProof::kUnknown;
  Bytes client_hello, server_hello;  // the messages; empty: not seen
};

// From the handshake bytes of both directions, RecordWalk::handshake().
TlsFacts read_handshakes(ByteView client, ByteView server);

// Encrypted, in the clear (a suite without encryption), incomplete, or unrecognised where it isn't TLS all through.
FlowKind kind_of(const TlsFacts& facts, const RecordWalk& client, const RecordWalk& server);

}  // namespace cloister::probe::path
