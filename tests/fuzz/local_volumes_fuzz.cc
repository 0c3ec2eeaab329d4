// Volume headers and tables of mounts and swap areas, of any bytes.
#include <string_view>
#include <vector>

#include "posture/collect/local/core_dumps.h"
#include "posture/collect/local/luks_header.h"
#include "posture/collect/local/mounts.h"
#include "posture/collect/local/volume_words.h"
#include "support/luks_bytes.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const std::string_view text = as_text(bytes);
  if (const auto header = posture::parse_luks(bytes); header.ok()) {
    posture::StorageView view;
    posture::apply_luks(*header, {}, view);
    CLOISTER_CHECK(view.encrypted == "yes" || view.encrypted == "no" || view.encrypted == "unknown");
    CLOISTER_CHECK(!posture::luks_words(*header).empty());
  }
  if (const auto mounts = posture::parse_mountinfo(text); mounts.ok()) {
    for (const posture::Mount& mount : *mounts) {
      CLOISTER_CHECK(posture::mount_of(*mounts, mount.point) != nullptr);
      ignore_result(posture::stacked_view(mount));
      ignore_result(mount.option("lowerdir"));
    }
  }
  ignore_result(posture::parse_swaps(text));
  ignore_result(posture::last_setting(text, "Storage"));
  ignore_result(posture::crypt_uuid(std::string(text)));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(cloister::testing::luks2_header(cloister::testing::luks2_json()));
  seeds->push_back(cloister::testing::luks1_header());
  for (const std::string_view text : {
           "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n31 27 0:50 / /a\\040b rw - overlay overlay "
           "rw,lowerdir=/a:/b,upperdir=/c\n32 27 0:9 / /e rw - ecryptfs /x rw,ecryptfs_key_bytes=16\n",
           "Filename Type Size Used Priority\n/dev/dm-1 partition 1 0 -2\n",
           "[Coredump]\nStorage=none\n",
           "CRYPT-LUKS2-0b1c2d3e4f5041628374859606172839-data",
       }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
