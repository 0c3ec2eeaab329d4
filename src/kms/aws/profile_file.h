// AWS's shared files, ~/.aws/credentials and ~/.aws/config: the settings of one profile.
#pragma once

#include <map>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace cloister::kms {

// By name, in lower case. Views into the text.
using AwsProfile = std::map<std::string, std::string_view>;

// The sections of that name ("default", "profile work") taken together, where a later line wins; nothing when there is
// none. Indented lines belong to a setting that is none of ours and are passed over. kInvalid for a line of the section
// that is no setting, and for more than 256 KiB; the message has the line's number, never its text.
Result<std::optional<AwsProfile>> parse_aws_profile(std::string_view text, std::string_view section);

}  // namespace cloister::kms
