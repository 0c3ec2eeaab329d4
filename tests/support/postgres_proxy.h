// Stands between a client and a PostgreSQL server, and cuts the connection at the moment of a COMMIT.
#pragma once

#include <atomic>
#include <list>
#include <thread>

#include "tests/support/temp_dir.h"

namespace cloister::testing {

class PostgresProxy {
 public:
  // `server` is the folder of the server's socket.
  explicit PostgresProxy(Path server);
  ~PostgresProxy();

  // For libpq's host=.
  std::string host() const { return directory_.path().string(); }

  enum class Strike {
    kNone,
    kBefore,  // the server never hears the COMMIT
    kAfter,   // the server commits, the client never hears
    kLate,    // the client is cut off, and half a second later the server hears the COMMIT
  };
  // At the next change's COMMIT.
  void strike(Strike strike) { strike_ = strike; }
  bool has_struck() const { return strike_ == Strike::kNone; }

 private:
  void accept_clients();
  void serve(int client, int server);

  Path server_;
  TempDir directory_;
  int listening_ = -1;
  std::atomic<Strike> strike_ = Strike::kNone;
  std::atomic<bool> ending_ = false;
  std::list<std::jthread> connections_;
  std::jthread accepting_;
};

}  // namespace cloister::testing
