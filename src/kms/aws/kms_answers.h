// Answers of AWS KMS to what wraps, unwraps and lists: read strictly, since whoever answers may not be whom we think.
#pragma once

#include "kms/provider.h"

namespace cloister::kms {

inline constexpr std::size_t kAwsCiphertextMax = 6144;

// Whether AWS answered about the key that was asked: its ARN, or an ARN of its id.
bool is_same_aws_key(std::string_view asked, std::string_view answered);

// All: kCorrupt for an answer that isn't understood, or speaks of another key than `key`.
Result<ProviderWrap> parse_encrypt_answer(ByteView body, std::string_view key);
// Also where a key version was asked for and another answered.
Result<crypto::Secret> parse_decrypt_answer(ByteView body, std::string_view key, std::string_view key_version);
Result<KeyPage> parse_list_answer(ByteView body, std::string_view cursor);

}  // namespace cloister::kms
