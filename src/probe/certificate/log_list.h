// The list of Certificate Transparency logs that browsers know: their keys, who runs them, in which state they are. In
// the JSON form that Chrome's list has (version 3).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/asymmetric_key.h"

namespace cloister::probe {

enum class LogState { kUsable, kQualified, kReadOnly, kRetired, kPending, kRejected, kUnknown };
std::string_view name_of(LogState state);

struct CtLog {
  std::string name, operator_name;
  std::array<std::uint8_t, 32> id{};
  crypto::PublicKey key;
  bool tiled = false;  // static-ct-api
  LogState state = LogState::kUnknown;
  std::optional<Time> state_since;
  std::string url;  // where it is read from
};

class LogList {
 public:
  // kInvalid for what isn't such a list, and for a log whose id isn't its key's hash. A log with a key of a kind that
  // isn't used here is left out.
  static Result<LogList> parse(std::string_view json);

  Time made_at() const { return made_at_; }
  const std::vector<CtLog>& logs() const { return logs_; }
  const CtLog* find(const std::array<std::uint8_t, 32>& id) const;

 private:
  Time made_at_;
  std::vector<CtLog> logs_;
};

}  // namespace cloister::probe
