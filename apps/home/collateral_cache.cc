#include "home/collateral_cache.h"

#include "audit/origin.h"

namespace cloister::home {
namespace {

Path lock_path(const Path& home) { return home / "collateral.lock"; }

Result<File> lock(const Path& home) {
  auto made = File::create_new(lock_path(home), 0600);
  if (!made.ok() && made.error().code() != Code::kExists) return made.error();
  CLOISTER_TRY(File file, File::open(lock_path(home), File::Access::kReadWrite));
  CLOISTER_RETURN_IF_ERROR(file.lock_exclusive().with_context("change the home's collateral"));
  return file;
}

Result<std::string> origin_of(keys::Hierarchy& hierarchy) {
  CLOISTER_TRY(const std::string server, hierarchy.store().log_server());
  return audit::tree_origin(server, "");
}

}  // namespace

attest::NoteVerifier signed_by(std::vector<audit::VerifierKey> keys) {
  return [keys = std::move(keys)](std::string_view note) -> Result<attest::SignedText> {
    CLOISTER_TRY(audit::SignedNote parsed, audit::parse_note(note));
    CLOISTER_TRY(const auto signatures, audit::verify_note(parsed, keys));
    return attest::SignedText{std::move(parsed.text), keys[signatures.front().key].name()};
  };
}

Result<Bytes> sign_bundle(keys::Hierarchy& hierarchy, const attest::CollateralBundle& bundle) {
  CLOISTER_TRY(const std::string origin, origin_of(hierarchy));
  CLOISTER_TRY(const std::string note, hierarchy.sign_note(origin, attest::bundle_text(bundle), bundle.at));
  return attest::encode_bundle(bundle, note);
}

Result<attest::CollateralBundle> read_collateral(const Path& home, keys::Hierarchy& hierarchy) {
  const auto bytes = read_file(collateral_path(home), attest::kCollateralBundleSizeMax);
  if (!bytes.ok() && bytes.error().code() == Code::kNotFound) return attest::CollateralBundle{};
  if (!bytes.ok()) return bytes.error();
  CLOISTER_TRY(const std::string origin, origin_of(hierarchy));
  CLOISTER_TRY(const audit::VerifierKey key, hierarchy.log_key(origin));
  auto opened = attest::open_bundle(*bytes, signed_by({key}));
  if (!opened.ok()) return opened.error().with_context("read " + collateral_path(home).string());
  return std::move(opened->bundle);
}

Status update_collateral(const Path& home, keys::Hierarchy& hierarchy, Time now,
                         const std::function<Status(attest::CollateralBundle&)>& edit) {
  CLOISTER_TRY(const File locked, lock(home));
  CLOISTER_TRY(attest::CollateralBundle bundle, read_collateral(home, hierarchy));
  CLOISTER_RETURN_IF_ERROR(edit(bundle));
  bundle.at = now;
  CLOISTER_TRY(const Bytes bytes, sign_bundle(hierarchy, bundle));
  return write_file(collateral_path(home), bytes, Overwrite::kReplace, 0600);
}

}  // namespace cloister::home
