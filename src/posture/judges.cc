// The one table of judges: who judges which control.
#include "posture/judge/judge.h"

namespace cloister::posture {

std::span<const JudgeOf> judges() {
  static const std::vector<JudgeOf> all = [] {
    std::vector<JudgeOf> out;
    for (const std::span<const JudgeOf> of_prefix :
         {inventory_judges(), rest_judges(), key_judges(), tenancy_judges(), model_judges(), endpoint_judges(),
          edge_judges(), use_judges(), detection_judges(), governance_judges(), audit_judges(), redteam_judges()})
      out.insert(out.end(), of_prefix.begin(), of_prefix.end());
    return out;
  }();
  return all;
}

}  // namespace cloister::posture
