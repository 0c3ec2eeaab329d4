// Makes and checks identities for scripts that compare with another implementation: each verb reads and writes files in
// the folder it is started in. "ok" and what was found on standard output, or the refusal and exit status 1.
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.h"
#include "crypto/certificate_request.h"
#include "crypto/pem.h"
#include "identity/authority.h"
#include "identity/jwt_svid.h"
#include "tests/support/value_of.h"

namespace {

using namespace cloister;
using testing::value_of;
using Arguments = std::vector<std::string>;

constexpr std::size_t kFileMax = 1 << 20;

std::string read_text(const std::string& name) { return std::string(as_text(value_of(read_file(name, kFileMax)))); }

void write_text(const std::string& name, std::string_view text) {
  CLOISTER_CHECK(write_file(name, as_bytes(text), Overwrite::kReplace).ok());
}

Time time_of(const std::string& seconds_text) { return Time{std::stoll(seconds_text) * 1000}; }

identity::Conformance conformance_of(const std::string& name) {
  CLOISTER_CHECK(name == "strict" || name == "go-spiffe");
  return name == "strict" ? identity::Conformance::kStrict : identity::Conformance::kGoSpiffe;
}

// issue NOW TRUST-DOMAIN ID AUDIENCE [REQUEST]: authority.pem, svid.pem, svid.key, request.pem, bundle.json, token.txt.
Result<std::string> issue(const Arguments& arguments) {
  crypto::SystemRandom random;
  const Time now = time_of(arguments.at(0));
  CLOISTER_TRY(const auto trust_domain, identity::TrustDomain::parse(arguments.at(1)));
  CLOISTER_TRY(const auto id, identity::SpiffeId::parse(arguments.at(2)));
  crypto::MemorySigner x509(value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random)));
  crypto::MemorySigner jwt(value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random)));
  const identity::AuthoritySigners signers{&x509, &jwt};
  CLOISTER_TRY(auto record, identity::make_authority(trust_domain, {}, signers, {}, now, random));
  CLOISTER_TRY(const auto rotation, identity::Rotation::begin(trust_domain, {}, std::move(record), now));
  CLOISTER_TRY(const auto authority, identity::Authority::open(rotation, signers));
  crypto::PrivateKey key = value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random));
  write_text("svid.key", as_text(key.to_pkcs8_pem().expose()));
  crypto::MemorySigner workload(std::move(key));
  CLOISTER_TRY(const Bytes own_request, crypto::write_certificate_request(id.uri(), workload));
  write_text("request.pem", crypto::to_pem(own_request, "CERTIFICATE REQUEST"));
  const std::string text = read_text(arguments.size() > 4 ? arguments.at(4) : "request.pem");
  CLOISTER_TRY(const auto request, crypto::CertificateRequest::parse_pem(text));
  CLOISTER_TRY(const auto svid, authority.issue_x509_svid(id, request, now, random));
  CLOISTER_TRY(const std::string token, authority.issue_jwt_svid(id, {arguments.at(3)}, now));
  write_text("authority.pem", authority.certificate().to_pem());
  write_text("svid.pem", svid.leaf().to_pem());
  write_text("bundle.json", identity::format_bundle(rotation.bundle()));
  write_text("token.txt", token);
  return id.uri();
}

Result<identity::BundleSet> bundles_of(const std::string& trust_domain_name, const std::string& file,
                                       identity::Conformance conformance) {
  CLOISTER_TRY(const auto trust_domain, identity::TrustDomain::parse(trust_domain_name));
  CLOISTER_TRY(auto bundle, identity::parse_bundle(trust_domain, read_text(file), conformance));
  return identity::BundleSet().with(std::move(bundle));
}

// check-svid NOW TRUST-DOMAIN CONFORMANCE BUNDLE CHAIN
Result<std::string> check_svid(const Arguments& arguments) {
  const auto conformance = conformance_of(arguments.at(2));
  CLOISTER_TRY(const auto bundles, bundles_of(arguments.at(1), arguments.at(3), conformance));
  CLOISTER_TRY(auto chain, crypto::Certificate::parse_pem(read_text(arguments.at(4)), crypto::kChainLengthMax));
  CLOISTER_TRY(const auto svid, identity::X509Svid::from_chain(std::move(chain), conformance));
  CLOISTER_TRY(const auto verified, identity::verify_x509_svid(svid, bundles, time_of(arguments.at(0))));
  return verified.id.uri();
}

// check-token NOW TRUST-DOMAIN AUDIENCE BUNDLE TOKEN
Result<std::string> check_token(const Arguments& arguments) {
  CLOISTER_TRY(const auto bundles, bundles_of(arguments.at(1), arguments.at(3), identity::Conformance::kStrict));
  CLOISTER_TRY(const auto svid, identity::verify_jwt_svid(read_text(arguments.at(4)), bundles,
                                                          {arguments.at(2), time_of(arguments.at(0)), {}}));
  return svid.id.uri();
}

// check-key FILE: the public half.
Result<std::string> check_key(const Arguments& arguments) {
  const crypto::Secret text = crypto::Secret::copy_of(as_bytes(read_text(arguments.at(0))));
  CLOISTER_TRY(const auto key, crypto::PrivateKey::from_pkcs8_pem(text));
  return to_hex(key.public_key().spki());
}

Result<std::string> run(const std::string& verb, const Arguments& arguments) {
  if (verb == "issue") return issue(arguments);
  if (verb == "check-svid") return check_svid(arguments);
  if (verb == "check-token") return check_token(arguments);
  if (verb == "check-key") return check_key(arguments);
  return Error(Code::kInvalid, "issue, check-svid, check-token or check-key");
}

}  // namespace

int main(int count, char** arguments) {
  const auto answer = run(count > 1 ? arguments[1] : "", Arguments(arguments + (count > 1 ? 2 : 1), arguments + count));
  std::printf("%s\n", answer.ok() ? ("ok " + *answer).c_str() : answer.error().message().c_str());
  return answer.ok() ? 0 : 1;
}
