// Files of any bytes are looked at within bounds: headers, pickles, archives, ONNX.
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "base/reader.h"
#include "model/check.h"
#include "model/gguf.h"
#include "model/onnx.h"
#include "model/pickle.h"
#include "model/zip_members.h"

using namespace cloister;

namespace {

constexpr std::string_view kHeader = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

void check_tensors(const std::vector<model::Tensor>& tensors, std::size_t size) {
  for (const model::Tensor& tensor : tensors) CLOISTER_CHECK(tensor.begin <= tensor.end && tensor.end <= size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto map = model::parse_gguf(input, size); map.ok()) check_tensors(map->tensors, size);
  ignore_result(model::scan_pickle(input));
  ignore_result(model::scan_onnx(input));
  const int descriptor = ::memfd_create("fuzz", MFD_CLOEXEC);
  if (descriptor < 0) return 0;
  const File file = File::from_descriptor(descriptor, "fuzz", File::Owned::kYes);
  if (!file.write_all(input).ok()) return 0;
  if (const auto tensors = model::read_safetensors(file); tensors.ok()) check_tensors(*tensors, size);
  if (const auto members = model::read_zip_members(file); members.ok()) {
    for (const model::ZipMember& member : *members) ignore_result(model::read_stored(file, member, size));
  }
  for (const char* name : {"a", "a.json", "a.onnx", "a.pkl"}) CLOISTER_CHECK(model::check_file(file, name).ok());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(Writer().u64(kHeader.size()).bytes(as_bytes(kHeader)).zeros(8).take());
  seeds->push_back(to_bytes(as_bytes("cos\nsystem\n(S'true'\ntR.")));
  Writer gguf;
  gguf.bytes(as_bytes("GGUF")).u32(3).u64(1).u64(1);
  gguf.u64(1).bytes(as_bytes("k")).u32(9).u32(8).u64(1).u64(1).u8('x');
  gguf.u64(1).bytes(as_bytes("a")).u32(1).u64(8).u32(0).u64(0).zeros(64);
  seeds->push_back(gguf.take());
  seeds->push_back({0x3a, 0x07, 0x2a, 0x05, 0x6a, 0x03, 0x0a, 0x01, 'k'});
  Writer zip;
  zip.u32(0x04034b50).u16(20).u16(0).u16(0).u32(0).u32(0).u32(1).u32(1).u16(1).u16(0).u8('a').u8('x');
  zip.u32(0x02014b50).u16(20).u16(20).u16(0).u16(0).u32(0).u32(0).u32(1).u32(1).u16(1);
  zip.u16(0)
      .u16(0)
      .u16(0)
      .u16(0)
      .u32(0)
      .u32(0)
      .u8('a')
      .u32(0x06054b50)
      .u16(0)
      .u16(0)
      .u16(1)
      .u16(1)
      .u32(47)
      .u32(32)
      .u16(0);
  seeds->push_back(zip.take());
}
