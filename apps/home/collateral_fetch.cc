#include "home/collateral_fetch.h"

#include "kms/retry_after.h"

namespace cloister::home {
namespace {

constexpr Duration kPause = minutes(1);
constexpr unsigned kTooMany = 429;

// Vendors throttle whole sites: few tries, far apart.
kms::RetryRules rules_of(Attempts attempts) {
  const unsigned count = attempts == Attempts::kOnce ? 1 : 3;
  return {count, Duration{1000}, 4, Duration{20'000}, Duration{10'000}, Duration{60'000}};
}

kms::Verdict judge(const net::Response& response) {
  const bool again = response.status == kTooMany || response.status >= 500;
  return {again ? kms::Verdict::Kind::kRetry : kms::Verdict::Kind::kFinal, kms::retry_after(response)};
}

Error refused(VendorService which, const VendorRequest& request, unsigned status) {
  const std::string what =
      std::string(vendor_service_name(which)) + " answers " + request.target + " with status " + std::to_string(status);
  if (status == 404) return Error(Code::kNotFound, what);
  if (status == kTooMany || status >= 500) return Error(Code::kUnavailable, what);
  return Error(Code::kInvalid, what);
}

}  // namespace

CollateralFetcher::CollateralFetcher(TransportMaker transports, kms::Waiting waiting, Attempts attempts)
    : transports_(std::move(transports)), waiting_(std::move(waiting)), rules_(rules_of(attempts)) {}

TransportMaker web_transports(std::string authorities) {
  return [authorities = std::move(authorities)](const kms::Endpoint& endpoint) {
    return kms::web_transport(endpoint, {authorities, {}, {}});
  };
}

Result<std::unique_ptr<CollateralFetcher>> CollateralFetcher::create(const VendorAddresses& addresses,
                                                                     TransportMaker transports, kms::Waiting waiting,
                                                                     Attempts attempts) {
  std::unique_ptr<CollateralFetcher> fetcher(
      new CollateralFetcher(std::move(transports), std::move(waiting), attempts));
  for (const auto which : {VendorService::kIntelPcs, VendorService::kIntelRootCrl, VendorService::kAmdKds,
                           VendorService::kNvidiaRim, VendorService::kNvidiaOcsp}) {
    CLOISTER_TRY(kms::Endpoint endpoint,
                 kms::parse_endpoint(addresses.of(which)).with_context(vendor_service_name(which)));
    fetcher->services_[which].endpoint = std::move(endpoint);
  }
  return fetcher;
}

Result<net::Response> CollateralFetcher::ask(VendorService which, Service& service, const VendorRequest& request) {
  if (waiting_.now() < service.paused_until) {
    return Error(Code::kUnavailable,
                 std::string(vendor_service_name(which)) + " isn't asked before " + to_rfc3339(service.paused_until));
  }
  if (!service.transport) {
    CLOISTER_TRY(service.transport, transports_(service.endpoint));
  }
  const auto make = [&]() -> Result<net::Request> {
    net::Request made;
    made.method = request.method;
    made.target = service.endpoint.path + request.target;
    if (made.target.empty()) made.target = "/";
    made.headers = {
        {"host", service.endpoint.authority()}, {"accept-encoding", "identity"}, {"user-agent", "cloister"}};
    if (!request.body.empty()) made.headers.add("content-type", "application/ocsp-request");
    made.body.assign(request.body.begin(), request.body.end());
    return made;
  };
  auto answer = kms::RetryingCall{rules_, service.budget, waiting_, *service.transport, make, judge}.run();
  const bool down =
      answer.ok() ? judge(*answer).kind == kms::Verdict::Kind::kRetry : answer.error().code() == Code::kUnavailable;
  if (down) {
    const Duration said = answer.ok() ? kms::retry_after(*answer).value_or(kPause) : kPause;
    service.paused_until = waiting_.now() + std::max(said, kPause);
  }
  if (!answer.ok()) return answer.error().with_context(vendor_service_name(which));
  if (answer->status != 200) return refused(which, request, answer->status);
  return answer;
}

Result<attest::CollateralItem> CollateralFetcher::fetch(const attest::CollateralNeed& need, const FetchHints& hints) {
  CLOISTER_TRY(const VendorRequest request, vendor_request(need, hints));
  CLOISTER_TRY(const net::Response response, ask(request.service, services_[request.service], request));
  return collateral_of(need, request, response, waiting_.now());
}

}  // namespace cloister::home
