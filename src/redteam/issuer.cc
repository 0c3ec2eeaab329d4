#include "redteam/issuer.h"

namespace cloister::redteam {

using crypto::Critical;

LeafParts valid_leaf(Time now) {
  LeafParts out;
  out.not_before = now + minutes(-5);
  out.not_after = now + hours(1);
  return out;
}

Result<std::unique_ptr<Issuer>> Issuer::make(const Field& field, const IssuerParts& parts, Issuer* above) {
  CLOISTER_TRY(auto key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, *field.random));
  std::unique_ptr<Issuer> out(new Issuer(std::move(key), parts.name));
  std::vector<Bytes> extensions = {
      parts.authority ? crypto::extension_authority(3) : crypto::extension_leaf(),
      parts.authority ? crypto::extension_authority_key_usage() : crypto::extension_leaf_key_usage(),
      crypto::extension_subject_key_id(crypto::key_id_of(out->signer_.public_key())),
      crypto::extension_uri("spiffe://" + std::string(kCanaryDomain), Critical::kNo)};
  if (!parts.permitted_host.empty()) extensions.push_back(crypto::extension_permitted_uri_host(parts.permitted_host));
  Issuer& by = above == nullptr ? *out : *above;
  if (above != nullptr) {
    extensions.push_back(crypto::extension_authority_key_id(crypto::key_id_of(by.signer_.public_key())));
  }
  CLOISTER_TRY(out->certificate_, crypto::sign_certificate({{by.serial_++},
                                                            by.name_,
                                                            out->name_,
                                                            field.now + days(-1),
                                                            field.now + days(6),
                                                            out->signer_.public_key(),
                                                            extensions},
                                                           by.signer_));
  return out;
}

Result<Issued> Issuer::issue(const Field& field, const LeafParts& parts) {
  CLOISTER_TRY(auto key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, *field.random));
  std::vector<Bytes> extensions = {parts.basic,
                                   parts.usage,
                                   parts.extended,
                                   crypto::extension_subject_key_id(crypto::key_id_of(key.public_key())),
                                   crypto::extension_authority_key_id(crypto::key_id_of(signer_.public_key())),
                                   parts.uri.empty() ? Bytes() : crypto::extension_uri(parts.uri, Critical::kYes)};
  std::erase_if(extensions, [](const Bytes& one) { return one.empty(); });
  CLOISTER_TRY(auto certificate, crypto::sign_certificate({{serial_++},
                                                           name_,
                                                           crypto::common_name("workload"),
                                                           parts.not_before,
                                                           parts.not_after,
                                                           key.public_key(),
                                                           extensions},
                                                          signer_));
  return Issued{std::move(certificate), std::move(key)};
}

Result<std::shared_ptr<const net::Credentials>> Issuer::credentials(const Field& field, const LeafParts& parts) {
  CLOISTER_TRY(const Issued issued, issue(field, parts));
  const Bytes chain[] = {issued.certificate.der()};
  return net::Credentials::from_der(chain, issued.key.to_pkcs8());
}

}  // namespace cloister::redteam
