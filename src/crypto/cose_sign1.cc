#include "crypto/cose_sign1.h"

#include <algorithm>

#include "base/cbor.h"

namespace cloister::crypto {
namespace {

constexpr std::int64_t kAlgorithmHeader = 1;
constexpr std::int64_t kCriticalHeader = 2;

struct Known {
  std::int64_t number;
  SignatureAlgorithm signature;
  KeyType key;
};
constexpr Known kKnown[] = {
    {-7, SignatureAlgorithm::kEcdsaSha256, KeyType::kEcP256},
    {-35, SignatureAlgorithm::kEcdsaSha384, KeyType::kEcP384},
    {-36, SignatureAlgorithm::kEcdsaSha512, KeyType::kEcP521},
};

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "a COSE_Sign1's " + std::string(what) + " is malformed");
}

Result<Known> read_protected(ByteView bytes) {
  const auto headers = parse_cbor(bytes);
  if (!headers.ok() || headers->map() == nullptr) return malformed("protected header");
  if (headers->find(kCriticalHeader) != nullptr) {
    return Error(Code::kInvalid, "a COSE_Sign1 has headers that must be understood");
  }
  const CborItem* algorithm = headers->find(kAlgorithmHeader);
  if (algorithm == nullptr) return Error(Code::kInvalid, "a COSE_Sign1 names no algorithm that is signed");
  const auto* const found =
      std::ranges::find_if(kKnown, [&](const Known& one) { return algorithm->integer() == one.number; });
  if (found == std::end(kKnown)) return Error(Code::kInvalid, "a COSE_Sign1's algorithm is none of ES256, 384, 512");
  return *found;
}

}  // namespace

Result<CoseSign1> CoseSign1::of(const CborItem& item) {
  const CborItem* message = item.tag() == kCoseSign1Tag ? item.tagged() : &item;
  const CborItem::Array* parts = message->array();
  if (parts == nullptr || parts->size() != 4) return malformed("outline");
  const auto headers = (*parts)[0].bytes();
  const auto payload = (*parts)[2].bytes();
  const auto signature = (*parts)[3].bytes();
  if (!headers || !payload || !signature || (*parts)[1].map() == nullptr) return malformed("outline");
  for (const std::int64_t label : {kAlgorithmHeader, kCriticalHeader}) {
    if ((*parts)[1].find(label) != nullptr) return malformed("unprotected header");
  }
  CLOISTER_TRY(const Known known, read_protected(*headers));
  CoseSign1 cose;
  cose.algorithm_ = known.signature;
  cose.key_type_ = known.key;
  cose.protected_ = *headers;
  cose.payload_ = *payload;
  cose.signature_ = *signature;
  return cose;
}

Result<CoseSign1> CoseSign1::parse(ByteView bytes, const CborItemLimits& limits) {
  CLOISTER_TRY(const CborItem item, parse_cbor(bytes, limits));
  return of(item);
}

Result<ByteView> CoseSign1::verified_payload(const PublicKey& key) const {
  if (key.type() != key_type_) {
    return Error(Code::kInvalid, "a key of type " + std::string(key_type_name(key.type())) +
                                     " doesn't sign a COSE_Sign1 of that algorithm");
  }
  const std::size_t size = ec_coordinate_size(key_type_);
  if (signature_.size() != 2 * size) return Error(Code::kCorrupt, "a COSE_Sign1's signature has the wrong length");
  const Bytes der = ecdsa_signature(signature_.first(size), signature_.last(size));
  CLOISTER_RETURN_IF_ERROR(key.verify(algorithm_, cose_signed_bytes(protected_, payload_), der));
  return payload_;
}

Bytes cose_signed_bytes(ByteView protected_headers, ByteView payload) {
  return CborWriter().array(4).text("Signature1").bytes(protected_headers).bytes({}).bytes(payload).take();
}

Result<PublicKey> parse_cose_key(ByteView bytes) {
  static constexpr std::int64_t kKeyType = 1, kAlgorithm = 3, kCurve = -1, kX = -2, kY = -3;
  static constexpr std::int64_t kEc2 = 2;
  const Error wrong(Code::kInvalid, "a COSE_Key is malformed");
  const auto key = parse_cbor(bytes);
  if (!key.ok() || key->map() == nullptr) return wrong;
  for (const auto& [label, value] : *key->map()) {
    const auto number = label.integer();
    const bool known = number == kKeyType || number == kAlgorithm || number == kCurve || number == kX || number == kY;
    if (!known) return wrong;
  }
  const CborItem* type = key->find(kKeyType);
  const CborItem* curve = key->find(kCurve);
  const CborItem* x = key->find(kX);
  const CborItem* y = key->find(kY);
  if (type == nullptr || curve == nullptr || x == nullptr || y == nullptr || !x->bytes() || !y->bytes()) return wrong;
  const auto number = curve->integer();
  if (type->integer() != kEc2 || !number || *number < 1 || *number > 3) {
    return Error(Code::kUnsupported, "a COSE_Key is of a kind that isn't used here");
  }
  static constexpr KeyType kCurves[] = {KeyType::kEcP256, KeyType::kEcP384, KeyType::kEcP521};
  return PublicKey::from_ec_point(kCurves[*number - 1], *x->bytes(), *y->bytes());
}

}  // namespace cloister::crypto
