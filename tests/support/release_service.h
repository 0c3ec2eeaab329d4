// A key service as a worker meets it: verifies evidence with the real verifier, and seals keys that it made up.
#pragma once

#include <map>

#include "attest/verifier.h"
#include "base/json.h"
#include "tests/support/deterministic_random.h"
#include "worker/attested_keys.h"

namespace cloister::testing {

// The switches change what it answers.
class ReleaseService {
 public:
  explicit ReleaseService(attest::Anchors trusted) : anchors(std::move(trusted)) {}

  attest::Anchors anchors;
  Time now{1'795'000'000'000};
  Duration lease_length = minutes(10);
  bool over_tls = true;
  bool reachable = true;
  // A service that is slow to take a connection and to answer: `pass` lets that much of the time pass.
  const worker::Patience* patience = nullptr;
  std::function<void(Duration)> pass;
  Duration takes{};
  bool leases_hold = true;    // false: policy changed, or it started anew
  bool refuses_keys = false;  // one by one, in an answer that is a success otherwise
  bool names_another_release = false;
  std::string policy = "workers-1";  // in force; empty: an older service, which doesn't say

  unsigned connections = 0, attested = 0, leased = 0;

  worker::OpenReleaseChannel channels();
  // The same, for a server in front of it; one thread at a time.
  net::Response answer(const net::Request& request, const net::ConnectionInfo& info);
  // What it gives for that object, unless there is a keyring.
  static crypto::KeyMaterial key_of(ByteView object);
  crypto::KeyWrapper* keyring = nullptr;
  std::string keyring_id;

 private:
  class Channel;
  struct Granted {
    Bytes recipient;
    Time end;
  };
  Status wait();
  Result<std::string> admit(const JsonValue& attestation, const net::ConnectionInfo& info);
  Result<std::string> find_lease(const std::string& id);
  crypto::KeyMaterial unwrap(const JsonValue& key);
  net::Response hand_out(const std::string& id, const JsonValue& keys);

  DeterministicRandom random_{9};
  Bytes challenge_;
  std::map<std::string, Granted> leases_;
};

}  // namespace cloister::testing
