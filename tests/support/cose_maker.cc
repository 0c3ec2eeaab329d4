#include "tests/support/cose_maker.h"

#include "base/cbor.h"
#include "crypto/cose_sign1.h"
#include "crypto/der.h"
#include "tests/support/value_of.h"

namespace cloister::testing {
namespace {

Bytes side_by_side(ByteView signature, std::size_t coordinate) {
  crypto::DerReader outer(signature);
  crypto::DerReader reader(value_of(outer.expect(crypto::der::kSequence, "a signature")));
  Bytes raw;
  for (int i = 0; i < 2; ++i) {
    ByteView number = value_of(reader.expect(crypto::der::kInteger, "a signature"));
    if (number.size() > coordinate) number = number.subspan(1);
    raw.resize(raw.size() + coordinate - number.size());
    raw.insert(raw.end(), number.begin(), number.end());
  }
  return raw;
}

}  // namespace

Bytes make_cose_sign1(const crypto::PrivateKey& key, ByteView payload, const CoseParts& parts) {
  const std::int64_t algorithm = key.type() == crypto::KeyType::kEcP256 ? -7 : -35;
  Bytes headers = parts.protected_headers;
  if (headers.empty()) headers = CborWriter().map(1).integer(1).integer(algorithm).take();
  const Bytes signature = key.sign(crypto::cose_signed_bytes(headers, payload));
  CborWriter rest;
  rest.bytes(payload).bytes(side_by_side(signature, crypto::ec_coordinate_size(key.type())));
  Bytes out = parts.tag == CoseTag::kYes ? Bytes{0xD2} : Bytes{};
  for (const Bytes& piece : {CborWriter().array(4).bytes(headers).take(), parts.unprotected_headers, rest.take()}) {
    out.insert(out.end(), piece.begin(), piece.end());
  }
  return out;
}

Bytes make_cose_key(const crypto::PublicKey& key) {
  const std::size_t size = crypto::ec_coordinate_size(key.type());
  const std::int64_t curve = key.type() == crypto::KeyType::kEcP256 ? 1 : 2;
  CborWriter writer;
  writer.map(4).integer(1).integer(2).integer(-1).integer(curve);
  writer.integer(-2).bytes(key.raw().subspan(1, size)).integer(-3).bytes(key.raw().last(size));
  return writer.take();
}

}  // namespace cloister::testing
