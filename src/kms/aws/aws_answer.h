// Answers of AWS's services: errors by name, in JSON or XML, what to do about each, and the times in them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "kms/retry.h"

namespace cloister::kms {

// An answer that isn't 200, by its own word: "NotFoundException", without namespace; empty when it names none.
struct AwsError {
  std::string shape;
  std::string message;
};
AwsError parse_aws_error(const net::Response& response);

// What a caller of Provider is told; by the status for a shape that isn't known.
Code aws_error_code(std::string_view shape, unsigned status);
// The clock or the credentials are to be renewed: which of them.
bool is_clock_error(std::string_view shape);
bool is_credentials_error(std::string_view shape);
// Whether, and when, the request is sent again.
Verdict judge_aws(const net::Response& response);

std::string aws_request_id(const net::Response& response);

// Seconds since 1970, with a fraction; nothing for anything else.
std::optional<Time> aws_time(const JsonValue* value);

}  // namespace cloister::kms
