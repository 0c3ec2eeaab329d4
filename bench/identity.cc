// What issuing and verifying identities costs, beside the ECDSA operations that can't be saved: OpenSSL's own on P-256,
// with the key parsed once.
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "bench.h"
#include "identity/authority.h"
#include "identity/jwt_svid.h"

namespace {

using namespace cloister;
using namespace cloister::identity;

constexpr Time kNow{1'795'526'589'000};
constexpr int kBatch = 200;

crypto::PrivateKey new_key(crypto::Random& random) {
  return bench::must(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random));
}

// One authority, one workload and what both hold.
struct Realm {
  crypto::SystemRandom random;
  crypto::MemorySigner x509{new_key(random)}, jwt{new_key(random)}, workload{new_key(random)};
  AuthoritySigners signers{&x509, &jwt};
  TrustDomain trust_domain = bench::must(TrustDomain::parse("example.org"));
  SpiffeId id = bench::must(SpiffeId::parse("spiffe://example.org/ns/prod/sa/trainer"));
  Rotation rotation = bench::must(Rotation::begin(
      trust_domain, {}, bench::must(make_authority(trust_domain, {}, signers, {}, kNow, random)), kNow));
  Authority authority = bench::must(Authority::open(rotation, signers));
  BundleSet bundles = BundleSet().with(rotation.bundle());
  X509Svid svid = bench::must(authority.issue_x509_svid(id, workload.public_key(), kNow, random));
  std::string token = bench::must(authority.issue_jwt_svid(id, {"reports"}, kNow));
  Bytes request = bench::must(crypto::write_certificate_request(id.uri(), workload));
};

struct Raw {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  Bytes message = Bytes(500, 7);
  Bytes signature = Bytes(80);

  Raw() { sign(); }
  ~Raw() { EVP_PKEY_free(key); }
  void sign() {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    signature.resize(80);
    std::size_t size = signature.size();
    const bool good = EVP_DigestSignInit_ex(context, nullptr, "SHA256", nullptr, nullptr, key, nullptr) == 1 &&
                      EVP_DigestSign(context, signature.data(), &size, message.data(), message.size()) == 1;
    EVP_MD_CTX_free(context);
    if (!good) bench::fail("OpenSSL doesn't sign");
    signature.resize(size);
  }
  void verify() {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const bool good =
        EVP_DigestVerifyInit_ex(context, nullptr, "SHA256", nullptr, nullptr, key, nullptr) == 1 &&
        EVP_DigestVerify(context, signature.data(), signature.size(), message.data(), message.size()) == 1;
    EVP_MD_CTX_free(context);
    if (!good) bench::fail("OpenSSL doesn't verify");
  }
};

struct Operation {
  std::string name;
  std::function<void()> once;
  std::vector<double> microseconds = {};
};

// The medians of rounds in turn, each operation also as a multiple of the first.
void race(const char* title, std::vector<Operation> operations) {
  for (int round = -1; round < bench::rounds(); ++round) {
    for (Operation& operation : operations) {
      const double seconds = bench::seconds_of([&] {
        for (int i = 0; i < kBatch; ++i) operation.once();
      });
      if (round >= 0) operation.microseconds.push_back(seconds / kBatch * 1e6);
    }
  }
  std::printf("%s (one thread, median of %d rounds in turn)\n", title, bench::rounds());
  const double first = bench::median(operations[0].microseconds);
  for (const Operation& operation : operations) {
    const double each = bench::median(operation.microseconds);
    std::printf("  %-44s %8.1f us %9.0f/s %7.2f x\n", operation.name.c_str(), each, 1e6 / each, each / first);
  }
  std::fflush(stdout);
}

}  // namespace

int main() {
  Realm realm;
  Raw raw;
  race(
      "issuing",
      {{"one signature and its verification", [&] { raw.sign(), raw.verify(); }},
       {"X.509-SVID for a key",
        [&] {
          ignore_result(
              bench::must(realm.authority.issue_x509_svid(realm.id, realm.workload.public_key(), kNow, realm.random)));
        }},
       {"X.509-SVID for a request, its signature verified",
        [&] {
          const auto request = bench::must(crypto::CertificateRequest::parse(realm.request));
          ignore_result(bench::must(realm.authority.issue_x509_svid(realm.id, request, kNow, realm.random)));
        }},
       {"JWT-SVID", [&] { ignore_result(bench::must(realm.authority.issue_jwt_svid(realm.id, {"reports"}, kNow))); }}});
  race("verifying", {{"one verification", [&] { raw.verify(); }},
                     {"X.509-SVID, parsed before",
                      [&] { ignore_result(bench::must(verify_x509_svid(realm.svid, realm.bundles, kNow))); }},
                     {"X.509-SVID, from its bytes",
                      [&] {
                        auto leaf = bench::must(crypto::Certificate::parse(realm.svid.leaf().der()));
                        const auto svid = bench::must(X509Svid::from_chain({std::move(leaf)}, Conformance::kStrict));
                        ignore_result(bench::must(verify_x509_svid(svid, realm.bundles, kNow)));
                      }},
                     {"JWT-SVID", [&] {
                        ignore_result(bench::must(verify_jwt_svid(realm.token, realm.bundles, {"reports", kNow, {}})));
                      }}});
}
