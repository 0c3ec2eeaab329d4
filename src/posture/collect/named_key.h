// Whose a key is that a configuration names, as far as the name and the estate tell. A provider's own answer tells
// more.
#pragma once

#include <string>
#include <string_view>

#include "posture/estate.h"

namespace cloister::posture {

// "operator" for a key that the estate declares, and for one of Google's in an own project, where customers alone make
// keys; "platform_default" for a name that only a platform's own key has; "foreign" for one of another account or
// project than the own ones; else "unknown": an ARN doesn't say who manages the key.
std::string manager_of_named_key(const Estate& estate, std::string_view name);

}  // namespace cloister::posture
