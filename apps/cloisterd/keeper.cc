#include "cloisterd/keeper.h"

#include <algorithm>

#include "service/denied_ids.h"

namespace cloister::daemon {
namespace {

constexpr Duration kRetry = seconds(1);
constexpr Duration kSilenceMax = seconds(30);

}  // namespace

Status Keeper::work(Time now) {
  if (!store_) {
    CLOISTER_TRY(store_, parts_.open_store());
  }
  const keys::Caller caller{parts_.actor, now};
  CLOISTER_TRY(identity::DenyList denied, service::read_deny_list(*store_, parts_.settings));
  identity::DenyList current = denied.current(now);
  if (!(current == *parts_.verifier.deny_list())) {
    parts_.log.info("deny-list-changed", {{"denied", std::uint64_t{current.ids().size()}}});
    parts_.verifier.replace_deny_list(std::move(current));
  }
  if (parts_.access_keys != nullptr) CLOISTER_RETURN_IF_ERROR(parts_.access_keys->refresh(*store_));
  CLOISTER_RETURN_IF_ERROR(parts_.issuer.refresh(*store_, caller));
  const auto before = parts_.own.source()->current();
  CLOISTER_RETURN_IF_ERROR(parts_.own.refresh(parts_.issuer, *store_, caller));
  const auto after = parts_.own.source()->current();
  const std::uint64_t sequence = parts_.issuer.current()->sequence();
  if (sequence != sequence_) parts_.log.info("bundle", {{"sequence", sequence}});
  sequence_ = sequence;
  if (before != after) parts_.log.info("own-certificate", {{"until", to_rfc3339(after->not_after())}});
  return parts_.releases == nullptr ? ok_status() : parts_.releases->refresh(*store_);
}

Duration Keeper::tick() {
  const Time now = parts_.clock();
  const Status status = work(now);
  if (status.ok()) {
    answered_ms_.store(now.unix_ms);
    if (failing_) parts_.log.info("store-back");
    failing_ = false;
    return parts_.poll;
  }
  parts_.metrics.store_errors.fetch_add(1);
  // Once is enough to say it: it is tried every second.
  if (!failing_) parts_.log.error("identity-not-refreshed", {{"error", status.error().message()}});
  failing_ = true;
  store_.reset();
  return kRetry;
}

bool Keeper::store_answers() const {
  const Duration silence = parts_.clock() - Time{answered_ms_.load()};
  return silence < std::max(kSilenceMax, Duration{parts_.poll.ms * 3});
}

}  // namespace cloister::daemon
