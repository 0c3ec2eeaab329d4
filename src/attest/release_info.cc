#include "attest/release_info.h"

#include "base/cbor.h"

namespace cloister::attest {

Bytes release_info(const ReleaseInfo& info) {
  CborWriter writer;
  writer.array(5).text("cloister attested release 1").text(info.release).text(info.tenant);
  return writer.text(info.dataset).text(info.purpose).take();
}

}  // namespace cloister::attest
