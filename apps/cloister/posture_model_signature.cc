#include "posture_model_signature.h"

#include <algorithm>
#include <set>

#include "model_input.h"

namespace cloister::cli {
namespace {

bool says_no(Code code) {
  return code == Code::kCorrupt || code == Code::kDenied || code == Code::kExpired || code == Code::kUnsupported;
}

// A link or a device among the files, or a name that no signature can list: none covers it.
bool is_uncovered(Code code) { return code == Code::kDenied || code == Code::kInvalid; }

// Every file but the signature is listed: what its signer left out is signed by nobody. False too where a file is none
// that a signature could list.
Result<bool> lists_all(const model::Tree& tree, const model::Statement& statement,
                       const std::vector<std::string>& signature) {
  if (tree.is_one_file()) return true;
  const auto files = tree.list({signature, model::Symlinks::kRefuse});
  if (!files.ok() && is_uncovered(files.error().code())) return false;
  if (!files.ok()) return files.error();
  std::set<std::string_view> listed;
  for (const model::Resource& resource : statement.resources) listed.insert(resource.path);
  // In shards an empty file has none.
  return std::ranges::all_of(*files, [&](const model::TreeFile& file) {
    return listed.contains(file.name) || (statement.shard_size && file.size == 0);
  });
}

Status compare(const Path& model, const Path& signature, const model::Statement& statement, unsigned threads,
               Progress& progress, posture::Fact& fact) {
  CLOISTER_TRY(const model::Tree tree, model::Tree::open(model));
  model::CheckFiles how{.ignored = {}, .threads = threads};
  const std::string inside = tree.name_inside(signature);
  if (!inside.empty()) how.ignored.push_back(inside);
  const auto differences = model::compare_files(tree, statement, how, progress);
  if (!differences.ok() && is_uncovered(differences.error().code())) {
    fact.values["covered"] = false;
    fact.raw += differences.error().message() + "\n";
    return {};
  }
  if (!differences.ok()) return differences.error();
  fact.values["signed"] = differences->changed.empty() && differences->missing.empty();
  CLOISTER_TRY(const bool all, lists_all(tree, statement, how.ignored));
  fact.values["covered"] = differences->extra.empty() && all;
  fact.raw += model::to_text(*differences) + "\n";
  return {};
}

}  // namespace

std::optional<Path> signature_of_model(const Path& model) {
  std::error_code failed;
  const Path path = signature_beside(model);
  return std::filesystem::is_regular_file(path, failed) ? std::optional(path) : std::nullopt;
}

Status look_at_signature(const Path& model, const Path& signature, std::span<const model::TrustedSigner> signers,
                         Time now, unsigned threads, Progress& progress, posture::Fact& fact) {
  if (signers.empty()) return Error(Code::kInvalid, "nobody is named whose signature counts: --model-signers");
  const auto bundle = read_signature(signature);
  // kInvalid: it is longer than any signature.
  if (!bundle.ok() && !says_no(bundle.error().code()) && bundle.error().code() != Code::kInvalid) return bundle.error();
  if (!bundle.ok()) {
    fact.values["signed"] = false;
    fact.raw = bundle.error().message();
    return {};
  }
  const auto what = model::verify_signature(*bundle, signers, now);
  if (!what.ok() && !says_no(what.error().code())) return what.error();
  if (!what.ok()) {
    const bool malformed = what.error().code() == Code::kCorrupt || what.error().code() == Code::kUnsupported;
    fact.values[malformed ? "signed" : "signer_allowed"] = false;
    fact.raw = what.error().message();
    return {};
  }
  fact.values["signer"] = what->signer + (what->identity.empty() ? "" : " (" + what->identity + ")");
  fact.values["signer_allowed"] = true;
  fact.raw = "root sha256:" + to_hex(what->statement.root) + "\n";
  for (const std::string& ignored : what->statement.ignored) fact.raw += "left out: " + ignored + "\n";
  return compare(model, signature, what->statement, threads, progress, fact);
}

}  // namespace cloister::cli
