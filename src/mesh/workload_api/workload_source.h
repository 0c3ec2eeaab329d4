// A workload's own identity as the Workload API of its machine gives it: follows FetchX509SVID for as long as it lives.
// SPIFFE Workload API, sections 4 and 5.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "identity/source.h"
#include "mesh/workload_api/workload_endpoint.h"
#include "net/tls.h"

namespace cloister::mesh {

struct WorkloadSourceOptions {
  WorkloadEndpoint endpoint;  // TCP: of this machine or its host alone
  uid_t server_user = 0;      // whose process must be listening on a Unix socket
  // Which of several identities; nothing: the first, which is the default one. An identity that is asked for and isn't
  // there is as if there was none.
  std::optional<identity::SpiffeId> id;
  identity::Conformance conformance = identity::Conformance::kStrict;
  net::Clock clock;
  // After every change of the source or of health().state. From the source's own thread: it must not wait long, nor
  // destroy the source. May be left empty.
  std::function<void()> changed = {};
};

struct WorkloadHealth {
  enum class State {
    kFollowing,  // connected, and what the source has is what the server said last
    kDenied,     // the server says that nothing is registered for this process: asked again with growing pauses
    kAway,       // no connection, or the server isn't ready: the same
    kRefused,    // the server says that it will never answer: not asked again
  };
  State state = State::kAway;
  std::string detail;         // why it isn't following
  std::uint64_t updates = 0;  // that the server sent and that were taken
  Time last_update;
};

// Keeps what it has while the server is away: SVIDs are short-lived and end by themselves. A message that can't be used
// (a key that isn't the certificate's, an SVID that its own bundle doesn't verify) is refused whole and the connection
// begun anew. Any thread may call.
class WorkloadSource {
 public:
  // Waits for the first identity, and asks again and again for it. kDenied: there is none for this process.
  // kUnavailable: none came within `patience`. kInvalid: an option lacks, or the server says that the request is wrong.
  static Result<std::unique_ptr<WorkloadSource>> create(WorkloadSourceOptions options, Duration patience);
  // Ends the connection and its thread.
  ~WorkloadSource();
  WorkloadSource(const WorkloadSource&) = delete;
  WorkloadSource& operator=(const WorkloadSource&) = delete;

  // The same all the time; may outlive this.
  const std::shared_ptr<identity::Source>& source() const;
  WorkloadHealth health() const;

 private:
  class Follower;
  explicit WorkloadSource(std::unique_ptr<Follower> follower);
  std::unique_ptr<Follower> follower_;
};

}  // namespace cloister::mesh
