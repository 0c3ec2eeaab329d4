// Bodies of token requests: application/x-www-form-urlencoded, in memory that is wiped, since client secrets and
// assertions go in them.
#pragma once

#include <string>
#include <string_view>

#include "net/buffer.h"

namespace cloister::kms {

// RFC 3986 2.3: letters, digits and -._~ stay, every other byte is %XX.
std::string percent_encode(std::string_view text);

// Names and values in the order they were added.
class FormBody {
 public:
  FormBody& add(std::string_view name, std::string_view value);
  net::Buffer take() { return std::move(body_); }

 private:
  net::Buffer body_;
};

}  // namespace cloister::kms
