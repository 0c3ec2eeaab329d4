#include "service/kubernetes/kms_v2.h"

#include <algorithm>

#include "net/protobuf.h"

namespace cloister::service {
namespace {

using net::ProtobufField;
using net::ProtobufReader;
using net::ProtobufWriter;
using Wire = ProtobufField::Wire;

Error invalid(std::string_view field, std::string_view what) {
  return Error(Code::kInvalid, std::string(field) + " " + std::string(what));
}

Result<ByteView> bytes_of(const ProtobufField& field, std::string_view name, std::size_t size_max) {
  if (field.wire != Wire::kBytes) return invalid(name, "is of another kind");
  if (field.bytes.size() > size_max) return invalid(name, "has more than " + std::to_string(size_max) + " bytes");
  return field.bytes;
}

Result<std::string_view> text_of(const ProtobufField& field, std::string_view name, std::size_t size_max) {
  CLOISTER_TRY(const ByteView bytes, bytes_of(field, name, size_max));
  const std::string_view text = as_text(bytes);
  if (!std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7E; })) {
    return invalid(name, "isn't plain text");
  }
  return text;
}

Result<KmsAnnotation> annotation_of(const ProtobufField& field) {
  CLOISTER_TRY(const ByteView entry, bytes_of(field, "annotations", kKmsAnnotationsSizeMax));
  ProtobufReader reader(entry);
  KmsAnnotation annotation;
  while (true) {
    CLOISTER_TRY(const auto part, reader.next());
    if (!part) break;
    if (part->number == 1) {
      CLOISTER_TRY(annotation.name, text_of(*part, "an annotation's name", kKmsAnnotationsSizeMax));
    } else if (part->number == 2) {
      CLOISTER_TRY(annotation.value, bytes_of(*part, "an annotation's value", kKmsAnnotationsSizeMax));
    }
  }
  if (annotation.name.empty()) return invalid("an annotation", "has no name");
  return annotation;
}

Status add_annotation(KmsDecryptRequest& request, const ProtobufField& field) {
  CLOISTER_TRY(const KmsAnnotation annotation, annotation_of(field));
  std::size_t size = annotation.name.size() + annotation.value.size();
  for (const KmsAnnotation& other : request.annotations) {
    if (other.name == annotation.name) return invalid("an annotation", "is there twice");
    size += other.name.size() + other.value.size();
  }
  if (size > kKmsAnnotationsSizeMax) return invalid("annotations", "have more than 32 KiB together");
  request.annotations.push_back(annotation);
  return {};
}

}  // namespace

Status parse_kms_status_request(ByteView message) {
  ProtobufReader reader(message);
  while (true) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return {};
  }
}

Result<KmsEncryptRequest> parse_kms_encrypt_request(ByteView message) {
  ProtobufReader reader(message);
  KmsEncryptRequest request;
  while (true) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) break;
    if (field->number == 1) {
      CLOISTER_TRY(request.plaintext, bytes_of(*field, "plaintext", kKmsCiphertextSizeMax));
    } else if (field->number == 2) {
      CLOISTER_TRY(request.uid, text_of(*field, "uid", kKmsUidSizeMax));
    }
  }
  if (request.plaintext.empty()) return invalid("plaintext", "is missing");
  return request;
}

Result<KmsDecryptRequest> parse_kms_decrypt_request(ByteView message) {
  ProtobufReader reader(message);
  KmsDecryptRequest request;
  while (true) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) break;
    switch (field->number) {
      case 1: {
        CLOISTER_TRY(request.ciphertext, bytes_of(*field, "ciphertext", kKmsCiphertextSizeMax));
        break;
      }
      case 2: {
        CLOISTER_TRY(request.uid, text_of(*field, "uid", kKmsUidSizeMax));
        break;
      }
      case 3: {
        CLOISTER_TRY(request.key_id, text_of(*field, "key_id", kKmsKeyIdSizeMax));
        break;
      }
      case 4: {
        CLOISTER_RETURN_IF_ERROR(add_annotation(request, *field));
        break;
      }
      default: break;
    }
  }
  if (request.ciphertext.empty()) return invalid("ciphertext", "is missing");
  return request;
}

void write_kms_status(net::Buffer& out, std::string_view key_id) {
  ProtobufWriter(out).text(1, "v2").text(2, "ok").text(3, key_id);
}

void write_kms_encrypted(net::Buffer& out, const KmsEncrypted& encrypted) {
  ProtobufWriter writer(out);
  writer.bytes(1, encrypted.ciphertext).text(2, encrypted.key_id);
  for (const KmsAnnotation& annotation : encrypted.annotations) writer.entry(3, annotation.name, annotation.value);
}

void write_kms_plaintext(net::Buffer& out, ByteView plaintext) { ProtobufWriter(out).bytes(1, plaintext); }

}  // namespace cloister::service
