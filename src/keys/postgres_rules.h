// What is asked of a PostgreSQL server and of the way to it, and what its error codes mean. Pure.
// docs/formats/key-hierarchy.md, "The store in PostgreSQL".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cloister::keys {

// libpq's keywords and values.
using ConnectionOptions = std::map<std::string, std::string, std::less<>>;

// The options to connect with: `given` by the administrator, over `standard`, which the environment and libpq say.
// kDenied: TLS less than verify-full to another machine, or a password in the environment. kInvalid: a service file.
Result<ConnectionOptions> checked_options(const ConnectionOptions& given, const ConnectionOptions& standard);
// A Unix socket, localhost or a loopback address.
bool is_local_host(std::string_view host_or_address);

// 1 to 63 of a-z 0-9 _, starting with a letter: needs no quotes anywhere.
Status check_schema_name(std::string_view name);

struct ServerFacts {
  int version = 0;  // 150004
  std::string synchronous_commit, fsync, full_page_writes, encoding;
};
// kUnsupported: older than 15. kDenied: it acknowledges what isn't on its disk. kInvalid: its text isn't UTF-8.
Status check_server(const ServerFacts& facts);

struct StandbyFacts {
  std::string names;          // synchronous_standby_names
  std::int64_t attached = 0;  // synchronous standbys that are streaming
  std::int64_t hidden = 0;    // standbys of which this role may see nothing
};
// kUnavailable: no synchronous standby is set or attached. kDenied: this role isn't allowed to see.
Status check_standby(const StandbyFacts& facts);

// What an SQLSTATE means for the caller, and for the transaction.
Code code_of_sqlstate(std::string_view sqlstate);
enum class Trouble { kNone, kConflict, kLost };  // kConflict: run it again; kLost: connect again
Trouble trouble_of_sqlstate(std::string_view sqlstate);

}  // namespace cloister::keys
