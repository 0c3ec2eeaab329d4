#include "posture/collect/content/canaries.h"

#include <stdlib.h>

#include <cmath>
#include <map>

#include "posture/collect/content/file_look.h"
#include "seal/keyring.h"
#include "seal/writer.h"

namespace cloister::posture::content {
namespace {

namespace fs = std::filesystem;

class CanaryFolder {
 public:
  explicit CanaryFolder(const Path& scratch) {
    std::string name = (scratch / "cloister-canaries-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~CanaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  CanaryFolder(const CanaryFolder&) = delete;
  CanaryFolder& operator=(const CanaryFolder&) = delete;
  const Path& path() const { return path_; }

 private:
  Path path_;
};

std::string lines_of_json() {
  std::string out;
  for (int i = 0; i < 200; ++i) {
    out += R"({"id":)" + std::to_string(i) + R"(,"text":"a line that everybody can read"})" + "\n";
  }
  return out;
}

// Numbers as weights have them, and no magic before them.
Bytes weights() {
  Bytes out(std::size_t{256} << 10);
  for (std::size_t i = 0; i + 4 <= out.size(); i += 4) {
    const auto value = static_cast<float>(0.02 * std::sin(static_cast<double>(i) * 0.7310585));
    std::memcpy(out.data() + i, &value, 4);
  }
  return out;
}

Status write_sealed(const Path& path, const seal::Keyring& keyring, crypto::Random& random) {
  CLOISTER_TRY(const auto wrapper, seal::KeyringWrapper::create(keyring, random));
  CLOISTER_TRY(File file, File::create_new(path, 0600));
  seal::SealOptions options;
  options.context = {"canary", "canary", keyring.outline().keyring_id, std::nullopt};
  options.threads = 1;
  crypto::KeyWrapper* wrappers[] = {wrapper.get()};
  CLOISTER_TRY([[maybe_unused]] const seal::SealedSummary summary,
               seal::seal_bytes(as_bytes(lines_of_json()), file, options, wrappers, random));
  return {};
}

// The first page of a sealed object, and text behind it.
Status write_look_alike(const Path& sealed, const Path& path) {
  CLOISTER_TRY(Bytes bytes, read_file(sealed, std::uint64_t{1} << 20));
  const std::string text = lines_of_json();
  for (std::size_t i = seal::kPage; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(text[i % text.size()]);
  return write_file(path, bytes, Overwrite::kRefuse, 0600);
}

Status plant(const Path& folder, const seal::Keyring& keyring, crypto::Random& random) {
  Bytes noise(std::size_t{128} << 10);
  random.fill(noise);
  CLOISTER_RETURN_IF_ERROR(write_file(folder / "plain", as_bytes(lines_of_json()), Overwrite::kRefuse, 0600));
  CLOISTER_RETURN_IF_ERROR(write_file(folder / "weights", weights(), Overwrite::kRefuse, 0600));
  CLOISTER_RETURN_IF_ERROR(write_file(folder / "noise", noise, Overwrite::kRefuse, 0600));
  CLOISTER_RETURN_IF_ERROR(write_sealed(folder / "sealed", keyring, random));
  return write_look_alike(folder / "sealed", folder / "look-alike");
}

Status judge(const Path& folder, const ClassifyOptions& options, const seal::Keyring& keyring) {
  KnownKeys keys;
  keys.versions[{to_hex(keyring.outline().keyring_id), 1}] = {};
  ClassifyOptions with_canary_key = options;
  with_canary_key.keys = &keys;
  std::map<std::string, Verdict> seen;
  LookBuffers buffers;
  Progress progress;
  const auto visit = [&](const FileBatch& batch) {
    for (const std::string& name : batch.names) {
      seen[name] = look_at_file(batch.directory->descriptor(), name, with_canary_key, buffers).finding.verdict;
    }
  };
  CLOISTER_TRY([[maybe_unused]] const WalkReport report, walk_tree(folder, {.progress = &progress}, visit));
  const std::map<std::string, Verdict> expected = {{"plain", Verdict::kPlaintext},
                                                   {"weights", Verdict::kPlaintextUnknownType},
                                                   {"noise", Verdict::kHighEntropyUnknown},
                                                   {"sealed", Verdict::kSealed},
                                                   {"look-alike", Verdict::kPlaintextUnknownType}};
  for (const auto& [name, verdict] : expected) {
    const auto found = seen.find(name);
    const std::string_view word = found == seen.end() ? "not found" : name_of(found->second);
    if (word != name_of(verdict)) {
      return Error(Code::kInternal, "the canary \"" + name + "\" was judged " + std::string(word));
    }
  }
  return {};
}

}  // namespace

CanaryReport judge_canaries(const Path& scratch, const ClassifyOptions& options, Time now, crypto::Random& random) {
  const CanaryFolder folder(scratch);
  if (folder.path().empty()) return {false, "no folder for canaries can be made in " + scratch.string()};
  const auto run = [&]() -> Status {
    CLOISTER_TRY(const seal::Keyring keyring, seal::Keyring::create({"canary", "", "canary"}, now, random));
    CLOISTER_RETURN_IF_ERROR(plant(folder.path(), keyring, random));
    return judge(folder.path(), options, keyring);
  };
  const Status status = run();
  return {status.ok(), status.ok() ? "" : status.error().message()};
}

}  // namespace cloister::posture::content
