#include "posture/fix/recheck.h"

#include <algorithm>

#include "crypto/hash.h"

namespace cloister::posture::fix {
namespace {

constexpr std::uint64_t kHashedHead = 4096;  // docs/formats/facts.md, `sha256_head`

}  // namespace

cloister::Status check_as_scanned(const Step& step, const File& source) {
  CLOISTER_TRY(const std::uint64_t size, source.size());
  if (size != step.bytes) {
    return Error(Code::kCorrupt, "it has " + std::to_string(size) + " bytes, and had " + std::to_string(step.bytes) +
                                     " when it was scanned: scan it again");
  }
  if (step.sha256_head.empty()) return {};
  Bytes head(static_cast<std::size_t>(std::min(size, kHashedHead)));
  CLOISTER_RETURN_IF_ERROR(source.read_at(0, head));
  if (to_hex(crypto::sha256(head)) == step.sha256_head) return {};
  return Error(Code::kCorrupt, "it isn't the file that was scanned: scan it again");
}

}  // namespace cloister::posture::fix
