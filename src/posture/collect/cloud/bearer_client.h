// Reads from a cloud's REST services with a token that is renewed in time: Azure's and Google's, whichever host has
// them.
#pragma once

#include <map>

#include "kms/bearer_token.h"
#include "kms/connect.h"
#include "kms/retry.h"

namespace cloister::posture {

struct BearerService {
  std::string name;  // for messages: "google", "azure"
  kms::TokenCache::Fetch fetch;
  std::function<kms::Verdict(const net::Response&)> judge;
  std::function<Error(const net::Response&)> refusal;  // of an answer that isn't 200
  kms::RetryRules retry = {};
};

// Any thread may call; a call waits for its answer.
class BearerClient {
 public:
  BearerClient(BearerService service, kms::WebTransportOptions web, kms::Waiting waiting, kms::Connect connect)
      : service_(std::move(service)),
        web_(std::move(web)),
        waiting_(std::move(waiting)),
        connect_(std::move(connect)) {}

  // An answer with status 200 to GET. `target` stands below the endpoint's path. What the error of anything else says
  // begins with the service's name and `what`.
  Result<net::Response> get(const kms::Endpoint& endpoint, const std::string& target, std::string_view what,
                            const net::Headers& headers = {});
  // The token goes only to hosts that this client was configured with, so a link to the next page must be of
  // `endpoint`: its target there, below its path. kCorrupt for any other.
  static Result<std::string> target_of_link(const kms::Endpoint& endpoint, std::string_view link);

 private:
  Result<kms::HttpTransport*> transport(const kms::Endpoint& endpoint);

  const BearerService service_;
  const kms::WebTransportOptions web_;
  const kms::Waiting waiting_;
  const kms::Connect connect_;
  kms::RetryBudget budget_;
  kms::TokenCache tokens_;
  std::mutex mutex_;  // of what follows
  std::map<std::string, std::unique_ptr<kms::HttpTransport>> transports_;
};

}  // namespace cloister::posture
