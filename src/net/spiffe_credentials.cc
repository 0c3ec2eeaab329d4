#include "net/spiffe_credentials.h"

namespace cloister::net {

Result<std::shared_ptr<const Credentials>> credentials_of(const identity::Snapshot& snapshot) {
  std::vector<Bytes> chain;
  for (const crypto::Certificate& certificate : snapshot.svid().chain()) chain.push_back(certificate.der());
  return Credentials::from_der(chain, snapshot.key().to_pkcs8())
      .with_context("use the SVID of " + snapshot.svid().id().uri());
}

Result<std::shared_ptr<SpiffeCredentials>> SpiffeCredentials::follow(std::shared_ptr<const identity::Source> source) {
  CLOISTER_CHECK(source != nullptr);
  std::shared_ptr<SpiffeCredentials> credentials(new SpiffeCredentials(std::move(source)));
  credentials->seen_ = credentials->source_->current();
  CLOISTER_TRY(credentials->current_, credentials_of(*credentials->seen_));
  return credentials;
}

std::shared_ptr<const Credentials> SpiffeCredentials::current() const {
  const std::scoped_lock lock(mutex_);
  auto snapshot = source_->current();
  if (snapshot == seen_) return current_;
  auto credentials = credentials_of(*snapshot);
  state_ = credentials.ok() ? Status() : Status(credentials.error());
  if (credentials.ok()) current_ = std::move(credentials).value();
  seen_ = std::move(snapshot);
  return current_;
}

Status SpiffeCredentials::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

}  // namespace cloister::net
