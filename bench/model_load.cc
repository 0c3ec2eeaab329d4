// What sealing costs a large model on its way into memory that nobody else reads: a plain file read into the same
// memory, its digest compared with the manifest's, and a sealed one opened there. BENCH_BYTES.
#include "bench.h"
#include "crypto/library.h"
#include "worker/model.h"

namespace {

using namespace cloister;

constexpr std::size_t kPiece = 1 << 20;

// By one thread, as a loader of plain files would: a piece is hashed while it is still in the cache.
void load_plain(const Path& path, const crypto::Sha256Digest& expected) {
  const auto file = bench::must(File::open(path));
  auto memory = bench::must(worker::SecretMemory::allocate(bench::must(file.size())));
  crypto::Sha256 hash;
  const MutableByteView all = memory.expose_mutable();
  for (std::size_t at = 0; at < all.size(); at += kPiece) {
    const MutableByteView piece = all.subspan(at, std::min(kPiece, all.size() - at));
    bench::must(file.read_at(at, piece));
    hash.update(piece);
  }
  if (hash.finish() != expected) bench::fail("another digest");
}

}  // namespace

int main() {
  bench::must(crypto::start_process());
  const bench::Workspace folder;
  const std::uint64_t size = std::min(bench::bytes_wanted(), std::uint64_t{1} << 30);
  bench::make_random_file(folder / "model", size);
  const crypto::Sha256Digest digest = crypto::sha256(bench::must(read_file(folder / "model", size)));
  bench::Keys keys;
  keys.seal(folder / "model", folder / "model.sealed", keys.options(16, 0));
  std::vector<bench::Contestant> contestants;
  contestants.push_back({"plain, digest compared", [&] { load_plain(folder / "model", digest); }});
  contestants.push_back(
      {"sealed", [&] {
         bench::must(worker::open_model(bench::must(File::open(folder / "model.sealed")), keys.wrappers, digest));
       }});
  bench::race("A model loaded into secret memory", size, contestants);
  return 0;
}
