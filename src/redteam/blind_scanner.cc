// RT-M08: plaintext in disguise, and a scanner that isn't let to the end: nothing of it may pass.
#include "redteam/blind_scanner.h"

#include <algorithm>

#include "redteam/object_image.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kRemedy =
    "a scan passes what it didn't see: take no verdict of this build's content audit until it is understood";
constexpr std::size_t kObjectSize = 60'000;

std::string plaintext() {
  std::string out;
  for (int i = 0; out.size() < kObjectSize; ++i) {
    out += R"({"id":)" + std::to_string(i) +
           R"(,"text":"the patient came back on Monday"})"
           "\n";
  }
  return out;
}

class Blinding {
 public:
  Blinding(const Field& field, const BlindScannerTarget& target)
      : field_(field), target_(target), tally_(field, "RT-M08", std::string(kRemedy)) {}

  Report run() && {
    honest();
    disguise();
    keep_away();
    return std::move(tally_).finish();
  }

 private:
  // A folder with a sealed object in it, and what else is put there.
  Result<Path> folder_with(const std::function<Status(const Path& folder)>& put) {
    const Path folder = field_.folder / ("folder" + std::to_string(++folders_));
    CLOISTER_RETURN_IF_ERROR(create_directories(folder, 0700));
    CLOISTER_RETURN_IF_ERROR(copy(target_.sealed, folder / "sound.sealed"));
    CLOISTER_RETURN_IF_ERROR(put(folder));
    return folder;
  }
  static Status copy(const Path& from, const Path& to) {
    CLOISTER_TRY(const Bytes bytes, read_file(from, kImageMax));
    return write_file(to, bytes, Overwrite::kRefuse, 0600);
  }
  static Status write(const Path& file, ByteView bytes) { return write_file(file, bytes, Overwrite::kRefuse, 0600); }

  void attack(const std::string& what, const std::function<Status(const Path&)>& put,
              const std::function<void(ScannedFolder&)>& change = nullptr) {
    if (tally_.over()) return;
    const auto folder = folder_with(put);
    if (!folder.ok()) return tally_.cannot(what + ": " + folder.error().message());
    ScannedFolder scanned{*folder};
    if (change) change(scanned);
    tally_.attack(what, target_.passes(scanned));
  }

  void honest() {
    const auto folder = folder_with([](const Path&) { return ok_status(); });
    tally_.honest("a folder in which everything is sealed",
                  folder.ok() ? target_.passes({*folder}) : Status(folder.error()));
  }

  void disguise() {
    attack("plaintext under a sealed object's name",
           [](const Path& folder) { return write(folder / "train.sealed", as_bytes(plaintext())); });
    attack("plaintext under a dot's name",
           [](const Path& folder) { return write(folder / ".train", as_bytes(plaintext())); });
    attack("plaintext behind a sealed object's first bytes", [&](const Path& folder) -> Status {
      CLOISTER_TRY(Bytes bytes, read_file(target_.sealed, kImageMax));
      bytes.resize(std::min<std::size_t>(bytes.size(), 16));
      const std::string text = plaintext();
      bytes.insert(bytes.end(), text.begin(), text.end());
      return write(folder / "lookalike.sealed", bytes);
    });
    attack("plaintext in the place of a sealed object's chunks", [&](const Path& folder) -> Status {
      CLOISTER_TRY(ObjectImage image, read_image(target_.sealed));
      const std::string text = plaintext();
      const auto start = static_cast<std::size_t>(image.layout.chunk_offset(0));
      const std::size_t length = std::min(text.size(), image.bytes.size() - start - seal::kPage);
      std::copy_n(text.begin(), length, image.bytes.begin() + static_cast<std::ptrdiff_t>(start));
      return write(folder / "hollow.sealed", image.bytes);
    });
    attack("an object sealed under a key that nobody knows",
           [&](const Path& folder) { return copy(target_.unknown, folder / "foreign.sealed"); });
    attack("a sealed object that was cut off", [&](const Path& folder) -> Status {
      CLOISTER_TRY(Bytes bytes, read_file(target_.sealed, kImageMax));
      bytes.resize(bytes.size() / 2);
      return write(folder / "half.sealed", bytes);
    });
  }

  void keep_away() {
    const auto deep = [](const Path& folder) -> Status {
      const Path below = folder / "a/b/c/d";
      CLOISTER_RETURN_IF_ERROR(create_directories(below, 0700));
      return write(below / "train.jsonl", as_bytes(plaintext()));
    };
    attack("plaintext deeper than the scan goes", deep, [](ScannedFolder& scanned) { scanned.depth_max = 2; });
    attack("plaintext behind more entries than the scan takes", deep,
           [](ScannedFolder& scanned) { scanned.entries_max = 1; });
    attack("a scan that is stopped before its end", deep, [](ScannedFolder& scanned) { scanned.stopped = true; });
    attack(
        "a folder that is moved away", [](const Path&) { return ok_status(); },
        [](ScannedFolder& scanned) { scanned.folder += "-moved"; });
    attack("a folder that leads into itself, with plaintext", [&](const Path& folder) -> Status {
      std::error_code failed;
      std::filesystem::create_directory_symlink(folder, folder / "again", failed);
      if (failed) return Error(Code::kInternal, failed.message());
      return deep(folder);
    });
    attack("a folder with nothing in it", [](const Path& folder) -> Status {
      std::error_code failed;
      std::filesystem::remove(folder / "sound.sealed", failed);
      return failed ? Status(Error(Code::kInternal, failed.message())) : Status();
    });
  }

  const Field& field_;
  const BlindScannerTarget& target_;
  Tally tally_;
  int folders_ = 0;
};

}  // namespace

Report run_blind_scanner(const Field& field, const BlindScannerTarget& target) { return Blinding(field, target).run(); }

}  // namespace cloister::redteam
