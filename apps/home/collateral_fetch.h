// Asks vendors for collateral. What one of them doesn't answer, or throttles, keeps nobody from what the others have,
// nor from what is kept and still valid. Never in the way of a request: whoever needs an answer uses what is there.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "home/collateral_request.h"
#include "kms/retry.h"

namespace cloister::home {

using TransportMaker = std::function<Result<std::unique_ptr<kms::HttpTransport>>(const kms::Endpoint&)>;
// Over the network; `authorities` is a PEM file, or empty for the system's.
TransportMaker web_transports(std::string authorities);

// How hard to try: who comes back by themselves try once.
enum class Attempts { kOnce, kSeveral };

// One thread at a time.
class CollateralFetcher {
 public:
  // kInvalid for an address that is none. Connects only when there is something to ask.
  static Result<std::unique_ptr<CollateralFetcher>> create(const VendorAddresses& addresses, TransportMaker transports,
                                                           kms::Waiting waiting, Attempts attempts);

  // kNotFound: the vendor has none. kUnavailable: it doesn't answer, fails or throttles, after several tries; it isn't
  // asked again before it said, and not within a minute. kInvalid: it answers something else.
  Result<attest::CollateralItem> fetch(const attest::CollateralNeed& need, const FetchHints& hints);

 private:
  struct Service {
    kms::Endpoint endpoint;
    std::unique_ptr<kms::HttpTransport> transport;
    kms::RetryBudget budget{20};
    Time paused_until;
  };
  CollateralFetcher(TransportMaker transports, kms::Waiting waiting, Attempts attempts);
  Result<net::Response> ask(VendorService which, Service& service, const VendorRequest& request);

  const TransportMaker transports_;
  const kms::Waiting waiting_;
  const kms::RetryRules rules_;
  std::map<VendorService, Service> services_;
};

}  // namespace cloister::home
