// What a key service's configuration says to the posture audit: how its callers prove who they are, and what its
// detectors notice. docs/posture-home.md.
#pragma once

#include "cloisterd/config.h"
#include "posture/collect/fact_maker.h"

namespace cloister::daemon {

inline constexpr std::string_view kServiceCollector = "service/1";

// What a store and a policy say beside the configuration; nothing: they couldn't be looked at.
struct AuthenticationParts {
  std::optional<std::int64_t> access_keys;  // that are in the store, expired or not
  std::optional<bool> tenant_bound;
};
// The values of `key.authentication`. Access keys, and tokens that a caller shows without a certificate, can be carried
// off: they count as static.
posture::FactValues authentication_values(const Config& config, const AuthenticationParts& parts);

// Whether a policy lets nobody use keys of every tenant. kInvalid for what isn't a policy.
Result<bool> binds_tenants(std::string_view policy_text);

// `key.authentication` and `detection.run`, about the workload that has the service's identity, or the platform.
class ServiceCollector final : public posture::Collector {
 public:
  struct Parts {
    Path config;
    keys::Store* store = nullptr;  // outlives it; null: none is there
    Path home = {};                // whose store that is: of another home than the service's nothing is counted
  };
  explicit ServiceCollector(Parts parts) : parts_(std::move(parts)) {}
  std::string_view name() const override { return kServiceCollector; }
  void collect(const posture::CollectContext& context, posture::FactSink& sink) override;

 private:
  const Parts parts_;
};

}  // namespace cloister::daemon
