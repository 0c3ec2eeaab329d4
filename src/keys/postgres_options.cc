#include "keys/postgres_options.h"

#include <algorithm>

namespace cloister::keys {
namespace {

std::string without_comments(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t start = line.find_first_not_of(" \t");
    if (start != std::string_view::npos && line[start] != '#') kept.append(line).push_back(' ');
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return kept;
}

void wipe_text(std::string& text) { crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }

// Takes the array over and wipes what libpq doesn't.
ConnectionOptions take_options(const PostgresLibrary& pq, PQconninfoOption* array) {
  ConnectionOptions options;
  for (PQconninfoOption* option = array; option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    options.emplace(option->keyword, option->val);
    crypto::wipe({reinterpret_cast<std::uint8_t*>(option->val), std::strlen(option->val)});
  }
  pq.free_options(array);
  return options;
}

Result<ConnectionOptions> parse_file(const PostgresLibrary& pq, const crypto::Secret& connection) {
  std::string text = without_comments(as_text(connection.expose()));
  char* message = nullptr;
  PQconninfoOption* parsed = pq.parse_options(text.c_str(), &message);
  wipe_text(text);
  if (parsed == nullptr) {
    // libpq's own words may quote the password.
    if (message != nullptr) pq.free_memory(message);
    return Error(Code::kInvalid, "the connection file isn't made of libpq's keywords and values (host=… dbname=…)");
  }
  return take_options(pq, parsed);
}

}  // namespace

Result<ConnectionOptions> connection_options(const PostgresLibrary& pq, const crypto::Secret& connection) {
  CLOISTER_TRY(const ConnectionOptions given, parse_file(pq, connection));
  PQconninfoOption* defaults = pq.default_options();
  if (defaults == nullptr) return Error(Code::kInvalid, "what the environment says to libpq (PG…) can't be used");
  return checked_options(given, take_options(pq, defaults));
}

void wipe_password(ConnectionOptions& options) {
  if (const auto password = options.find("password"); password != options.end()) wipe_text(password->second);
}

}  // namespace cloister::keys
