// Answers of a KMIP server, of any bytes: read or refused, and what is read keeps its bounds.
#include <string>
#include <vector>

#include "kms/kmip/attributes.h"
#include "kms/kmip/key_posture.h"
#include "kms/kmip/operations.h"
#include "kms/kmip/wrapped_blob.h"

using namespace cloister;
using namespace cloister::kms::kmip;

namespace {

const std::string kKey = "key-1";

// A response without payload fields of its own: what follows the identifier is up to the seed.
Bytes seed(Operation operation, const PayloadWriter& payload) {
  TtlvWriter writer;
  writer.begin(tag::kResponseMessage).begin(tag::kResponseHeader).begin(tag::kProtocolVersion);
  writer.integer(tag::kProtocolVersionMajor, 1).integer(tag::kProtocolVersionMinor, 4).end();
  writer.integer(tag::kBatchCount, 1).end().begin(tag::kBatchItem);
  writer.enumeration(tag::kOperation, static_cast<std::uint32_t>(operation)).enumeration(tag::kResultStatus, 0);
  writer.begin(tag::kResponsePayload).text(tag::kUniqueIdentifier, kKey);
  payload(writer);
  writer.end().end().end();
  const net::Buffer bytes = writer.take();
  return to_bytes(bytes);
}

void read(const Answer& answer, Operation operation) {
  for (const char character : answer.message()) CLOISTER_CHECK(character >= 0x20);
  if (!answer.success()) return;
  if (operation == Operation::kLocate) {
    if (const auto located = parse_located(answer); located.ok()) CLOISTER_CHECK(located->size() <= kLocatedMax);
  } else if (operation == Operation::kGetAttributes) {
    const auto attributes = parse_attributes(answer, kKey);
    if (attributes.ok()) CLOISTER_CHECK(!to_json(posture_of({{kKey, *attributes}}, Time{})).empty());
  } else if (operation == Operation::kEncrypt) {
    const auto encrypted = parse_encrypted(answer, kKey, Cipher::kGcm, Bytes(12, 1));
    if (encrypted.ok()) CLOISTER_CHECK(encrypted->tag.size() == kGcmTagSize && encrypted->nonce.size() >= 12);
  } else if (operation == Operation::kDecrypt) {
    if (const auto opened = parse_decrypted(answer, kKey); opened.ok()) CLOISTER_CHECK(!opened->empty());
  } else {
    ignore_result(parse_versions(answer));
    ignore_result(parse_vendor(answer));
  }
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(seed(Operation::kLocate, [](TtlvWriter& writer) { writer.text(tag::kUniqueIdentifier, "b"); }));
  seeds->push_back(seed(Operation::kEncrypt, [](TtlvWriter& writer) {
    writer.bytes(tag::kData, Bytes(32, 1)).bytes(tag::kIvCounterNonce, Bytes(12, 2));
    writer.bytes(tag::kAuthenticatedEncryptionTag, Bytes(16, 3));
  }));
  seeds->push_back(seed(Operation::kDecrypt, [](TtlvWriter& writer) { writer.bytes(tag::kData, Bytes(32, 1)); }));
  seeds->push_back(seed(Operation::kGetAttributes, [](TtlvWriter& writer) {
    writer.begin(tag::kAttribute).text(tag::kAttributeName, "State").enumeration(tag::kAttributeValue, 2).end();
    writer.begin(tag::kAttributes).date_time(tag::kInitialDate, 1'790'000'000).boolean(tag::kExtractable, false);
    writer.interval(tag::kRotateInterval, 86'400).begin(tag::kLink).enumeration(tag::kLinkType, kReplacedObject);
    writer.text(tag::kLinkedObjectIdentifier, "key-0").end().end();
  }));
  seeds->push_back(seed(Operation::kDiscoverVersions, [](TtlvWriter& writer) {
    writer.begin(tag::kProtocolVersion).integer(tag::kProtocolVersionMajor, 2);
    writer.integer(tag::kProtocolVersionMinor, 1).end();
  }));
  seeds->push_back({0x42, 0x00, 0x7B, 0x01, 0xFF, 0xFF, 0xFF, 0xF8});
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  if (size >= kTtlvHeader) {
    const auto whole = ttlv_message_size(bytes.first(kTtlvHeader), tag::kResponseMessage, kMessageMax);
    if (whole.ok()) CLOISTER_CHECK(*whole <= kMessageMax);
  }
  for (const Operation operation : {Operation::kLocate, Operation::kGetAttributes, Operation::kEncrypt,
                                    Operation::kDecrypt, Operation::kDiscoverVersions}) {
    const auto answer = Answer::parse(net::Buffer(bytes.begin(), bytes.end()), operation);
    if (answer.ok()) read(*answer, operation);
  }
  if (const auto blob = parse_blob(bytes); blob.ok()) {
    CLOISTER_CHECK(equal(serialize_blob(blob->cipher, blob->encrypted), bytes));
  }
  return 0;
}
