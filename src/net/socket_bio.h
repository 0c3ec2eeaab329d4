// A socket as OpenSSL reads and writes it, without the signal that writing to a closed one raises.
#pragma once

#include <openssl/bio.h>

#include "base/bytes.h"

namespace cloister::net {

// Where the bytes for a socket are before it takes them. Neither moves nor copies: OpenSSL's object points to it.
struct SocketOutput {
  SocketOutput() = default;
  SocketOutput(const SocketOutput&) = delete;
  SocketOutput& operator=(const SocketOutput&) = delete;

  int socket = -1;
  // Of a stream, once its handshake is done: what the socket doesn't take is kept, and OpenSSL never told to try again.
  bool keep = false;
  Bytes* gathered = nullptr;  // while set, bytes go here and not to the socket
  Bytes unsent;               // empty, without memory of its own, most of the time

  enum class Sent { kAll, kLater, kFailed };
  Sent send(ByteView bytes);
  Sent flush();
};

// `output` names the socket, which stays its owner's, and outlives the BIO. Null when memory runs out.
BIO* new_socket_bio(SocketOutput& output);

}  // namespace cloister::net
