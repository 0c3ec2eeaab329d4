// The kernel's word on a folder's fscrypt policy: linux/fscrypt.h, FS_IOC_GET_ENCRYPTION_POLICY_EX.
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "posture/collect/local/block_walk.h"

namespace cloister::posture {

std::optional<FscryptPolicy> ask_kernel_for_fscrypt(const Path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return std::nullopt;
  fscrypt_get_policy_ex_arg argument = {};
  argument.policy_size = sizeof argument.policy;
  const int result = ::ioctl(descriptor, FS_IOC_GET_ENCRYPTION_POLICY_EX, &argument);
  ::close(descriptor);
  if (result != 0) return std::nullopt;
  FscryptPolicy policy;
  if (argument.policy.version == FSCRYPT_POLICY_V1) {
    policy.version = 1;
    policy.contents_mode = argument.policy.v1.contents_encryption_mode;
    policy.key_identifier = to_hex(ByteView(argument.policy.v1.master_key_descriptor));
    return policy;
  }
  if (argument.policy.version != FSCRYPT_POLICY_V2) return std::nullopt;
  policy.contents_mode = argument.policy.v2.contents_encryption_mode;
  policy.key_identifier = to_hex(ByteView(argument.policy.v2.master_key_identifier));
  return policy;
}

}  // namespace cloister::posture
