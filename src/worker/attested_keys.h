// Data keys that a key service gives to this worker because of its evidence: a KeyWrapper that only unwraps, so what is
// sealed opens with it as with any other. docs/attested-release.md, docs/formats/release.md.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "net/http_client.h"
#include "worker/attester/attester.h"
#include "worker/patience.h"
#include "worker/release_answer.h"

namespace cloister::worker {

// One connection to the service: evidence is bound to it.
class ReleaseChannel {
 public:
  virtual ~ReleaseChannel() = default;
  virtual const net::ConnectionInfo& info() const = 0;
  virtual Result<net::Response> send(const net::Request& request) = 0;
};
using OpenReleaseChannel = std::function<Result<std::unique_ptr<ReleaseChannel>>()>;
// Connections of `client`; each step waits as long as `patience` has left. Both must outlive what opens them.
OpenReleaseChannel release_channels(net::HttpClient& client, const Patience& patience);

// What is asked for: keys of one dataset.
struct ReleaseTarget {
  std::string tenant, environment, dataset;  // environment: may be empty
  std::string purpose, role;
  std::string tenant_name() const;  // "acme", "acme/production"
};

struct AttestedKeysParts {
  ReleaseTarget target;
  OpenReleaseChannel open;
  Attester* machine = nullptr;
  std::vector<Attester*> devices;
  Bytes manifest;  // exactly as it was written
  crypto::Random* random = nullptr;
  std::function<Time()> clock;
};

// Any thread may call; one asks at a time.
class AttestedKeys final : public crypto::KeyWrapper {
 public:
  // Everything that `parts` points to, and `locked`, must outlive it.
  AttestedKeys(const LockedDown& locked, AttestedKeysParts parts);

  // kDenied: this worker reads.
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  // Under the lease that stands, else with new evidence. kNotFound for a wrap that isn't a dataset key's; kDenied: the
  // service refuses, and says why; kUnavailable: it can't be reached, or evidence can't be had now.
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;

  // Until when what was unwrapped may be used. Nothing before the first key.
  std::optional<Time> lease_end() const;
  // Id of the attestation policy by which the last keys were given; empty before them, and where the service doesn't
  // say.
  std::string policy() const;
  // Attests again for every key that was given. kDenied: it may not go on: wipe what the keys opened. Nothing is lost
  // by a kUnavailable while the lease stands.
  Status renew();

 private:
  struct Wanted {
    Bytes object, wrapped;
    std::array<std::uint8_t, 32> commitment{};
    std::uint32_t version = 0;
  };
  struct Lease {
    std::string id;
    Time end;
    crypto::HpkePrivateKey recipient;
    std::string policy;
  };
  Result<std::vector<crypto::KeyMaterial>> ask(const std::vector<Wanted>& wanted);
  Result<std::vector<crypto::KeyMaterial>> ask_under_lease(const std::vector<Wanted>& wanted);
  Result<std::vector<crypto::KeyMaterial>> ask_with_evidence(const std::vector<Wanted>& wanted);
  Result<Bytes> challenge(ReleaseChannel& channel);
  Result<ReleaseAnswer> release(ReleaseChannel& channel, std::string body, std::size_t keys);
  Result<std::vector<crypto::KeyMaterial>> open(const ReleaseAnswer& answer, const std::vector<Wanted>& wanted,
                                                const crypto::HpkePrivateKey& recipient);
  net::Request request(std::string path, std::string body) const;

  const LockedDown& locked_;
  const AttestedKeysParts parts_;
  mutable std::mutex mutex_;
  std::optional<Lease> lease_;
  std::map<std::pair<Bytes, Bytes>, Wanted> given_;  // by object and wrap
};

}  // namespace cloister::worker
