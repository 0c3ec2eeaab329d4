#include "model_input.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "home/secret_file.h"
#include "model/signers.h"
#include "output.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kKeyFileMax = 65536;
constexpr std::size_t kCertificateFileMax = std::size_t{1} << 20;
constexpr std::size_t kRootsMax = 64;

Result<std::vector<model::TrustedSigner>> read_signers_file(const Path& path) {
  const std::string doing = "read the signers " + path.string();
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten).with_context(doing));
  CLOISTER_TRY(const Bytes text, read_rest(file, model::kSignersFileMax));
  // Who can write a key beside it can put himself on the list.
  const auto beside = [&](const std::string& name) -> Result<Bytes> {
    CLOISTER_TRY(const File named, File::open(path.parent_path() / name));
    CLOISTER_RETURN_IF_ERROR(check_guarded(named, Guard::kUnwritten));
    return read_rest(named, kCertificateFileMax);
  };
  auto signers = model::parse_signers(as_text(text), beside);
  return std::move(signers).with_context(doing);
}

constexpr std::size_t kSeenFileMax = 2048;

Result<std::optional<model::LedgerFloor>> read_floor(const Path& path) {
  auto file = File::open(path);
  if (!file.ok() && file.error().code() == Code::kNotFound) return std::optional<model::LedgerFloor>();
  if (!file.ok()) return file.error();
  CLOISTER_RETURN_IF_ERROR(check_guarded(*file, Guard::kUnwritten));
  CLOISTER_TRY(const Bytes text, read_rest(*file, kSeenFileMax));
  CLOISTER_TRY(const model::LedgerFloor floor, model::parse_floor(as_text(text)));
  return std::optional(floor);
}

// Two that raise it at once could lower it.
Result<File> lock_beside(const Path& path) {
  const Path lock = path.string() + ".lock";
  auto file = File::create_new(lock, 0600);
  if (!file.ok() && file.error().code() == Code::kExists) file = File::open(lock, File::Access::kReadWrite);
  if (!file.ok()) return file.error();
  CLOISTER_RETURN_IF_ERROR(file->lock_exclusive());
  return file;
}

}  // namespace

void add_trust_options(CLI::App& verb, TrustOptions& trust) {
  verb.add_option("--key", trust.keys, "a public key that counts: PEM")->type_name("FILE");
  verb.add_option("--root", trust.roots, "certificates below these roots count: PEM")->type_name("FILE");
  verb.add_option("--identity", trust.identities, "whose certificates: an e-mail address, URI or DNS name; or any");
  verb.add_option("--signers", trust.signers, "a file that lists who counts")->type_name("FILE");
}

std::string left_out_text(const model::Statement& statement) {
  std::string names;
  for (const std::string& name : statement.ignored) names += (names.empty() ? "" : ", ") + name;
  return "left out by its signer: " + (names.empty() ? "nothing" : printable(names)) + "\n";
}

Result<LedgerMemory> LedgerMemory::open(const Path& path) {
  CLOISTER_TRY(File lock, lock_beside(path));
  auto floor = read_floor(path);
  if (!floor.ok()) return floor.error().with_context("read " + path.string());
  return LedgerMemory(path, std::move(lock), std::move(floor).value());
}

Status LedgerMemory::raise(const model::Ledger& ledger, const model::Bundle& bundle) {
  CLOISTER_TRY(floor_, model::raise_floor(floor_, ledger, bundle));
  return write_file(path_, as_bytes(model::to_text(*floor_)), Overwrite::kReplace, 0600);
}

void add_ledger_options(CLI::App& verb, LedgerOptions& options) {
  verb.add_option("--ledger", options.ledger, "the versions that may be loaded: `cloister model ledger`")
      ->type_name("FILE");
  verb.add_option("--seen", options.seen, "where it is kept which ledger was the newest")->type_name("FILE");
}

Status check_against_ledger(const LedgerOptions& options, std::span<const model::TrustedSigner> trusted,
                            const model::Signed& what) {
  if (options.ledger.empty() != options.seen.empty()) {
    return invalid("--ledger and --seen belong together: without what was seen, an old ledger passes");
  }
  if (options.ledger.empty()) return {};
  const std::string doing = "read the ledger " + options.ledger;
  CLOISTER_TRY(const model::Bundle bundle, read_signature(options.ledger));
  const auto found = model::verify_ledger(bundle, trusted, system_time());
  if (!found.ok()) return found.error().with_context(doing);
  // What isn't this signer's mustn't raise what was seen of his: no right ledger would be taken afterwards.
  CLOISTER_RETURN_IF_ERROR(model::check_signer(*found, what).with_context(doing));
  CLOISTER_TRY(LedgerMemory memory, LedgerMemory::open(options.seen));
  CLOISTER_RETURN_IF_ERROR(memory.raise(found->ledger, bundle).with_context(doing));
  return model::check_version(found->ledger, what.statement.root);
}

Result<std::vector<crypto::Certificate>> read_certificates(const Path& path, std::size_t count_max) {
  CLOISTER_TRY(const Bytes text, read_file(path, kCertificateFileMax));
  auto certificates = crypto::Certificate::parse_pem(as_text(text), count_max);
  return std::move(certificates).with_context("read " + path.string());
}

Result<std::vector<model::TrustedSigner>> read_trust(const TrustOptions& options) {
  std::vector<model::TrustedSigner> out;
  if (!options.signers.empty()) {
    CLOISTER_TRY(out, read_signers_file(options.signers));
  }
  for (const std::string& file : options.keys) {
    CLOISTER_TRY(const Bytes text, read_file(file, kKeyFileMax));
    auto key = model::parse_public_key(as_text(text));
    if (!key.ok()) return key.error().with_context("read the key " + file);
    model::TrustedSigner signer;
    signer.name = file;
    signer.key = std::move(key).value();
    out.push_back(std::move(signer));
  }
  if (options.roots.empty() != options.identities.empty()) {
    return invalid("--root and --identity belong together: whose certificates count? \"any\" is a word for it");
  }
  const bool any = std::ranges::find(options.identities, "any") != options.identities.end();
  if (any && options.identities.size() > 1) return invalid("--identity any, or a list of identities, but not both");
  for (const std::string& file : options.roots) {
    model::TrustedSigner signer;
    signer.name = file;
    CLOISTER_TRY(signer.roots, read_certificates(file, kRootsMax));
    signer.any_identity = any;
    if (!any) signer.identities = options.identities;
    out.push_back(std::move(signer));
  }
  if (out.empty()) return invalid("nobody is trusted to sign models: name --key, --root or --signers");
  return out;
}

Result<crypto::PrivateKey> read_signing_key(const Path& path) {
  CLOISTER_TRY(const crypto::Secret text, home::read_secret_file(path));
  auto key = crypto::PrivateKey::from_pkcs8_pem(text);
  if (key.ok()) return key;
  return key.error().with_context("read the key " + path.string() + " (PKCS #8, as openssl genpkey writes it)");
}

Path signature_beside(const Path& model) {
  std::error_code failed;
  if (std::filesystem::is_directory(model, failed)) return model / "model.sig";
  return model.string() + ".sig";
}

Result<model::Bundle> read_signature(const Path& path) {
  // Without O_NONBLOCK a named pipe would keep us waiting.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return error_from_errno(errno, "open " + path.string());
  const File file = File::from_descriptor(descriptor, path, File::Owned::kYes);
  CLOISTER_TRY(const bool regular, file.is_regular());
  if (!regular) return Error(Code::kDenied, path.string() + " is no regular file");
  CLOISTER_TRY(const Bytes text, read_rest(file, model::kBundleSizeMax));
  return model::parse_bundle(as_text(text)).with_context("read the signature " + path.string());
}

}  // namespace cloister::cli
