#include "kms/aws/endpoints.h"

#include <algorithm>

namespace cloister::kms {
namespace {

constexpr std::size_t kRegionMax = 32;

bool is_region(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kRegionMax && std::ranges::all_of(text, fits) && text.front() != '-' &&
         text.back() != '-';
}

}  // namespace

Status check_aws_region(std::string_view region) {
  if (is_region(region)) return {};
  return Error(Code::kInvalid, "the AWS region isn't a name like eu-west-1");
}

Result<Endpoint> aws_endpoint(std::string_view service, const AwsHost& host) {
  CLOISTER_RETURN_IF_ERROR(check_aws_region(host.region));
  if (host.region.find("-iso") != std::string::npos) {
    return Error(Code::kUnsupported, "region " + host.region + " needs an endpoint of its own");
  }
  const bool china = host.region.starts_with("cn-");
  const std::string suffix = host.dual_stack ? (china ? "api.amazonwebservices.com.cn" : "api.aws")
                                             : (china ? "amazonaws.com.cn" : "amazonaws.com");
  return parse_endpoint("https://" + std::string(service) + (host.fips ? "-fips." : ".") + host.region + "." + suffix);
}

}  // namespace cloister::kms
