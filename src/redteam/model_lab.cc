#include "redteam/model_lab.h"

#include <sys/mman.h>

#include <cerrno>

#include "model/check.h"
#include "model/sign.h"

namespace cloister::redteam {
namespace {

constexpr std::size_t kFileMax = std::size_t{1} << 20;
constexpr std::size_t kWeights = 4096;

Result<std::unique_ptr<crypto::Signer>> new_key(crypto::Random& random) {
  CLOISTER_TRY(crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random));
  return std::unique_ptr<crypto::Signer>(std::make_unique<crypto::MemorySigner>(std::move(key)));
}

// What a loader keeps between models: which ledger was the newest.
struct Memory {
  std::optional<model::LedgerFloor> floor;
};

Status check_ledger(const Path& path, const model::TrustedSigner& signer, const model::Signed& what, Time now,
                    Memory& memory) {
  CLOISTER_TRY(const Bytes text, read_file(path, model::kLedgerSizeMax));
  CLOISTER_TRY(const model::Bundle bundle, model::parse_bundle(as_text(text)));
  CLOISTER_TRY(const model::SignedLedger found, model::verify_ledger(bundle, {&signer, 1}, now));
  CLOISTER_RETURN_IF_ERROR(model::check_signer(found, what));
  CLOISTER_TRY(memory.floor, model::raise_floor(memory.floor, found.ledger, bundle));
  return model::check_version(found.ledger, what.statement.root);
}

// Into memory that has no name, as a loader would take it.
Result<Bytes> load_file(const model::VerifiedModel& model, const std::string& name) {
  const int descriptor = ::memfd_create("canary", MFD_CLOEXEC);
  if (descriptor < 0) return error_from_errno(errno, "make a file in memory");
  const File memory = File::from_descriptor(descriptor, name, File::Owned::kYes);
  Progress progress;
  CLOISTER_RETURN_IF_ERROR(model.load(name, memory, progress));
  CLOISTER_TRY(const std::uint64_t size, memory.size());
  Bytes out(static_cast<std::size_t>(size));
  CLOISTER_RETURN_IF_ERROR(memory.read_at(0, out));
  return out;
}

}  // namespace

Status put_file(const Path& path, ByteView bytes) {
  CLOISTER_RETURN_IF_ERROR(cloister::create_directories(path.parent_path(), 0700));
  return write_file(path, bytes, Overwrite::kReplace, 0600);
}

Result<std::unique_ptr<ModelLab>> ModelLab::create(const Field& field) {
  std::unique_ptr<ModelLab> lab(new ModelLab(field.folder / "models"));
  CLOISTER_RETURN_IF_ERROR(lab->make(field));
  return lab;
}

Status ModelLab::make(const Field& field) {
  CLOISTER_TRY(key_, new_key(*field.random));
  CLOISTER_TRY(stranger_, new_key(*field.random));
  signer_.name = "canary";
  signer_.key = key_->public_key();
  Bytes weights(kWeights);
  field.random->fill(weights);
  const Path canary = folder("canary");
  CLOISTER_RETURN_IF_ERROR(put_file(canary / "config.json", as_bytes(R"({"layers": 2})")));
  CLOISTER_RETURN_IF_ERROR(put_file(canary / "weights/part-1", weights));
  CLOISTER_RETURN_IF_ERROR(put_file(canary / "weights/part-2", as_bytes("canary weights")));
  CLOISTER_RETURN_IF_ERROR(sign(canary, *key_));
  CLOISTER_TRY(const model::Bundle bundle, bundle_of(canary));
  CLOISTER_TRY(const model::Statement statement, model::parse_statement(bundle.payload));
  versions_.model = "canary";
  CLOISTER_RETURN_IF_ERROR(model::approve(versions_, "2", statement.root));
  return write_ledger(versions_, ledger(), *key_);
}

Result<Path> ModelLab::copy(const std::string& name) const {
  std::error_code failed;
  std::filesystem::copy(folder("canary"), folder(name), std::filesystem::copy_options::recursive, failed);
  if (failed) return error_from_errno(failed.value(), "copy the canary model");
  return folder(name);
}

Result<model::Bundle> ModelLab::bundle_of(const Path& folder) const {
  CLOISTER_TRY(const Bytes text, read_file(folder / "model.sig", kFileMax));
  return model::parse_bundle(as_text(text));
}

Status ModelLab::put_bundle(const Path& folder, const model::Bundle& bundle) const {
  return put_file(folder / "model.sig", as_bytes(model::serialize_bundle(bundle)));
}

Status ModelLab::sign(const Path& folder, crypto::Signer& by) const {
  Progress progress;
  CLOISTER_TRY(const model::Tree tree, model::Tree::open(folder));
  const model::Describe how{{{"model.sig"}, model::Symlinks::kRefuse}, 1};
  CLOISTER_TRY(const model::Statement statement, model::describe_model(tree, how, progress));
  CLOISTER_TRY(const model::Bundle bundle, model::sign_statement(statement, by, {}));
  return put_bundle(folder, bundle);
}

Status ModelLab::write_ledger(const model::Ledger& ledger, const Path& path, crypto::Signer& by) const {
  CLOISTER_TRY(const model::Bundle bundle, model::sign_ledger(ledger, by));
  return put_file(path, as_bytes(model::serialize_bundle(bundle)));
}

ModelLoader loader_of(const ModelLab& lab, std::optional<Time> until) {
  model::TrustedSigner signer = lab.signer();
  signer.until = until;
  const auto memory = std::make_shared<Memory>();
  const auto verify = [signer, memory](const Path& folder, const Path& ledger, Time now) -> Result<LoadFile> {
    Progress progress;
    CLOISTER_TRY(const Bytes text, read_file(folder / "model.sig", kFileMax));
    CLOISTER_TRY(const model::Bundle bundle, model::parse_bundle(as_text(text)));
    CLOISTER_TRY(model::Tree tree, model::Tree::open(folder));
    const model::CheckFiles how{.ignored = {"model.sig"}, .threads = 1};
    CLOISTER_TRY(model::VerifiedModel verified,
                 model::VerifiedModel::verify(std::move(tree), bundle, {&signer, 1}, how, now, progress));
    CLOISTER_RETURN_IF_ERROR(check_ledger(ledger, signer, verified.what(), now, *memory));
    const auto kept = std::make_shared<const model::VerifiedModel>(std::move(verified));
    return LoadFile([kept](const std::string& name) { return load_file(*kept, name); });
  };
  const auto check = [](const Path& path) -> Status {
    CLOISTER_TRY(const File file, File::open(path));
    CLOISTER_TRY(const model::FileCheck found, model::check_file(file, path.filename().string()));
    if (found.harmless()) return {};
    const std::vector<std::string>& why = found.refused.empty() ? found.runs_code : found.refused;
    return Error(Code::kDenied, why.empty() ? "it isn't of a known format, or reads other files" : why.front());
  };
  return {verify, check};
}

}  // namespace cloister::redteam
