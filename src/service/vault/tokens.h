// Tokens of the Vault dialect: what a login comes to. Opaque, short-lived, in this process's memory only; the token's
// text is known to nobody but its holder. docs/decisions/vault-tokens.md.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "keys/hierarchy.h"
#include "net/buffer.h"
#include "policy/words.h"

namespace cloister::service {

// Who a token speaks for, and how long.
struct VaultToken {
  std::string caller;    // a SPIFFE ID
  std::string how;       // what it was given for: "mtls", "jwt-svid", "access-key"
  std::string accessor;  // names the token without being it: 32 hexadecimal digits
  policy::Purpose purpose = policy::Purpose::kOperate;
  keys::TenantName scope;  // of an access key: no other namespace
  std::string key;         // the access key's id; empty for others
  Time made, expires;
  Time ends;  // not to be renewed beyond
};

struct VaultTokenOptions {
  Duration lifetime = minutes(60);
  Duration ends_after = days(1);
  std::size_t tokens_max = 65'536;
  std::size_t of_caller_max = 1024;  // the oldest goes when there are more
};

// Any thread may call.
class VaultTokens {
 public:
  // `random` outlives it.
  VaultTokens(VaultTokenOptions options, crypto::Random& random) : options_(options), random_(&random) {}

  struct Made {
    net::Buffer text;  // "hvs." and 43 characters
    VaultToken token;
  };
  // Fills in what names it and how long it lasts; `ends` is kept where it is sooner. kUnavailable when there are as
  // many as there may be.
  Result<Made> make(VaultToken token, Time now);
  // Nothing for a token that there isn't, or that has expired.
  std::optional<VaultToken> find(std::string_view text, Time now) const;
  // As long from now as a new one, as far as it goes. Nothing as for find().
  std::optional<VaultToken> renew(std::string_view text, Time now);
  void revoke(std::string_view text);
  std::size_t size() const;

 private:
  using Hash = std::string;  // SHA-256 of the text
  static Hash hash_of(std::string_view text);
  void remove(const Hash& hash);
  void sweep(Time now);

  const VaultTokenOptions options_;
  crypto::Random* const random_;
  mutable std::mutex mutex_;
  std::unordered_map<Hash, VaultToken> tokens_;
  std::map<std::string, std::deque<Hash>, std::less<>> of_caller_;  // the oldest first
};

}  // namespace cloister::service
