#include "kms/kmip/message.h"

#include <algorithm>
#include <array>

namespace cloister::kms::kmip {
namespace {

constexpr std::size_t kTextMax = 200;
constexpr std::int64_t kSuccess = 0;
constexpr std::int64_t kFailed = 1;

constexpr std::uint32_t kInternalServerError = 0x2A;
constexpr std::uint32_t kServerLimitExceeded = 0x3A;
constexpr std::uint32_t kProtectionStorageUnavailable = 0x44;

constexpr std::array kReasons{
    Reason{0x01, "ItemNotFound", Code::kNotFound},
    Reason{0x02, "ResponseTooLarge", Code::kInvalid},
    Reason{0x03, "AuthenticationNotSuccessful", Code::kDenied},
    Reason{0x04, "InvalidMessage", Code::kInvalid},
    Reason{0x05, "OperationNotSupported", Code::kUnsupported},
    Reason{0x06, "MissingData", Code::kInvalid},
    Reason{0x07, "InvalidField", Code::kInvalid},
    Reason{0x08, "FeatureNotSupported", Code::kUnsupported},
    Reason{0x09, "OperationCanceledByRequester", Code::kDenied},
    Reason{0x0A, "CryptographicFailure", Code::kDenied},
    Reason{0x0B, "IllegalOperation", Code::kInvalid},
    Reason{0x0C, "PermissionDenied", Code::kDenied},
    Reason{0x0D, "ObjectArchived", Code::kDenied},
    Reason{0x0E, "IndexOutOfBounds", Code::kInvalid},
    Reason{0x0F, "ApplicationNamespaceNotSupported", Code::kUnsupported},
    Reason{0x10, "KeyFormatTypeNotSupported", Code::kUnsupported},
    Reason{0x11, "KeyCompressionTypeNotSupported", Code::kUnsupported},
    Reason{0x12, "EncodingOptionError", Code::kInvalid},
    Reason{0x13, "KeyValueNotPresent", Code::kDenied},
    Reason{0x14, "AttestationRequired", Code::kDenied},
    Reason{0x15, "AttestationFailed", Code::kDenied},
    Reason{0x16, "Sensitive", Code::kDenied},
    Reason{0x17, "NotExtractable", Code::kDenied},
    Reason{0x18, "ObjectAlreadyExists", Code::kExists},
    Reason{0x19, "InvalidTicket", Code::kDenied},
    Reason{0x1A, "UsageLimitExceeded", Code::kDenied},
    Reason{0x1B, "NumericRange", Code::kInvalid},
    Reason{0x1C, "InvalidDataType", Code::kInvalid},
    Reason{0x1F, "UnsupportedAttribute", Code::kUnsupported},
    Reason{0x21, "AttributeNotFound", Code::kInvalid},
    Reason{0x24, "BadCryptographicParameters", Code::kInvalid},
    Reason{0x25, "BadPassword", Code::kDenied},
    Reason{0x26, "CodecError", Code::kInvalid},
    Reason{0x28, "IllegalObjectType", Code::kInvalid},
    Reason{0x29, "IncompatibleCryptographicUsageMask", Code::kInvalid},
    Reason{kInternalServerError, "InternalServerError", Code::kUnavailable},
    Reason{0x30, "InvalidObjectType", Code::kInvalid},
    Reason{0x34, "MissingInitializationVector", Code::kInvalid},
    Reason{0x36, "ObjectDestroyed", Code::kDenied},
    Reason{0x37, "ObjectNotFound", Code::kNotFound},
    Reason{0x39, "NotAuthorised", Code::kDenied},
    Reason{kServerLimitExceeded, "ServerLimitExceeded", Code::kUnavailable},
    Reason{0x3B, "UnknownEnumeration", Code::kUnsupported},
    Reason{0x3D, "UnknownTag", Code::kUnsupported},
    Reason{0x3E, "UnsupportedCryptographicParameters", Code::kUnsupported},
    Reason{0x3F, "UnsupportedProtocolVersion", Code::kUnsupported},
    Reason{0x43, "WrongKeyLifecycleState", Code::kDenied},
    Reason{kProtectionStorageUnavailable, "ProtectionStorageUnavailable", Code::kUnavailable},
    Reason{0x100, "GeneralFailure", Code::kDenied},
};

Error bad(const std::string& what) { return Error(Code::kCorrupt, "a KMIP answer " + what); }

}  // namespace

std::string ProtocolVersion::text() const { return std::to_string(major) + "." + std::to_string(minor); }

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::kLocate: return "Locate";
    case Operation::kGetAttributes: return "GetAttributes";
    case Operation::kActivate: return "Activate";
    case Operation::kQuery: return "Query";
    case Operation::kDiscoverVersions: return "DiscoverVersions";
    case Operation::kEncrypt: return "Encrypt";
    case Operation::kDecrypt: return "Decrypt";
  }
  return "unknown";
}

std::string plain_text(ByteView text) {
  std::string out;
  for (const std::uint8_t byte : text.first(std::min(text.size(), kTextMax))) {
    out.push_back(byte < 0x20 || byte >= 0x7f ? '?' : static_cast<char>(byte));
  }
  return out;
}

Reason reason_of(std::uint32_t number) {
  const auto* found = std::ranges::find(kReasons, number, &Reason::number);
  return found == kReasons.end() ? Reason{number, "an unknown reason", Code::kDenied} : *found;
}

bool is_passing(std::uint32_t reason) {
  return reason == kInternalServerError || reason == kServerLimitExceeded || reason == kProtectionStorageUnavailable;
}

net::Buffer request_message(ProtocolVersion version, Operation operation, const PayloadWriter& payload) {
  TtlvWriter writer;
  writer.begin(tag::kRequestMessage).begin(tag::kRequestHeader).begin(tag::kProtocolVersion);
  writer.integer(tag::kProtocolVersionMajor, static_cast<std::int32_t>(version.major));
  writer.integer(tag::kProtocolVersionMinor, static_cast<std::int32_t>(version.minor)).end();
  writer.integer(tag::kMaximumResponseSize, static_cast<std::int32_t>(kMessageMax));
  writer.integer(tag::kBatchCount, 1).end();
  writer.begin(tag::kBatchItem).enumeration(tag::kOperation, static_cast<std::uint32_t>(operation));
  writer.begin(tag::kRequestPayload);
  payload(writer);
  writer.end().end().end();
  return writer.take();
}

const Item* Answer::batch_item() const { return root_.find(tag::kBatchItem, Type::kStructure); }

const Item* Answer::payload() const {
  const Item* item = batch_item();
  return item == nullptr ? nullptr : item->find(tag::kResponsePayload, Type::kStructure);
}

Result<Answer> Answer::parse(net::Buffer bytes, Operation operation) {
  Answer answer;
  answer.bytes_ = std::move(bytes);
  CLOISTER_TRY(answer.root_, parse_ttlv(answer.bytes_, {.size = kMessageMax}));
  const Item* header = answer.root_.find(tag::kResponseHeader, Type::kStructure);
  if (answer.root_.tag != tag::kResponseMessage || header == nullptr) return bad("is no response message");
  const auto items = std::ranges::count(answer.root_.children, tag::kBatchItem, &Item::tag);
  const Item* item = answer.batch_item();
  if (items != 1 || item == nullptr) return bad("has " + std::to_string(items) + " batch items, not one");

  const Item* status = item->find(tag::kResultStatus, Type::kEnumeration);
  if (status == nullptr || (status->number != kSuccess && status->number != kFailed)) {
    return bad("neither succeeded nor failed");
  }
  answer.success_ = status->number == kSuccess;
  const Item* answered = item->find(tag::kOperation, Type::kEnumeration);
  const bool fits = answered != nullptr && answered->number == static_cast<std::int64_t>(operation);
  // A server that couldn't read a request doesn't know what it asked for.
  if (!fits && (answer.success_ || answered != nullptr)) return bad("is to another operation than was asked");
  if (const Item* reason = item->find(tag::kResultReason, Type::kEnumeration)) {
    answer.reason_ = static_cast<std::uint32_t>(reason->number);
  }
  if (const Item* message = item->find(tag::kResultMessage, Type::kTextString)) {
    answer.message_ = plain_text(message->bytes);
  }
  if (const Item* id = header->find(tag::kServerCorrelationValue, Type::kTextString)) {
    answer.request_id_ = plain_text(id->bytes);
  }
  return answer;
}

}  // namespace cloister::kms::kmip
