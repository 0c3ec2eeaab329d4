#include "kms/secret_text.h"

namespace cloister::kms {

Result<crypto::Secret> read_secret_text(const Path& path, Guard guard) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, guard));
  crypto::Secret content(kSecretTextMax + 1);
  const MutableByteView buffer = content.expose_mutable();
  std::size_t size = 0;
  while (size < buffer.size()) {
    CLOISTER_TRY(const std::size_t more, file.read_some(buffer.subspan(size)));
    if (more == 0) break;
    size += more;
  }
  if (size > kSecretTextMax) {
    return Error(Code::kInvalid,
                 "read " + path.string() + ": it has more than " + std::to_string(kSecretTextMax) + " bytes");
  }
  while (size > 0 && (buffer[size - 1] == '\n' || buffer[size - 1] == '\r' || buffer[size - 1] == ' ')) --size;
  if (size == 0) return Error(Code::kInvalid, "read " + path.string() + ": it is empty");
  return crypto::Secret::copy_of(buffer.first(size));
}

}  // namespace cloister::kms
