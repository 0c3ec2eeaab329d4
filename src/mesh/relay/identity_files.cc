#include "mesh/relay/identity_files.h"

#include <sys/stat.h>

namespace cloister::mesh {
namespace {

constexpr std::size_t kPemSizeMax = std::size_t{1} << 20;
constexpr std::size_t kChainMax = 8;

Result<std::string> read_text(const Path& path) {
  CLOISTER_TRY(const Bytes bytes, read_file(path, kPemSizeMax));
  return std::string(as_text(bytes));
}

Result<crypto::PrivateKey> read_key(const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kSecret));
  CLOISTER_TRY(Bytes bytes, read_rest(file, kPemSizeMax));
  const crypto::Secret text = crypto::Secret::copy_of(bytes);
  crypto::wipe(bytes);
  return crypto::PrivateKey::from_pkcs8_pem(text).with_context("read " + path.string());
}

Result<identity::Bundle> read_bundle(const identity::TrustDomain& domain, const Path& path) {
  CLOISTER_TRY(const std::string text, read_text(path));
  identity::BundleContents contents;
  CLOISTER_TRY(contents.x509_authorities,
               crypto::Certificate::parse_pem(text, crypto::kAnchorsMax).with_context("read " + path.string()));
  return identity::Bundle::create(domain, std::move(contents), identity::Conformance::kGoSpiffe)
      .with_context("read " + path.string());
}

}  // namespace

Result<std::shared_ptr<const identity::Snapshot>> read_identity_files(const IdentitySettings& settings, Time now) {
  CLOISTER_TRY(const std::string text, read_text(settings.certificate));
  const std::string doing = "read " + settings.certificate.string();
  CLOISTER_TRY(auto chain, crypto::Certificate::parse_pem(text, kChainMax).with_context(doing));
  CLOISTER_TRY(auto svid,
               identity::X509Svid::from_chain(std::move(chain), identity::Conformance::kGoSpiffe).with_context(doing));
  CLOISTER_TRY(crypto::PrivateKey key, read_key(settings.key));
  CLOISTER_TRY(identity::Bundle own, read_bundle(svid.id().trust_domain(), settings.bundle));
  identity::BundleSet bundles = identity::BundleSet().with(std::move(own));
  for (const BundleFile& one : settings.federated) {
    if (one.trust_domain == svid.id().trust_domain()) {
      return Error(Code::kInvalid, "[[federated]] has the relay's own trust domain, " + one.trust_domain.name());
    }
    CLOISTER_TRY(identity::Bundle other, read_bundle(one.trust_domain, one.file));
    bundles = bundles.with(std::move(other));
  }
  return identity::Snapshot::create(std::move(svid), std::move(key), std::move(bundles), now).with_context(doing);
}

std::vector<IdentityFiles::Stamp> IdentityFiles::stamps_of(const IdentitySettings& settings) {
  std::vector<Path> paths = {settings.certificate, settings.key, settings.bundle};
  for (const BundleFile& one : settings.federated) paths.push_back(one.file);
  std::vector<Stamp> stamps;
  for (const Path& path : paths) {
    struct stat found{};
    Stamp stamp;
    if (::stat(path.c_str(), &found) == 0) {
      stamp = {std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec, found.st_ino,
               static_cast<std::uint64_t>(found.st_size)};
    }
    stamps.push_back(stamp);
  }
  return stamps;
}

Result<std::unique_ptr<IdentityFiles>> IdentityFiles::open(IdentitySettings settings, Time now) {
  auto stamps = stamps_of(settings);  // before the files: what changes meanwhile is read again
  CLOISTER_TRY(auto first, read_identity_files(settings, now));
  return std::unique_ptr<IdentityFiles>(new IdentityFiles(std::move(settings), std::move(stamps), std::move(first)));
}

Result<IdentityFiles::Change> IdentityFiles::poll(Time now) {
  auto stamps = stamps_of(settings_);
  if (stamps == stamps_) return Change::kNone;
  CLOISTER_TRY(auto next, read_identity_files(settings_, now));
  stamps_ = std::move(stamps);
  source_->replace(std::move(next));
  return Change::kReplaced;
}

}  // namespace cloister::mesh
