#include "tests/support/simulated_sev.h"

#include <algorithm>

#include "attest/amd/sev_certificate.h"
#include "crypto/der.h"
#include "tests/support/certificates.h"
#include "tests/support/simulated_snp.h"
#include "tests/support/value_of.h"

namespace cloister::testing {

using namespace attest;

namespace {

constexpr std::size_t kRsaSize = 256;
constexpr std::size_t kSignedSize = 1044;

crypto::PrivateKey p384(std::uint64_t seed) { return key_of_seed(seed, crypto::KeyType::kEcP384); }

// Once a process: it takes a while.
crypto::MadePair rsa_pair(unsigned which) {
  static const crypto::MadePair pairs[] = {value_of(crypto::generate_key_pair(crypto::PairKind::kRsa2048)),
                                           value_of(crypto::generate_key_pair(crypto::PairKind::kRsa2048))};
  return {crypto::Secret::copy_of(pairs[which].private_key.expose()), pairs[which].public_key};
}

Bytes reversed(ByteView bytes, std::size_t size) {
  Bytes out = to_bytes(bytes);
  std::ranges::reverse(out);
  out.resize(size);
  return out;
}

Bytes modulus_of(const crypto::MadePair& pair) {
  const crypto::PublicKey key = value_of(crypto::PublicKey::from_spki(pair.public_key));
  crypto::DerReader outer(key.raw());
  crypto::DerReader numbers(value_of(outer.expect(crypto::der::kSequence, "a key")));
  Bytes modulus = to_bytes(value_of(numbers.expect(crypto::der::kInteger, "a modulus")));
  if (modulus[0] == 0) modulus.erase(modulus.begin());
  return modulus;
}

Bytes rsa_sign(const crypto::MadePair& by, ByteView message) {
  return reversed(value_of(crypto::sign_with(by.private_key, crypto::SignatureAlgorithm::kRsaPssSha256,
                                             crypto::Signed::kMessage, message)),
                  kRsaSize);
}

Bytes ecdsa_sign(const crypto::PrivateKey& by, ByteView message) {
  return little_endian_signature(value_of(
      crypto::sign_with(by.to_pkcs8(), crypto::SignatureAlgorithm::kEcdsaSha256, crypto::Signed::kMessage, message)));
}

void put(Bytes& into, std::size_t at, ByteView bytes) {
  std::ranges::copy(bytes, into.begin() + static_cast<std::ptrdiff_t>(at));
}

void edit(const SevParts& parts, const std::string& name, Bytes& bytes) {
  if (const auto found = parts.edit.find(name); found != parts.edit.end()) found->second(bytes);
}

}  // namespace

SimulatedSev::SimulatedSev()
    : ark_(rsa_pair(0)), ask_(rsa_pair(1)), cek_(p384(50)), oca_(p384(51)), pek_(p384(52)), pdh_(p384(53)) {}

Bytes SimulatedSev::authority(const std::string& name, std::uint32_t usage, const crypto::MadePair& key,
                              const SevParts& parts) {
  Bytes bytes(64 + 2 * kRsaSize);
  store_le(&bytes[0], std::uint32_t{1});
  put(bytes, 4, Bytes(16, static_cast<std::uint8_t>(usage + 1)));
  put(bytes, 20, Bytes(16, 1));
  store_le(&bytes[36], usage);
  store_le(&bytes[56], std::uint32_t{2048});
  store_le(&bytes[60], std::uint32_t{2048});
  store_le(&bytes[64], std::uint32_t{65537});
  put(bytes, 64 + kRsaSize, reversed(modulus_of(key), kRsaSize));
  edit(parts, name, bytes);
  const Bytes signature = rsa_sign(ark_, bytes);
  bytes.insert(bytes.end(), signature.begin(), signature.end());
  return bytes;
}

Bytes SimulatedSev::certificate(const std::string& name, std::uint32_t usage, const crypto::PrivateKey& key,
                                const SevParts& parts) const {
  Bytes bytes(2084);
  store_le(&bytes[0], std::uint32_t{1});
  bytes[5] = 17;
  store_le(&bytes[8], usage);
  store_le(&bytes[12], std::uint32_t{usage == kSevUsagePdh ? 3U : 2U});
  store_le(&bytes[16], std::uint32_t{2});
  const ByteView point = key.public_key().raw().subspan(1);
  put(bytes, 20, reversed(point.first(48), 72));
  put(bytes, 92, reversed(point.last(48), 72));
  store_le(&bytes[1044], kSevUsageEmpty);
  store_le(&bytes[1564], kSevUsageEmpty);
  edit(parts, name, bytes);
  return bytes;
}

void SimulatedSev::sign_by_key(Bytes& certificate, unsigned slot, std::uint32_t usage,
                               const crypto::PrivateKey& by) const {
  const std::size_t at = kSignedSize + 520 * slot;
  store_le(&certificate[at], usage);
  store_le(&certificate[at + 4], std::uint32_t{2});
  put(certificate, at + 8, ecdsa_sign(by, ByteView(certificate).first(kSignedSize)));
}

Evidence SimulatedSev::chain(const SevParts& parts) {
  Bytes cek = certificate("cek", kSevUsageCek, cek_, parts);
  store_le(&cek[1044], kSevUsageAsk);
  store_le(&cek[1048], std::uint32_t{1});
  put(cek, 1052, rsa_sign(ask_, ByteView(cek).first(kSignedSize)));
  Bytes oca = certificate("oca", kSevUsageOca, oca_, parts);
  sign_by_key(oca, 0, kSevUsageOca, oca_);
  Bytes pek = certificate("pek", kSevUsagePek, pek_, parts);
  sign_by_key(pek, 0, kSevUsageOca, oca_);
  sign_by_key(pek, 1, kSevUsageCek, cek_);
  Bytes pdh = certificate("pdh", kSevUsagePdh, pdh_, parts);
  sign_by_key(pdh, 0, kSevUsagePek, pek_);
  Bytes report(kSevReportSize);
  put(report, 0, Bytes(16, 0x5A));
  put(report, 16, Bytes(32, 0x4D));
  store_le(&report[0x30], std::uint32_t{5});
  store_le(&report[0x34], kSevUsagePek);
  store_le(&report[0x38], std::uint32_t{2});
  edit(parts, "report", report);
  put(report, 0x40, ecdsa_sign(pek_, ByteView(report).first(0x34)));
  return {Kind::kSev,
          {{"ark", authority("ark", kSevUsageArk, ark_, parts)},
           {"ask", authority("ask", kSevUsageAsk, ask_, parts)},
           {"cek", cek},
           {"oca", oca},
           {"pek", pek},
           {"pdh", pdh},
           {"report", report}}};
}

Anchors SimulatedSev::anchors() const {
  return Anchors::insecure({{Root::kAmdNaples, crypto::sha256(ark_.public_key)}});
}

}  // namespace cloister::testing
