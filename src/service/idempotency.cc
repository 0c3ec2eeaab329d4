#include "service/idempotency.h"

#include <algorithm>

#include "crypto/hkdf.h"

namespace cloister::service {
namespace {

constexpr std::size_t kKeySizeMax = 128;

crypto::Sha256Digest digest_of(const net::Request& request) {
  crypto::Info parts("CLSR1 idempotent request");
  parts.field(as_bytes(request.method)).field(as_bytes(request.target)).field(crypto::sha256(request.body));
  return crypto::sha256(parts.view());
}

}  // namespace

Result<std::optional<keys::RequestKey>> request_key_of(const Call& call) {
  const std::string* text = call.request.headers.find("idempotency-key");
  if (text == nullptr) return std::optional<keys::RequestKey>();
  const bool printable = std::ranges::all_of(*text, [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (text->empty() || text->size() > kKeySizeMax || !printable) {
    return Error(Code::kInvalid, "the header idempotency-key is 1 to 128 printable ASCII characters");
  }
  crypto::Info parts("CLSR1 idempotency key");
  parts.field(as_bytes(call.caller)).field(as_bytes(*text));
  return std::optional(
      keys::RequestKey{crypto::sha256(parts.view()), digest_of(call.request), call.now + kRequestKeyLife});
}

bool is_repeated_request(const Error& error) {
  return error.code() == Code::kExists && error.message().starts_with("request key");
}

}  // namespace cloister::service
