// The messages of Kubernetes' KMS v2: k8s.io/kms/apis/v2/api.proto. Requests are views into their bytes.
#pragma once

#include <string_view>
#include <vector>

#include "net/buffer.h"

namespace cloister::service {

// What the API server itself holds answers and requests to.
inline constexpr std::size_t kKmsCiphertextSizeMax = 1024;
inline constexpr std::size_t kKmsKeyIdSizeMax = 1024;
inline constexpr std::size_t kKmsAnnotationsSizeMax = 32 << 10;
inline constexpr std::size_t kKmsUidSizeMax = 128;

struct KmsAnnotation {
  std::string_view name;
  ByteView value;
};

struct KmsEncryptRequest {
  ByteView plaintext;
  std::string_view uid;  // of the API server's own request: printable ASCII, perhaps empty
};
struct KmsDecryptRequest {
  ByteView ciphertext;
  std::string_view uid;
  std::string_view key_id;
  std::vector<KmsAnnotation> annotations;
};

// Fields of other numbers are passed over, as protobuf has it: newer clients may send more. kInvalid for what isn't
// protobuf, for a known field of another kind, for text that isn't plain, an annotation without a name or twice, and
// for anything longer than the limits.
Status parse_kms_status_request(ByteView message);
Result<KmsEncryptRequest> parse_kms_encrypt_request(ByteView message);
Result<KmsDecryptRequest> parse_kms_decrypt_request(ByteView message);

struct KmsEncrypted {
  ByteView ciphertext;
  std::string_view key_id;
  std::vector<KmsAnnotation> annotations;
};
void write_kms_status(net::Buffer& out, std::string_view key_id);
void write_kms_encrypted(net::Buffer& out, const KmsEncrypted& encrypted);
void write_kms_plaintext(net::Buffer& out, ByteView plaintext);

}  // namespace cloister::service
