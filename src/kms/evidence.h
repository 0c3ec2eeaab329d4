// Answers of providers, kept as they came: what a posture report is computed from and can be checked against.
#pragma once

#include <string>

#include "base/clock.h"

namespace cloister::kms {

struct Evidence {
  Time received;
  std::string provider;    // "aws-kms eu-west-1"
  std::string operation;   // "DescribeKey", "GET /keys/corpus"
  std::string key;         // what was asked about; empty for a list
  std::string request_id;  // the provider's own; empty when it gave none
  unsigned status = 0;     // HTTP, or the protocol's own
  std::string body;        // raw. Empty, with `withheld`, where the answer carried key material
  bool withheld = false;
};

// Any thread may call; it must not wait for the network.
class EvidenceSink {
 public:
  virtual ~EvidenceSink() = default;
  virtual void keep(Evidence evidence) = 0;
};

}  // namespace cloister::kms
