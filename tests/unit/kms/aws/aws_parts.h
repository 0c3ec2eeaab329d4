// What tests of the AWS provider share: an environment, and transports that forward to one of the test's.
#pragma once

#include <map>

#include "kms/aws/aws_kms.h"
#include "tests/support/recorded_transport.h"

namespace cloister::kms {

inline constexpr std::string_view kArn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
inline constexpr std::string_view kOtherArn =
    "arn:aws:kms:us-east-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";

using Variables = std::map<std::string, std::string>;
inline const Variables kKeysInEnvironment{{"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"},
                                          {"AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}};

inline Environment environment_of(Variables variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

class Forwarding final : public HttpTransport {
 public:
  explicit Forwarding(HttpTransport& to) : to_(to) {}
  Result<net::Response> send(const net::Request& request, Duration patience) override {
    return to_.send(request, patience);
  }

 private:
  HttpTransport& to_;
};

// Every endpoint's requests go to one transport; where they would have gone is kept.
struct Network {
  testing::RecordedTransport recorded;
  std::vector<std::string> opened;  // "https://kms.us-east-1.amazonaws.com"

  OpenTransport open() {
    return [this](const Endpoint& endpoint, const WebTransportOptions&) -> Result<std::unique_ptr<HttpTransport>> {
      opened.push_back((endpoint.tls ? "https://" : "http://") + endpoint.authority() + endpoint.path);
      return std::unique_ptr<HttpTransport>(std::make_unique<Forwarding>(recorded));
    };
  }
};

}  // namespace cloister::kms
