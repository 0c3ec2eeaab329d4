#include "kms/kmip/operations.h"

#include "base/reader.h"

namespace cloister::kms::kmip {
namespace {

constexpr std::size_t kNonceMin = 12;
constexpr std::size_t kNonceMax = 16;
constexpr std::size_t kDataMax = 4096;

Error bad(const std::string& what) { return Error(Code::kCorrupt, "a KMIP answer " + what); }

// One attribute of a Locate: by its name in 1.x, by its tag in 2.x.
void enumeration_attribute(TtlvWriter& writer, ProtocolVersion version, std::string_view name, Tag tag,
                           std::uint32_t value) {
  if (version >= kVersion20) {
    writer.begin(tag::kAttributes).enumeration(tag, value).end();
    return;
  }
  writer.begin(tag::kAttribute).text(tag::kAttributeName, name).enumeration(tag::kAttributeValue, value).end();
}

void name_structure(TtlvWriter& writer, Tag tag, const std::string& name) {
  writer.begin(tag).text(tag::kNameValue, name).enumeration(tag::kNameType, kUninterpretedText).end();
}

void cryptographic_parameters(TtlvWriter& writer, Cipher cipher) {
  writer.begin(tag::kCryptographicParameters);
  writer.enumeration(tag::kBlockCipherMode, cipher == Cipher::kGcm ? kModeGcm : kModeNistKeyWrap);
  writer.enumeration(tag::kCryptographicAlgorithm, kAes);
  if (cipher == Cipher::kGcm) writer.integer(tag::kTagLength, static_cast<std::int32_t>(kGcmTagSize));
  writer.end();
}

Result<const Item*> payload_of(const Answer& answer) {
  if (answer.payload() == nullptr) return bad("has no payload");
  return answer.payload();
}

Result<std::string> identifier_of(const Item& item) {
  const std::string_view text = as_text(item.bytes);
  if (item.type != Type::kTextString || text.empty() || text.size() > kIdentifierMax || !is_plain_utf8(text)) {
    return bad("has no proper unique identifier");
  }
  return std::string(text);
}

// The payload, when it is about that object.
Result<const Item*> payload_about(const Answer& answer, const std::string& identifier) {
  CLOISTER_TRY(const Item* payload, payload_of(answer));
  const Item* found = payload->find(tag::kUniqueIdentifier, Type::kTextString);
  if (found == nullptr || as_text(found->bytes) != identifier) return bad("is about another object than was asked");
  return payload;
}

Result<ByteView> byte_string(const Item& payload, Tag tag, std::string_view name) {
  const Item* found = payload.find(tag, Type::kByteString);
  if (found == nullptr || found->bytes.empty() || found->bytes.size() > kDataMax) {
    return bad("has no proper " + std::string(name));
  }
  return found->bytes;
}

}  // namespace

PayloadWriter discover_versions(std::span<const ProtocolVersion> offered) {
  return [offered](TtlvWriter& writer) {
    for (const ProtocolVersion version : offered) {
      writer.begin(tag::kProtocolVersion);
      writer.integer(tag::kProtocolVersionMajor, static_cast<std::int32_t>(version.major));
      writer.integer(tag::kProtocolVersionMinor, static_cast<std::int32_t>(version.minor)).end();
    }
  };
}

PayloadWriter query_server() {
  return [](TtlvWriter& writer) { writer.enumeration(tag::kQueryFunction, kQueryServerInformation); };
}

PayloadWriter locate_keys(ProtocolVersion version, std::uint32_t offset, std::uint32_t count) {
  return [=](TtlvWriter& writer) {
    writer.integer(tag::kMaximumItems, static_cast<std::int32_t>(count));
    if (offset != 0) writer.integer(tag::kOffsetItems, static_cast<std::int32_t>(offset));
    enumeration_attribute(writer, version, "Object Type", tag::kObjectType, kSymmetricKey);
  };
}

PayloadWriter locate_name(ProtocolVersion version, const std::string& name) {
  return [version, &name](TtlvWriter& writer) {
    writer.integer(tag::kMaximumItems, 2);
    if (version >= kVersion20) {
      writer.begin(tag::kAttributes);
      name_structure(writer, tag::kName, name);
    } else {
      writer.begin(tag::kAttribute).text(tag::kAttributeName, "Name");
      name_structure(writer, tag::kAttributeValue, name);
    }
    writer.end();
  };
}

PayloadWriter of_object(const std::string& identifier) {
  return [&identifier](TtlvWriter& writer) { writer.text(tag::kUniqueIdentifier, identifier); };
}

PayloadWriter encrypt(const std::string& key, Cipher cipher, const crypto::Secret& plaintext, ByteView nonce,
                      ByteView additional) {
  return [&key, cipher, &plaintext, nonce, additional](TtlvWriter& writer) {
    writer.text(tag::kUniqueIdentifier, key);
    cryptographic_parameters(writer, cipher);
    writer.bytes(tag::kData, plaintext.expose());
    if (cipher != Cipher::kGcm) return;
    writer.bytes(tag::kIvCounterNonce, nonce).bytes(tag::kAuthenticatedEncryptionAdditionalData, additional);
  };
}

PayloadWriter decrypt(const std::string& key, Cipher cipher, const Encrypted& encrypted, ByteView additional) {
  return [&key, cipher, &encrypted, additional](TtlvWriter& writer) {
    writer.text(tag::kUniqueIdentifier, key);
    cryptographic_parameters(writer, cipher);
    writer.bytes(tag::kData, encrypted.ciphertext);
    if (cipher != Cipher::kGcm) return;
    writer.bytes(tag::kIvCounterNonce, encrypted.nonce);
    writer.bytes(tag::kAuthenticatedEncryptionAdditionalData, additional);
    writer.bytes(tag::kAuthenticatedEncryptionTag, encrypted.tag);
  };
}

Result<std::vector<ProtocolVersion>> parse_versions(const Answer& answer) {
  CLOISTER_TRY(const Item* payload, payload_of(answer));
  std::vector<ProtocolVersion> versions;
  for (const Item& child : payload->children) {
    if (child.tag != tag::kProtocolVersion) continue;
    const Item* major = child.find(tag::kProtocolVersionMajor, Type::kInteger);
    const Item* minor = child.find(tag::kProtocolVersionMinor, Type::kInteger);
    if (major == nullptr || minor == nullptr || major->number < 0 || minor->number < 0) {
      return bad("has a malformed protocol version");
    }
    versions.push_back({static_cast<std::uint32_t>(major->number), static_cast<std::uint32_t>(minor->number)});
  }
  return versions;
}

Result<std::string> parse_vendor(const Answer& answer) {
  CLOISTER_TRY(const Item* payload, payload_of(answer));
  const Item* vendor = payload->find(tag::kVendorIdentification, Type::kTextString);
  return vendor == nullptr ? std::string() : plain_text(vendor->bytes);
}

Result<std::vector<std::string>> parse_located(const Answer& answer) {
  std::vector<std::string> located;
  // Some servers leave out the payload when there is nothing.
  if (answer.payload() == nullptr) return located;
  for (const Item& child : answer.payload()->children) {
    if (child.tag != tag::kUniqueIdentifier) continue;
    if (located.size() == kLocatedMax) return bad("names more objects than were asked for");
    CLOISTER_TRY(std::string identifier, identifier_of(child));
    located.push_back(std::move(identifier));
  }
  return located;
}

Status parse_object(const Answer& answer, const std::string& identifier) {
  CLOISTER_RETURN_IF_ERROR(payload_about(answer, identifier));
  return {};
}

Result<Encrypted> parse_encrypted(const Answer& answer, const std::string& key, Cipher cipher, ByteView nonce) {
  CLOISTER_TRY(const Item* payload, payload_about(answer, key));
  CLOISTER_TRY(const ByteView data, byte_string(*payload, tag::kData, "data"));
  Encrypted encrypted{{}, {}, to_bytes(data)};
  if (cipher == Cipher::kKeyWrap) return encrypted;
  CLOISTER_TRY(const ByteView mac, byte_string(*payload, tag::kAuthenticatedEncryptionTag, "authentication tag"));
  if (mac.size() != kGcmTagSize) return bad("has an authentication tag of the wrong size");
  encrypted.tag = to_bytes(mac);
  encrypted.nonce = to_bytes(nonce);
  if (payload->find(tag::kIvCounterNonce) != nullptr) {
    CLOISTER_TRY(const ByteView chosen, byte_string(*payload, tag::kIvCounterNonce, "nonce"));
    if (chosen.size() < kNonceMin || chosen.size() > kNonceMax) return bad("has a nonce of the wrong size");
    encrypted.nonce = to_bytes(chosen);
  }
  return encrypted;
}

Result<crypto::Secret> parse_decrypted(const Answer& answer, const std::string& key) {
  CLOISTER_TRY(const Item* payload, payload_about(answer, key));
  CLOISTER_TRY(const ByteView data, byte_string(*payload, tag::kData, "data"));
  return crypto::Secret::copy_of(data);
}

}  // namespace cloister::kms::kmip
