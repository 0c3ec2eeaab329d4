// A workload's own SVID as what TLS shows of it: follows the source that renewal replaces.
#pragma once

#include "identity/source.h"
#include "net/tls.h"

namespace cloister::net {

// kInvalid for a chain longer than PeerVerifier::kChainMax: nobody would take it.
Result<std::shared_ptr<const Credentials>> credentials_of(const identity::Snapshot& snapshot);

class SpiffeCredentials final : public CredentialSource {
 public:
  // credentials_of()'s refusals. The source is never null.
  static Result<std::shared_ptr<SpiffeCredentials>> follow(std::shared_ptr<const identity::Source> source);

  // Of the source's snapshot at this moment; of the last one that could be used while that one can't.
  std::shared_ptr<const Credentials> current() const override;
  // Why the newest snapshot that current() saw can't be used: credentials_of()'s refusals.
  Status state() const;

 private:
  explicit SpiffeCredentials(std::shared_ptr<const identity::Source> source) : source_(std::move(source)) {}

  const std::shared_ptr<const identity::Source> source_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const identity::Snapshot> seen_;
  mutable std::shared_ptr<const Credentials> current_;
  mutable Status state_;
};

}  // namespace cloister::net
