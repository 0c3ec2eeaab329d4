#include "kms/aws/sigv4.h"

#include <algorithm>

namespace cloister::kms {

Status AwsSigner::sign(net::Request& request, const AwsCredentials& credentials, Time now) const {
  const std::string date = net::sigv4_time(now);
  const std::string payload_hash = net::sigv4_payload_hash(request.body);
  request.headers.add("x-amz-date", date);
  if (path == net::SigV4Path::kAsSent) request.headers.add("x-amz-content-sha256", payload_hash);
  if (!credentials.session_token.empty()) {
    request.headers.add("x-amz-security-token", std::string(as_text(credentials.session_token.expose())));
  }
  net::SigV4Authorization authorization{credentials.access_key_id, {date.substr(0, 8), region, service}, {}, {}};
  for (const net::Header& header : request.headers.all()) authorization.signed_headers.push_back(header.name);
  std::ranges::sort(authorization.signed_headers);
  CLOISTER_TRY(const std::string canonical,
               net::sigv4_canonical_request(request, authorization.signed_headers, payload_hash, path));
  const crypto::Secret key = net::sigv4_signing_key(credentials.secret_access_key, authorization.scope);
  authorization.signature = net::sigv4_signature(key, net::sigv4_string_to_sign(date, authorization.scope, canonical));
  request.headers.add("authorization", authorization.serialize());
  return {};
}

}  // namespace cloister::kms
