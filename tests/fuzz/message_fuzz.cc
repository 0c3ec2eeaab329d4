// Messages from outside: what is read holds together, whatever was sent.
#include "service/message.h"

#include <vector>

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  Bytes message(service::kMessageOverhead + 32, 7);
  const std::string_view magic = "CLMS\x01";
  std::copy(magic.begin(), magic.end(), message.begin());
  seeds->push_back(message);
  message.resize(service::kMessageOverhead);
  seeds->push_back(message);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = service::parse_message({data, size});
  if (!message.ok()) return 0;
  CLOISTER_CHECK(message->keyring_id.size() == 32 && message->wrapped.size() == 72);
  CLOISTER_CHECK(message->head.size() + message->sealed.size() == size && message->sealed.size() >= 16);
  return 0;
}
