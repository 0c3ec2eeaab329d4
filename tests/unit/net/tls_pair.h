// Two TLS sessions over a pair of sockets, in one thread.
#pragma once

#include <sys/socket.h>

#include "net/socket.h"
#include "net/tls_session.h"

namespace cloister::net {

using Outcome = TlsSession::Outcome;

struct Pair {
  Socket server, client;
  Pair() {
    int ends[2];
    CLOISTER_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    server = Socket(ends[0]);
    client = Socket(ends[1]);
  }
};

inline bool unfinished(Outcome outcome) { return outcome == Outcome::kWantRead || outcome == Outcome::kWantWrite; }

struct Ends {
  Outcome server = Outcome::kWantRead;
  Outcome client = Outcome::kWantRead;
};

inline Ends shake(TlsSession& server, TlsSession& client) {
  Ends ends;
  for (int turn = 0; turn < 20 && (unfinished(ends.server) || unfinished(ends.client)); ++turn) {
    if (unfinished(ends.client)) ends.client = client.handshake();
    if (unfinished(ends.server)) ends.server = server.handshake();
  }
  return ends;
}

inline std::unique_ptr<TlsSession> must(Result<std::unique_ptr<TlsSession>> session) {
  CLOISTER_CHECK(session.ok());
  return std::move(session).value();
}

}  // namespace cloister::net
