#include "kms/provider.h"

#include "base/reader.h"

namespace cloister::kms {

Bytes canonical(const ContextMap& context) {
  Writer writer;
  for (const auto& [name, value] : context) {
    for (const std::string& text : {name, value}) {
      writer.u32(static_cast<std::uint32_t>(text.size()));
      writer.bytes(as_bytes(text));
    }
  }
  return writer.take();
}

}  // namespace cloister::kms
