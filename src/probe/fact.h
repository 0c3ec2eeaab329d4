// What a probe saw at an endpoint. Whether that is good is a profile's to say, later and elsewhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cloister::probe {

enum class Seen {
  kYes,
  kNo,
  kUnknown,        // could not be found out: never read as good
  kNotApplicable,  // the question doesn't arise: no RSA key exchange, so no ROBOT
};
std::string_view name_of(Seen seen);  // "yes", "no", "unknown", "not-applicable"

struct Fact {
  std::string check;    // "P3": stable; docs/scan.md lists all
  std::string subject;  // what of: "TLS_RSA_WITH_RC4_128_SHA", "X25519MLKEM768"; empty where there is only one
  Seen seen = Seen::kUnknown;
  std::string detail;  // for people, one line, printable whatever the peer sent
};

// In the order in which they were found. One thread at a time.
class Facts {
 public:
  void add(std::string check, std::string subject, Seen seen, std::string detail = {});
  // The first of that check and subject; null when it wasn't looked at, which is unknown.
  const Fact* find(std::string_view check, std::string_view subject = {}) const;
  // kUnknown when it wasn't looked at.
  Seen seen(std::string_view check, std::string_view subject = {}) const;
  const std::vector<Fact>& all() const { return all_; }
  void append(Facts other);

 private:
  std::vector<Fact> all_;
};

}  // namespace cloister::probe
