// What is known of containers that Docker or Podman runs, from what `docker inspect` says, in a file that somebody
// keeps fresh.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/selector.h"

namespace cloister::mesh {

inline constexpr std::size_t kContainersTextMax = std::size_t{16} << 20;
inline constexpr std::size_t kContainerListMax = 4096;

class Containers {
 public:
  Containers() = default;
  // An array of objects with Id, Image and Config. kInvalid for anything else, a container twice, or what is over the
  // bounds.
  static Result<Containers> parse(std::string_view json);

  // Of type docker, named as SPIRE names them: label, env, image_id, image_config_digest.
  std::vector<Selector> selectors_of(const std::string& container_id) const;

 private:
  std::map<std::string, std::vector<Selector>> containers_;
};

}  // namespace cloister::mesh
