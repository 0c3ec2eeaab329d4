// A record of the audit log as an OCSF API Activity (class 6003), for tools that read that schema.
// docs/formats/ocsf.md.
#pragma once

#include <string>

#include "audit/record.h"

namespace cloister::audit {

struct OcsfOptions {
  std::string origin;           // the record's tree: names the log and makes the event's id
  std::string product_version;  // of the program that writes this
};

// One JSON object, without a line feed. Attributes the schema requires are there; everything else only where the record
// says it. What the schema has no place for is under "unmapped".
std::string ocsf_api_activity(const LogRecord& record, const OcsfOptions& options);

}  // namespace cloister::audit
