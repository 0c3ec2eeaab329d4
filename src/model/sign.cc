#include "model/sign.h"

#include <algorithm>

#include "base/parallel.h"
#include "crypto/der.h"
#include "crypto/pem.h"

namespace cloister::model {
namespace {

// 2.5.29.37 and 1.3.6.1.5.5.7.3.3.
constexpr std::uint8_t kExtendedKeyUsage[] = {0x55, 0x1D, 0x25};
constexpr std::uint8_t kCodeSigning[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03};

bool is_for_code(const crypto::Certificate& leaf) {
  const auto extension = leaf.extension(kExtendedKeyUsage);
  if (!extension) return false;
  crypto::DerReader outer(*extension);
  const auto uses = outer.expect(crypto::der::kSequence, "the uses of a key");
  if (!uses.ok()) return false;
  crypto::DerReader reader(*uses);
  while (!reader.at_end()) {
    const auto use = reader.expect(crypto::der::kOid, "a use of a key");
    if (!use.ok()) return false;
    if (equal(*use, kCodeSigning)) return true;
  }
  return false;
}

}  // namespace

Status check_key_type(const crypto::PublicKey& key) {
  using enum crypto::KeyType;
  if (key.type() == kEcP256 || key.type() == kEcP384 || key.type() == kEcP521) return {};
  return Error(Code::kUnsupported, "keys of type " + std::string(crypto::key_type_name(key.type())) +
                                       " don't sign models: P-256, P-384 and P-521 do");
}

Status check_signing_usage(const crypto::Certificate& leaf) {
  const auto& usage = leaf.facts().key_usage;
  if ((usage && usage->digital_signature) || is_for_code(leaf)) return {};
  return Error(Code::kDenied, "the certificate isn't for signing");
}

std::string key_hint(const crypto::PublicKey& key) {
  return to_hex(crypto::sha256(as_bytes(crypto::to_pem(key.spki(), "PUBLIC KEY"))));
}

Result<Statement> describe_model(const Tree& tree, const Describe& how, Progress& progress) {
  CLOISTER_TRY(const std::vector<TreeFile> files, tree.list(how.rules, progress));
  if (files.empty()) return Error(Code::kInvalid, "sign " + tree.path().string() + ": there is no file to sign");
  Statement statement;
  statement.subject = tree.name();
  statement.allow_symlinks = how.rules.symlinks == Symlinks::kFollow;
  for (const std::string_view name : always_ignored()) statement.ignored.emplace_back(name);
  statement.ignored.insert(statement.ignored.end(), how.rules.ignored.begin(), how.rules.ignored.end());
  statement.resources.resize(files.size());
  for (const TreeFile& file : files) progress.expect(file.size);
  const auto make_worker = [&]() -> PieceWorker {
    return [&](std::uint64_t i) -> Status {
      CLOISTER_TRY(const File file, tree.open_file(files[i].name, how.rules.symlinks));
      CLOISTER_TRY(const std::uint64_t size, file.size());
      CLOISTER_TRY(statement.resources[i].digest, hash_range(file, 0, size, progress));
      statement.resources[i].path = files[i].name;
      progress.add_object();
      return {};
    };
  };
  CLOISTER_RETURN_IF_ERROR(parallel_pieces(how.threads, files.size(), make_worker));
  statement.root = root_digest(statement.resources);
  return statement;
}

Result<Bundle> sign_statement(const Statement& statement, crypto::Signer& signer,
                              std::span<const crypto::Certificate> chain) {
  const std::string payload = serialize_statement(statement);
  if (const auto read = parse_statement(as_bytes(payload)); !read.ok()) return unreadable(read.error());
  return sign_payload(kPayloadType, payload, signer, chain);
}

Error unreadable(const Error& why) {
  return Error(Code::kInvalid, "nobody could read what would be signed: " + why.message());
}

Result<Bundle> sign_payload(std::string_view payload_type, std::string_view payload, crypto::Signer& signer,
                            std::span<const crypto::Certificate> chain) {
  const crypto::PublicKey& key = signer.public_key();
  CLOISTER_RETURN_IF_ERROR(check_key_type(key));
  Bundle bundle;
  bundle.payload_type = payload_type;
  bundle.payload = to_bytes(as_bytes(payload));
  if (chain.empty()) {
    bundle.hint = key_hint(key);
  } else {
    bundle.method = Method::kCertificate;
    if (chain.front().facts().public_key != key) {
      return Error(Code::kInvalid, "the first certificate isn't that of the key");
    }
    CLOISTER_RETURN_IF_ERROR(check_signing_usage(chain.front()));
    if (chain.size() > kCertificatesMax) return Error(Code::kInvalid, "there are too many certificates");
    for (const crypto::Certificate& certificate : chain) bundle.certificates.push_back(certificate.der());
  }
  CLOISTER_TRY(bundle.signature, signer.sign(signed_bytes(bundle.payload_type, bundle.payload)));
  CLOISTER_RETURN_IF_ERROR(key.verify(crypto::signature_algorithm(key.type()),
                                      signed_bytes(bundle.payload_type, bundle.payload), bundle.signature));
  const auto read = parse_bundle(serialize_bundle(bundle) + "\n");
  if (!read.ok()) return unreadable(read.error());
  return bundle;
}

}  // namespace cloister::model
