#include "tests/support/kmip_stand_in.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/hash.h"

namespace cloister::testing {
namespace {

using namespace kms::kmip;

constexpr std::uint32_t kItemNotFound = 1, kInvalidMessage = 4, kInvalidField = 7, kGeneralFailure = 0x100,
                        kPermissionDenied = 0x0C;

struct Refusal {
  std::uint32_t reason;
  std::string message;
};

class Channel final : public kms::KmipChannel {
 public:
  explicit Channel(KmipStandIn& server) : server_(server) {}

  Status write(ByteView bytes, Duration) override {
    if (closed_) return Error(Code::kUnavailable, "the stand-in is gone");
    pending_ = server_.answer(bytes);
    sent_ = 0;
    return {};
  }

  Result<std::size_t> read(MutableByteView out, Duration) override {
    const std::size_t count = std::min({out.size(), pending_.size() - sent_, std::size_t{7}});
    std::copy_n(pending_.begin() + static_cast<std::ptrdiff_t>(sent_), count, out.begin());
    sent_ += count;
    if (sent_ == pending_.size() && server_.fault == KmipStandIn::Fault::kClosesAfterOne) closed_ = true;
    return count;
  }

  bool usable() const override { return true; }

 private:
  KmipStandIn& server_;
  net::Buffer pending_;
  std::size_t sent_ = 0;
  bool closed_ = false;
};

std::string text_of(const Item& payload, Tag tag) {
  const Item* item = payload.find(tag);
  return item == nullptr ? "" : std::string(as_text(item->bytes));
}

void write_version(TtlvWriter& writer, ProtocolVersion version) {
  writer.begin(tag::kProtocolVersion).integer(tag::kProtocolVersionMajor, static_cast<std::int32_t>(version.major));
  writer.integer(tag::kProtocolVersionMinor, static_cast<std::int32_t>(version.minor)).end();
}

// An attribute in the shape of a version.
class AttributeWriter {
 public:
  AttributeWriter(TtlvWriter& writer, bool tagged) : writer_(writer), tagged_(tagged) {}

  template <typename Write>
  void put(std::string_view name, Tag tag, const Write& write) {
    if (tagged_) return write(tag);
    writer_.begin(tag::kAttribute).text(tag::kAttributeName, name);
    write(tag::kAttributeValue);
    writer_.end();
  }

 private:
  TtlvWriter& writer_;
  const bool tagged_;
};

void write_link(TtlvWriter& writer, Tag tag, std::uint32_t kind, const std::string& target) {
  writer.begin(tag).enumeration(tag::kLinkType, kind).text(tag::kLinkedObjectIdentifier, target).end();
}

void write_attributes(TtlvWriter& writer, const KmipStandInKey& key, bool tagged) {
  AttributeWriter out(writer, tagged);
  if (tagged) writer.begin(tag::kAttributes);
  out.put("Object Type", tag::kObjectType, [&](Tag tag) { writer.enumeration(tag, kSymmetricKey); });
  out.put("Cryptographic Algorithm", tag::kCryptographicAlgorithm, [&](Tag tag) { writer.enumeration(tag, kAes); });
  out.put("Cryptographic Length", tag::kCryptographicLength, [&](Tag tag) { writer.integer(tag, 256); });
  out.put("State", tag::kState, [&](Tag tag) { writer.enumeration(tag, static_cast<std::uint32_t>(key.state)); });
  out.put("Initial Date", tag::kInitialDate, [&](Tag tag) { writer.date_time(tag, key.initial); });
  out.put("x-Comment", 0x540001, [&](Tag tag) { writer.text(tag, "of the customer"); });
  if (key.extractable)
    out.put("Extractable", tag::kExtractable, [&](Tag tag) { writer.boolean(tag, *key.extractable); });
  if (!key.replaced.empty()) {
    out.put("Link", tag::kLink, [&](Tag tag) { write_link(writer, tag, kReplacedObject, key.replaced); });
  }
  if (!key.replacement.empty()) {
    out.put("Link", tag::kLink, [&](Tag tag) { write_link(writer, tag, kReplacementObject, key.replacement); });
  }
  if (tagged) {
    if (key.rotate_interval) writer.interval(tag::kRotateInterval, *key.rotate_interval);
    if (key.rotate_generation) writer.integer(tag::kRotateGeneration, *key.rotate_generation);
    if (key.rotate_date) writer.date_time(tag::kRotateDate, *key.rotate_date);
    if (key.storage_mask) {
      writer.integer(tag::kProtectionStorageMask, static_cast<std::int32_t>(*key.storage_mask));
    }
    writer.end();
  }
}

// Stands for RFC 3394: eight bytes that depend on all, and the rest hidden.
Bytes toy_wrap(const crypto::Secret& key, ByteView data) {
  const auto mac = crypto::hmac_sha256(key, data);
  Bytes out(mac.begin(), mac.begin() + 8);
  for (std::size_t i = 0; i < data.size(); ++i) out.push_back(data[i] ^ key.expose()[i % key.size()]);
  return out;
}

std::optional<Bytes> toy_unwrap(const crypto::Secret& key, ByteView wrapped) {
  if (wrapped.size() < 8) return std::nullopt;
  Bytes data;
  for (std::size_t i = 8; i < wrapped.size(); ++i) data.push_back(wrapped[i] ^ key.expose()[(i - 8) % key.size()]);
  const auto mac = crypto::hmac_sha256(key, data);
  if (!equal(ByteView(mac).first(8), wrapped.first(8))) return std::nullopt;
  return data;
}

class Reply {
 public:
  Reply(KmipStandIn& server, ProtocolVersion version, Operation operation, const Item& payload, TtlvWriter& writer)
      : server_(server), version_(version), operation_(operation), payload_(payload), writer_(writer) {}

  std::optional<Refusal> write() {
    switch (operation_) {
      case Operation::kDiscoverVersions:
        for (const ProtocolVersion version : server_.versions) write_version(writer_, version);
        return std::nullopt;
      case Operation::kQuery: writer_.text(tag::kVendorIdentification, "stand-in\n1"); return std::nullopt;
      case Operation::kLocate: return locate();
      default: break;
    }
    const std::string identifier = text_of(payload_, tag::kUniqueIdentifier);
    const auto key = server_.keys.find(identifier);
    if (key == server_.keys.end()) return Refusal{kItemNotFound, "could not locate object: " + identifier};
    writer_.text(tag::kUniqueIdentifier, server_.fault == KmipStandIn::Fault::kAnotherObject ? "another" : identifier);
    if (operation_ == Operation::kActivate) {
      if (key->second.state != State::kPreActive) return Refusal{kPermissionDenied, "must be in the PreActive state"};
      key->second.state = State::kActive;
      return std::nullopt;
    }
    if (operation_ == Operation::kGetAttributes) {
      write_attributes(writer_, key->second, version_ >= kVersion20);
      return std::nullopt;
    }
    return use(key->second);
  }

 private:
  std::optional<Refusal> locate() {
    const Item* most = payload_.find(tag::kMaximumItems);
    const Item* offset = payload_.find(tag::kOffsetItems);
    const Item* attributes = payload_.find(version_ >= kVersion20 ? tag::kAttributes : tag::kAttribute);
    if (most == nullptr || attributes == nullptr) return Refusal{kInvalidField, "no attribute"};
    const Item* name = attributes->find(version_ >= kVersion20 ? tag::kName : tag::kAttributeValue);
    const std::string wanted = name == nullptr ? "" : text_of(*name, tag::kNameValue);
    std::int64_t skip = offset == nullptr || server_.fault == KmipStandIn::Fault::kNoOffsets ? 0 : offset->number;
    std::int64_t left = most->number;
    for (const auto& [identifier, key] : server_.keys) {
      if (!wanted.empty() && key.name != wanted) continue;
      if (skip-- > 0) continue;
      if (left-- <= 0) break;
      writer_.text(tag::kUniqueIdentifier, identifier);
    }
    return std::nullopt;
  }

  std::optional<Refusal> use(const KmipStandInKey& key) {
    if (key.state != State::kActive) return Refusal{kPermissionDenied, "must be in the Active state"};
    const Item* parameters = payload_.find(tag::kCryptographicParameters);
    const Item* data = payload_.find(tag::kData);
    if (parameters == nullptr || data == nullptr) return Refusal{kInvalidField, "no data"};
    if (parameters->find(tag::kBlockCipherMode)->number == kModeNistKeyWrap) return use_wrap(key, data->bytes);
    if (!server_.gcm) return Refusal{kInvalidField, "unsupported block cipher mode"};
    return use_gcm(key, data->bytes);
  }

  std::optional<Refusal> use_wrap(const KmipStandInKey& key, ByteView data) {
    if (operation_ == Operation::kEncrypt) {
      writer_.bytes(tag::kData, toy_wrap(key.material, data));
      return std::nullopt;
    }
    const auto opened = toy_unwrap(key.material, data);
    if (!opened) return Refusal{kGeneralFailure, "operation failed"};
    writer_.bytes(tag::kData, *opened);
    return std::nullopt;
  }

  std::optional<Refusal> use_gcm(const KmipStandInKey& key, ByteView data) {
    const Bytes sent = to_bytes(payload_.find(tag::kIvCounterNonce)->bytes);
    const Bytes chosen = operation_ == Operation::kEncrypt ? server_.own_nonce.value_or(sent) : sent;
    crypto::Nonce nonce{};
    std::copy_n(chosen.begin(), std::min(nonce.size(), chosen.size()), nonce.begin());
    const ByteView additional = payload_.find(tag::kAuthenticatedEncryptionAdditionalData)->bytes;
    crypto::Aead aead(crypto::AeadAlgorithm::kAes256Gcm, key.material);
    Bytes out(data.size());
    if (operation_ == Operation::kDecrypt) {
      const ByteView tag = payload_.find(tag::kAuthenticatedEncryptionTag)->bytes;
      if (!aead.open(nonce, additional, data, tag, out).ok()) return Refusal{kGeneralFailure, "operation failed"};
      writer_.bytes(tag::kData, out);
      return std::nullopt;
    }
    crypto::Tag mac{};
    aead.seal(nonce, additional, data, out, mac);
    if (server_.fault == KmipStandIn::Fault::kShortCiphertext) out.pop_back();
    writer_.bytes(tag::kData, out);
    if (server_.own_nonce) writer_.bytes(tag::kIvCounterNonce, chosen);
    if (server_.fault != KmipStandIn::Fault::kNoTag) writer_.bytes(tag::kAuthenticatedEncryptionTag, mac);
    return std::nullopt;
  }

  KmipStandIn& server_;
  const ProtocolVersion version_;
  const Operation operation_;
  const Item& payload_;
  TtlvWriter& writer_;
};

ProtocolVersion version_of(const Item& request) {
  const Item* version = request.find(tag::kRequestHeader)->find(tag::kProtocolVersion);
  return {static_cast<std::uint32_t>(version->find(tag::kProtocolVersionMajor)->number),
          static_cast<std::uint32_t>(version->find(tag::kProtocolVersionMinor)->number)};
}

// Around items that are written already.
net::Buffer structure(Tag tag, ByteView items) {
  net::Buffer out{static_cast<std::uint8_t>(tag >> 16), static_cast<std::uint8_t>(tag >> 8),
                  static_cast<std::uint8_t>(tag), 1};
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(items.size() >> shift));
  net::append(out, items);
  return out;
}

net::Buffer response(ProtocolVersion version, Operation operation, const std::optional<Refusal>& refusal,
                     ByteView payload, std::size_t items) {
  TtlvWriter header;
  header.begin(tag::kResponseHeader);
  write_version(header, version);
  header.date_time(tag::kTimeStamp, 1'795'526'589).integer(tag::kBatchCount, static_cast<std::int32_t>(items));
  header.text(tag::kServerCorrelationValue, "correlation-7").end();
  TtlvWriter result;
  result.enumeration(tag::kOperation, static_cast<std::uint32_t>(operation));
  result.enumeration(tag::kResultStatus, refusal ? 1 : 0);
  if (refusal) result.enumeration(tag::kResultReason, refusal->reason).text(tag::kResultMessage, refusal->message);
  net::Buffer item = result.take();
  if (!refusal) net::append(item, payload);
  net::Buffer message = header.take();
  for (std::size_t i = 0; i < items; ++i) net::append(message, structure(tag::kBatchItem, item));
  return structure(tag::kResponseMessage, message);
}

}  // namespace

void KmipStandIn::add(const std::string& identifier, KmipStandInKey key) {
  crypto::SystemRandom random;
  key.material = crypto::Secret(32);
  random.fill(key.material.expose_mutable());
  keys.insert_or_assign(identifier, std::move(key));
}

kms::KmipDial KmipStandIn::dial() {
  return [this](Duration) -> Result<std::unique_ptr<kms::KmipChannel>> {
    const std::lock_guard lock(mutex_);
    ++dialled;
    return std::unique_ptr<kms::KmipChannel>(std::make_unique<Channel>(*this));
  };
}

net::Buffer KmipStandIn::answer(ByteView bytes) {
  const std::lock_guard lock(mutex_);
  const auto request = parse_ttlv(bytes);
  CLOISTER_CHECK(request.ok());
  const Item* item = request->find(tag::kBatchItem);
  const ProtocolVersion version = version_of(*request);
  auto operation = static_cast<Operation>(item->find(tag::kOperation)->number);
  asked.push_back(operation);
  if (fault == Fault::kClosesAtOnce) return {};
  if (fault == Fault::kGarbage) return net::to_buffer("HTTP/1.1 400 Bad Request\r\n\r\n");
  if (fault == Fault::kLengthBomb) return {0x42, 0x00, 0x7B, 0x01, 0xFF, 0xFF, 0xFF, 0xF8};

  TtlvWriter payload;
  payload.begin(tag::kResponsePayload);
  std::optional<Refusal> refusal;
  if (std::ranges::find(versions, version) == versions.end()) {
    refusal = Refusal{kInvalidMessage, "KMIP " + version.text() + " is not supported"};
  } else if (operation != Operation::kDiscoverVersions && fail_times > 0) {
    --fail_times;
    refusal = Refusal{fail_with, "try\nagain"};
  } else {
    refusal = Reply(*this, version, operation, *item->find(tag::kRequestPayload), payload).write();
  }
  payload.end();
  if (fault == Fault::kAnotherOperation) operation = Operation::kQuery;
  net::Buffer out = response(version, operation, refusal, payload.take(), fault == Fault::kTwoItems ? 2 : 1);
  if (fault == Fault::kTruncates) out.resize(out.size() / 2);
  return out;
}

}  // namespace cloister::testing
