#include "attest/arm/cca.h"

#include <algorithm>

#include "attest/arm/cca_token.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kPart = "token";
constexpr std::uint8_t kTag[] = {0xD9, 0x01, 0x8F};  // 399

std::string endorsement_key(const CcaPlatform& platform) {
  return to_hex(platform.implementation) + "/" + to_hex(platform.instance);
}

// The profiles of the two parts go together: one can't be taken for the other's time.
void check_profile(Verdict& verdict, const CcaToken& token) {
  const bool legacy = token.platform.profile == kCcaPlatformProfileLegacy && !token.realm.profile;
  const bool named = token.platform.profile == kCcaPlatformProfile2023 && token.realm.profile == kCcaRealmProfile2023;
  if (legacy || named) return verdict.pass("profile", token.platform.profile);
  verdict.fail("profile", Reason::kUnsupported, "the platform's and the realm's profiles aren't a pair that is known");
}

std::optional<crypto::PublicKey> find_endorsement(Verdict& verdict, const CcaToken& token, const Question& question) {
  const CollateralItem* item =
      question.collateral == nullptr
          ? nullptr
          : question.collateral->find(CollateralKind::kCcaEndorsement, endorsement_key(token.platform));
  if (item == nullptr) {
    verdict.skip("endorsement", Reason::kReferenceMissing, "no key is known for this implementation and instance");
    return std::nullopt;
  }
  verdict.used.push_back({item->name(), item->digest()});
  auto key = crypto::PublicKey::from_spki(item->body);
  if (!key.ok()) {
    verdict.fail("endorsement", Reason::kMalformed, key.error().message());
    return std::nullopt;
  }
  verdict.pass("endorsement", "the collateral has this platform's key");
  return std::move(key).value();
}

void check_published(Verdict& verdict, const CcaToken& token, const std::optional<crypto::PublicKey>& platform_key) {
  for (const auto& key : {token.realm.key, platform_key}) {
    if (!key) continue;
    if (const auto whose = published_test_key(crypto::sha256(key->spki()))) {
      return verdict.fail("published-key", Reason::kTestKey, "anybody can sign with " + std::string(*whose));
    }
  }
  if (!platform_key) return verdict.skip("published-key", Reason::kReferenceMissing, "the platform's key isn't known");
  verdict.pass("published-key");
}

void check_signature(Verdict& verdict, std::string name, const crypto::CoseSign1& message,
                     const std::optional<crypto::PublicKey>& key) {
  if (!key) return verdict.skip(std::move(name), Reason::kReferenceMissing, "the platform's key isn't known");
  const auto payload = message.verified_payload(*key);
  if (payload.ok()) return verdict.pass(std::move(name));
  verdict.fail(std::move(name), Reason::kBadSignature, payload.error().message());
}

void check_binding(Verdict& verdict, const CcaToken& token) {
  const Bytes digest = cca_digest(token.realm.key_hash, token.realm.key_bytes);
  if (equal(digest, token.platform.challenge)) return verdict.pass("binding");
  verdict.fail("binding", Reason::kBindingMismatch, "the platform spoke for another realm's key");
}

void check_states(Verdict& verdict, const CcaPlatform& platform) {
  static constexpr std::string_view kSecured = "the platform is secured";
  if (platform.secured()) {
    verdict.pass("lifecycle", std::string(kSecured));
  } else {
    verdict.fail("lifecycle", Reason::kNotAllowed, "the platform isn't in its secured state");
  }
  if (platform.debug()) return verdict.fail("debug", Reason::kDebug, "the platform is being debugged");
  verdict.pass("debug");
}

void check_challenge(Verdict& verdict, const CcaRealm& realm, const Question& question) {
  if (!question.report_data) {
    return verdict.skip("report-data", Reason::kReferenceMissing, "nothing was said that it should carry");
  }
  Bytes wanted = *question.report_data;
  if (wanted.size() < realm.challenge.size()) wanted.resize(realm.challenge.size());
  if (equal(wanted, realm.challenge)) return verdict.pass("report-data", "it answers this question");
  verdict.fail("report-data", Reason::kNonceMismatch, "it answers another question");
}

void add_platform_claims(Claims& claims, const CcaPlatform& platform) {
  claims["chip_id"] = to_bytes(platform.instance);
  claims["product"] = platform.profile;
  claims["debug"] = platform.debug();
  claims["cca.implementation_id"] = to_bytes(platform.implementation);
  claims["cca.lifecycle"] = std::uint64_t{platform.lifecycle};
  claims["cca.configuration"] = platform.configuration;
  // All of them in one value that can be pinned: the SHA-256 of the list as it was signed.
  claims["cca.platform_measurements"] = to_bytes(crypto::sha256(platform.components_encoded));
  for (std::size_t i = 0; i < platform.components.size(); ++i) {
    const CcaComponent& component = platform.components[i];
    const std::string prefix = "cca.component" + std::to_string(i) + ".";
    if (component.type) claims[prefix + "type"] = *component.type;
    if (component.version) claims[prefix + "version"] = *component.version;
    claims[prefix + "measurement"] = component.measurement;
    claims[prefix + "signer"] = component.signer;
  }
}

void add_claims(Verdict& verdict, const CcaToken& token, const crypto::PublicKey& platform_key) {
  Claims& claims = verdict.claims;
  add_platform_claims(claims, token.platform);
  claims["measurement"] = token.realm.initial;
  claims["report_data"] = to_bytes(token.realm.challenge);
  claims["signer"] = to_bytes(crypto::sha256(platform_key.spki()));
  claims["cca.personalisation"] = to_bytes(token.realm.personalisation);
  claims["cca.hash"] = std::string(cca_hash_name(token.realm.hash));
  for (std::size_t i = 0; i < token.realm.extensible.size(); ++i) {
    claims["cca.rem" + std::to_string(i)] = token.realm.extensible[i];
  }
}

bool all_passed(const Verdict& verdict, std::initializer_list<std::string_view> names) {
  return std::ranges::all_of(names, [&](std::string_view name) {
    const Check* check = verdict.find(name);
    return check != nullptr && check->state == CheckState::kPassed;
  });
}

}  // namespace

Verdict verify_cca(const Evidence& evidence, const Question& question) {
  const auto token = parse_cca_token(evidence.part(kPart));
  if (!token.ok()) return unreadable(Kind::kCca, question.now, Reason::kMalformed, token.error().message());
  Verdict verdict;
  verdict.kind = Kind::kCca;
  verdict.at = question.now;
  verdict.pass("parse");
  check_profile(verdict, *token);
  const auto platform_key = find_endorsement(verdict, *token, question);
  check_published(verdict, *token, platform_key);
  check_signature(verdict, "platform-signature", token->platform_message, platform_key);
  check_signature(verdict, "realm-signature", token->realm_message, token->realm.key);
  check_binding(verdict, *token);
  check_states(verdict, token->platform);
  check_challenge(verdict, token->realm, question);
  if (!all_passed(verdict, {"platform-signature", "realm-signature", "binding"})) return verdict;
  add_claims(verdict, *token, *platform_key);
  const bool hardware = all_passed(verdict, {"published-key"}) && !question.anchors->all_insecure();
  verdict.assurance = hardware ? Assurance::kHardware : Assurance::kInsecureSoftware;
  return verdict;
}

std::vector<CollateralNeed> cca_needs(const Evidence& evidence) {
  const auto token = parse_cca_token(evidence.part(kPart));
  if (!token.ok()) return {};
  return {{CollateralKind::kCcaEndorsement, endorsement_key(token->platform)}};
}

std::optional<Evidence> recognise_cca(ByteView file) {
  if (file.size() < sizeof kTag || !equal(file.first(sizeof kTag), kTag)) return std::nullopt;
  return Evidence{Kind::kCca, {{std::string(kPart), to_bytes(file)}}};
}

}  // namespace cloister::attest
