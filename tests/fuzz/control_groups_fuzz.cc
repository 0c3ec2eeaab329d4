// What the kernel says of a process, as any bytes: its control groups and its users, parsed or refused.
#include <string_view>
#include <vector>

#include "mesh/registration/control_groups.h"
#include "mesh/registration/process.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto groups = mesh::parse_control_groups(text); groups.ok()) {
    const mesh::ControlGroupFacts facts = mesh::facts_of(*groups);
    if (facts.pod) CLOISTER_CHECK(facts.pod->container_id.size() == 64);
    if (facts.docker_container) CLOISTER_CHECK(facts.docker_container->size() == 64);
    if (facts.slurm) CLOISTER_CHECK(!facts.slurm->job_id.empty());
    if (facts.systemd_unit) CLOISTER_CHECK(facts.systemd_unit->find('/') == std::string::npos);
  }
  const auto users = mesh::parse_process_users(text);
  CLOISTER_CHECK(!users.ok() || users->groups.size() <= mesh::kGroupsMax);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const std::string id(64, 'a'), uid = "2c48913c-b29f-11e7-9350-020968147796";
  for (const std::string& text :
       {std::string("0::/system.slice/nginx.service\n"), "9:memory:/slurm/uid_1/job_2/step_0\n0::/\n",
        "0::/kubepods/burstable/pod" + uid + "/" + id + "\n", "4:cpu,cpuacct:/docker/" + id + "\n",
        std::string("Name:\tx\nUid:\t1\t1\t1\t1\nGid:\t1\t1\t1\t1\nGroups:\t4 24 \n")}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
