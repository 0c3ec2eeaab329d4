#include "posture/collect/cloud/bearer_client.h"

#include <algorithm>

namespace cloister::posture {
namespace {

constexpr std::size_t kLinkMax = 8192;

}  // namespace

Result<kms::HttpTransport*> BearerClient::transport(const kms::Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  auto& kept = transports_[(endpoint.tls ? "https://" : "http://") + endpoint.authority()];
  if (kept == nullptr) {
    CLOISTER_TRY(kept, connect_(endpoint, web_));
  }
  return kept.get();
}

Result<net::Response> BearerClient::get(const kms::Endpoint& endpoint, const std::string& target, std::string_view what,
                                        const net::Headers& headers) {
  const std::string doing = service_.name + ": " + std::string(what);
  auto reached = transport(endpoint).with_context(doing);
  if (!reached.ok()) return reached.error();
  auto token = tokens_.get(waiting_.now(), service_.fetch).with_context(doing);
  if (!token.ok()) return token.error();
  const auto make = [&]() -> Result<net::Request> {
    net::Request request{"GET", endpoint.path + target, headers, {}, nullptr};
    request.headers.add("authorization", kms::authorization(**token));
    return request;
  };
  const auto renew = [&](const net::Response&) -> Status {
    tokens_.drop(*token);
    CLOISTER_TRY(*token, tokens_.get(waiting_.now(), service_.fetch));
    return {};
  };
  const kms::RetryingCall call{service_.retry, budget_, waiting_, **reached, make, service_.judge, renew};
  auto answer = call.run().with_context(doing);
  if (!answer.ok() || answer->status == 200) return answer;
  return service_.refusal(*answer).with_context(doing);
}

Result<std::string> BearerClient::target_of_link(const kms::Endpoint& endpoint, std::string_view link) {
  const std::string base = (endpoint.tls ? "https://" : "http://") + endpoint.authority() + endpoint.path + "/";
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (link.size() > kLinkMax || !link.starts_with(base) || !std::ranges::all_of(link, visible)) {
    return Error(Code::kCorrupt, "the next page is said to be somewhere else");
  }
  return std::string(link.substr(base.size() - 1));
}

}  // namespace cloister::posture
