// A log of any bytes, its checksums made right: whatever a reader hands out is what was appended, from the start on,
// and a writer never cuts off what a reader still read.
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "seal/append_log.h"
#include "seal/log_frame.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"

namespace {

using namespace cloister;

struct Made {
  testing::DeterministicRandom random{1};
  testing::LocalKey key{9, random};
  std::array<crypto::KeyWrapper*, 1> wrappers{&key};
  seal::LogOptions options;
  Bytes bytes;

  static constexpr std::string_view kText = "one two three four ";

  Made() {
    options.chunk_log2 = 14;
    options.context.tenant = "acme";
    std::string name = (std::filesystem::temp_directory_path() / "cloister-fuzz-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    CLOISTER_CHECK(descriptor >= 0 && ::close(descriptor) == 0);
    for (const std::vector<std::string_view>& run :
         {std::vector<std::string_view>{"one ", "two "}, {"three ", "four "}}) {
      auto log = seal::LogWriter::open(name, options, wrappers, random);
      CLOISTER_CHECK(log.ok());
      for (const std::string_view line : run) CLOISTER_CHECK(log->append(as_bytes(line)).ok());
      CLOISTER_CHECK(log->end(seal::LogWriter::End::kRun).ok());
    }
    auto read = read_file(name, 1 << 20);
    CLOISTER_CHECK(read.ok() && ::unlink(name.c_str()) == 0);
    bytes = std::move(read).value();
  }
};

Made& made() {
  static Made made;
  return made;
}

void fix_preamble(MutableByteView page) {
  store_le(page.data() + 196, std::uint32_t{0});
  store_le(page.data() + 196, crc32c(page));
}

void fix_checksums(Bytes& log) {
  for (std::size_t offset = 0; offset + seal::kPage <= log.size(); offset += seal::kPage) {
    const MutableByteView rest = MutableByteView(log).subspan(offset);
    const std::string_view start = as_text(rest.first(8));
    if (start == "CLSRSLT1") store_le(rest.data() + 4092, crc32c(rest.first(4092)));
    if (start.substr(1, 4) == "CLSR") fix_preamble(rest.first(seal::kPage));
    if (start != seal::kFrameMagic) continue;
    const std::size_t body = std::size_t{load_le<std::uint32_t>(rest.data() + 12)} + 16;
    if (body > rest.size() - 32) continue;
    Bytes covered = to_bytes(rest.first(16));
    covered.insert(covered.end(), rest.begin() + 32, rest.begin() + 32 + static_cast<std::ptrdiff_t>(body));
    store_le(rest.data() + 16, crc32c(covered));
  }
}

std::optional<std::string> read_text(const File& file) {
  std::string text;
  const auto sink = [&](ByteView piece) {
    text += as_text(piece);
    return ok_status();
  };
  if (!seal::read_log(file, made().wrappers, sink).ok()) return std::nullopt;
  return text;
}

void check(ByteView log) {
  const int descriptor = ::memfd_create("log", MFD_CLOEXEC);
  CLOISTER_CHECK(descriptor >= 0);
  const File file = File::from_descriptor(descriptor, "log", File::Owned::kYes);
  CLOISTER_CHECK(file.write_at(0, log).ok());
  const auto outline = seal::read_log_outline(file);
  const auto text = read_text(file);
  CLOISTER_CHECK(!text || (outline.ok() && Made::kText.starts_with(*text)));
  const Path path = "/proc/self/fd/" + std::to_string(descriptor);
  auto writer = seal::LogWriter::open(path, made().options, made().wrappers, made().random);
  if (!writer.ok() || !text) return;
  CLOISTER_CHECK(writer->append(as_bytes("after")).ok());
  CLOISTER_CHECK(read_text(file) == *text + "after");
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) { seeds->push_back(made().bytes); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes log(data, data + size);
  check(log);
  fix_checksums(log);
  check(log);
  return 0;
}
