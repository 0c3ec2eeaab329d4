// What Vault and OpenBao answer, read: of the transit engine, of logging in, and of the server's own state.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kms/provider.h"
#include "kms/wiped_json.h"

namespace cloister::kms::vault {

inline constexpr std::size_t kKeysMax = 20'000;

// Of a login, of renewing a token, or of looking one up (then without the token, which is known).
struct Token {
  WipedText text;
  Duration lease;  // zero: it doesn't end
  bool renewable = false;
};

struct TransitKeyVersion {
  std::uint64_t number = 0;
  Time created;
};

// What a server doesn't tell, because it is of another kind or older, is nothing.
struct TransitKey {
  std::string type;
  std::uint64_t latest = 0;
  std::uint64_t min_available = 1;  // older ones are gone for good
  bool encrypts = true;
  bool derived = false;
  bool external = false;                    // the key is in a place that the engine asks
  std::vector<TransitKeyVersion> versions;  // by number; without those below min_decryption_version
  std::optional<Duration> auto_rotate_period;
  std::optional<bool> exportable, deletion_allowed, plaintext_backup, imported, soft_deleted;
};

struct SealStatus {
  std::string type;  // "shamir", "pkcs11", "awskms"
  bool sealed = true;
  bool initialized = false;
  std::string version;
};

// kCorrupt, naming the member, for an answer that isn't what the description says.
Result<Token> parse_login(ByteView body);
Result<Token> parse_token(ByteView body);
Result<TransitKey> parse_key(ByteView body);
// The ciphertext names its version, and the answer the same one.
Result<ProviderWrap> parse_encrypted(ByteView body);
Result<crypto::Secret> parse_decrypted(ByteView body);
Result<std::vector<std::string>> parse_keys(ByteView body);
Result<SealStatus> parse_seal_status(ByteView body);

// The version that "vault:v3:…" names: "v3". Nothing for anything else, and for what isn't visible ASCII throughout.
std::optional<std::string> version_of(std::string_view ciphertext);
// A name that can be part of a path: letters, digits, - _ and ., at most 256, not beginning or ending with a dot.
bool is_key_name(std::string_view name);

// Of any answer; empty when there is none.
std::string request_id(ByteView body);
// What a refusal says, as one plain line; empty when it says nothing. The body may be anything.
std::string errors_text(ByteView body);
// The error that a status stands for. `opens`: what was refused was to decrypt.
enum class Asked { kToDecrypt, kOther };
Code code_of(unsigned status, std::string_view errors, Asked asked);

}  // namespace cloister::kms::vault
