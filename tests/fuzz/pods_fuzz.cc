// Lists of pods and of containers, of any bytes: parsed or refused.
#include <string_view>
#include <vector>

#include "mesh/registration/containers.h"
#include "mesh/registration/pods.h"

using namespace cloister;

namespace {

const std::string& container() {
  static const std::string id(64, 'a');
  return id;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto pods = mesh::Pods::parse(text); pods.ok()) {
    for (const mesh::Selector& selector : pods->selectors_of({"u", container()})) {
      CLOISTER_CHECK(mesh::parse_selector(selector.to_string()).ok());
    }
  }
  if (const auto containers = mesh::Containers::parse(text); containers.ok()) {
    for (const mesh::Selector& selector : containers->selectors_of(container())) {
      CLOISTER_CHECK(mesh::parse_selector(selector.to_string()).ok());
    }
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string& text :
       {R"({"items":[{"metadata":{"uid":"u","name":"n","namespace":"s","labels":{"a":"b"}},"spec":{"containers":[)"
        R"({"image":"i"}]},"status":{"containerStatuses":[{"name":"c","containerID":"x://)" +
            container() + R"("}]}}]})",
        R"([{"Id":")" + container() + R"(","Image":"i","Config":{"Image":"j","Env":["A=b"],"Labels":{"c":"d"}}}])"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
