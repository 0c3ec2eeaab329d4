// What a request for an identity says, read from its body. Used by enrolment.cc alone.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate_request.h"
#include "identity/deny_list.h"
#include "net/buffer.h"
#include "service/body_fields.h"

namespace cloister::service {

struct EnrolmentOrder {
  std::optional<identity::SpiffeId> id;                       // whose
  std::string wanted;                                         // the id, where it is only asked for
  std::shared_ptr<const crypto::Secret> token;                // null where there is none
  std::shared_ptr<const crypto::CertificateRequest> request;  // null where none belongs to it
  std::vector<std::string> audience;
  Duration lifetime;
};

// {"request": PEM, "join_token": TEXT, "id": SPIFFE ID}, of which the last two may be missing. The token is read in
// place and wiped from the body. kInvalid for anything else, and for a request that is none.
Result<EnrolmentOrder> parse_enroll_body(net::Buffer& body);
// {"audience": [TEXT, …]}
Result<EnrolmentOrder> parse_audience_body(net::Buffer& body);

// The body's fields of these kinds. kInvalid.
Result<identity::SpiffeId> parse_id(const BodyFields& body, std::string_view name);
Result<Duration> parse_seconds(const BodyFields& body, std::string_view name, Duration max);

JsonValue denied_json(const identity::DeniedId& denied);

}  // namespace cloister::service
