// Where AWS's services are, by region.
#pragma once

#include <string>

#include "kms/http_transport.h"

namespace cloister::kms {

struct AwsHost {
  std::string region;  // "eu-west-1"
  bool fips = false;
  bool dual_stack = false;
};

// kInvalid for what can't be a region's name.
Status check_aws_region(std::string_view region);

// "https://kms-fips.eu-west-1.amazonaws.com". kInvalid for what isn't a region's name; kUnsupported for the isolated
// partitions, whose endpoint is to be given.
Result<Endpoint> aws_endpoint(std::string_view service, const AwsHost& host);

}  // namespace cloister::kms
