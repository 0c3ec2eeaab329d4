#include "tests/support/simulated_cca.h"

#include <functional>
#include <map>

#include "attest/arm/cca_token.h"
#include "base/cbor.h"
#include "tests/support/certificates.h"
#include "tests/support/cose_maker.h"

namespace cloister::testing {
namespace {

const Bytes kImplementation(32, 0x1D);

using ClaimsWriters = std::map<std::int64_t, std::function<void(CborWriter&)>>;

Bytes encode(const ClaimsWriters& claims, const SimulatedCca& parts) {
  const std::size_t left_out = parts.without ? claims.count(*parts.without) : 0;
  CborWriter writer;
  writer.map(claims.size() - left_out);
  for (const auto& [label, write] : claims) {
    if (label == parts.without) continue;
    writer.integer(label);
    write(writer);
  }
  return writer.take();
}

std::function<void(CborWriter&)> bytes(Bytes value) {
  return [value = std::move(value)](CborWriter& writer) { writer.bytes(value); };
}
std::function<void(CborWriter&)> text(std::string value) {
  return [value = std::move(value)](CborWriter& writer) { writer.text(value); };
}

Bytes key_bytes(const SimulatedCca& parts) {
  const crypto::PrivateKey key = parts.realm();
  return parts.realm_profile == SimulatedCca::Profile::k2023 ? make_cose_key(key.public_key())
                                                             : to_bytes(key.public_key().raw());
}

Bytes realm_claims(const SimulatedCca& parts) {
  ClaimsWriters claims;
  claims[10] = bytes(parts.challenge);
  if (parts.realm_profile == SimulatedCca::Profile::k2023) claims[265] = text("tag:arm.com,2023:realm#1.0.0");
  claims[44235] = bytes(Bytes(64, 0x7A));
  claims[44236] = text("sha-256");
  claims[44237] = bytes(key_bytes(parts));
  claims[44238] = bytes(parts.initial);
  claims[44239] = [](CborWriter& writer) {
    writer.array(4);
    for (std::uint8_t i = 0; i < 4; ++i) writer.bytes(Bytes(32, i));
  };
  claims[44240] = text(parts.key_hash);
  Bytes encoded = encode(claims, parts);
  if (!parts.twice) return encoded;
  ++encoded[0];
  const Bytes again = CborWriter().integer(10).bytes(Bytes(64, 0x5D)).take();
  encoded.insert(encoded.end(), again.begin(), again.end());
  return encoded;
}

Bytes binding_of(const SimulatedCca& parts) {
  if (parts.binding) return *parts.binding;
  const attest::CcaHash hash = parts.key_hash == "sha-512"   ? attest::CcaHash::kSha512
                               : parts.key_hash == "sha-384" ? attest::CcaHash::kSha384
                                                             : attest::CcaHash::kSha256;
  return attest::cca_digest(hash, key_bytes(parts));
}

Bytes platform_claims(const SimulatedCca& parts) {
  ClaimsWriters claims;
  claims[10] = bytes(binding_of(parts));
  claims[256] = bytes(parts.instance);
  claims[265] = text(parts.platform_profile == SimulatedCca::Profile::k2023 ? "tag:arm.com,2023:cca_platform#1.0.0"
                                                                            : "http://arm.com/CCA-SSD/1.0.0");
  claims[2395] = [&parts](CborWriter& writer) { writer.unsigned_integer(parts.lifecycle); };
  claims[2396] = bytes(kImplementation);
  claims[2399] = [](CborWriter& writer) {
    writer.array(2);
    for (const char* type : {"BL1", "RMM"}) {
      writer.map(4).integer(1).text(type).integer(2).bytes(Bytes(32, 0x22)).integer(4).text("1.2.3").integer(5);
      writer.bytes(Bytes(32, 0x33));
    }
  };
  claims[2400] = text("https://verifier.example");
  claims[2401] = bytes({0xCF, 0xCF});
  claims[2402] = text("sha-256");
  return encode(claims, parts);
}

}  // namespace

crypto::PrivateKey SimulatedCca::platform() const { return key_of_seed(platform_seed, platform_key); }
crypto::PrivateKey SimulatedCca::realm() const { return key_of_seed(realm_seed, crypto::KeyType::kEcP384); }

Bytes SimulatedCca::token() const {
  const crypto::PrivateKey signer = key_of_seed(realm_signed_by.value_or(realm_seed), crypto::KeyType::kEcP384);
  CborWriter writer;
  writer.map(2).integer(44234).bytes(make_cose_sign1(platform(), platform_claims(*this)));
  writer.integer(44241).bytes(make_cose_sign1(signer, realm_claims(*this)));
  Bytes out{0xD9, 0x01, 0x8F};
  const Bytes map = writer.take();
  out.insert(out.end(), map.begin(), map.end());
  return out;
}

attest::Evidence SimulatedCca::evidence() const { return {attest::Kind::kCca, {{"token", token()}}}; }

attest::Collateral SimulatedCca::collateral() const {
  attest::CollateralItem item;
  item.kind = attest::CollateralKind::kCcaEndorsement;
  item.key = to_hex(kImplementation) + "/" + to_hex(instance);
  item.body = platform().public_key().spki();
  attest::Collateral collateral;
  collateral.add(std::move(item));
  return collateral;
}

}  // namespace cloister::testing
