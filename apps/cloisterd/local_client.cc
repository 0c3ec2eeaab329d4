#include "cloisterd/local_client.h"

#include <sys/stat.h>

#include "service/json_scanner.h"

namespace cloister::daemon {
namespace {

constexpr Duration kPatience = seconds(30);

// The daemon is whoever owns the socket; its folder must be closed to everybody else.
Result<uid_t> owner_of(const Path& socket) {
  struct stat info{}, folder{};
  if (::lstat(socket.c_str(), &info) != 0) return error_from_errno(errno, "look at " + socket.string());
  if (::stat(socket.parent_path().c_str(), &folder) != 0) {
    return error_from_errno(errno, "look at " + socket.parent_path().string());
  }
  const bool owned = folder.st_uid == 0 || folder.st_uid == info.st_uid;
  const bool open_to_others = (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (folder.st_mode & S_ISVTX) == 0;
  if (!S_ISSOCK(info.st_mode) || !owned || open_to_others) {
    return Error(Code::kDenied, socket.string() + " may be anybody's: its folder must be the daemon's own");
  }
  return info.st_uid;
}

Error refusal(const net::Response& response) {
  const auto json = parse_json(as_text(response.body));
  const JsonValue* detail = json.ok() ? json->find("detail") : nullptr;
  const std::string words = detail != nullptr && detail->string() != nullptr ? *detail->string() : "no reason given";
  const Code code = response.status == 401 || response.status == 403 ? Code::kDenied
                    : response.status >= 500                         ? Code::kUnavailable
                                                                     : Code::kInvalid;
  return Error(code, "the daemon answers " + std::to_string(response.status) + ": " + words);
}

}  // namespace

Result<net::Response> ask_daemon(const Config& config, const std::string& method, const std::string& target,
                                 const JsonValue* body, unsigned expected_status) {
  if (config.unix_socket.empty()) return Error(Code::kInvalid, "the configuration has no [listen] unix");
  CLOISTER_TRY(const uid_t user, owner_of(config.unix_socket));
  CLOISTER_TRY(const auto client, net::HttpClient::create(net::UnixTarget{config.unix_socket, user}, {}));
  net::Request request;
  request.method = method;
  request.target = target;
  request.headers.add("cloister-purpose", "operate");
  if (body != nullptr) {
    request.headers.add("content-type", "application/json");
    request.body = net::to_buffer(body->serialize());
  }
  CLOISTER_TRY(net::Exchange exchange, client->send(request, kPatience));
  if (exchange.response.status != expected_status) return refusal(exchange.response);
  return std::move(exchange.response);
}

Result<crypto::Secret> secret_member(net::Response& response, std::string_view wanted) {
  service::JsonScanner scanner(response.body);
  std::string_view name, value;
  for (bool more = scanner.enter_object(); more && scanner.next_member(name) && scanner.string(value);) {
    if (name == wanted) return crypto::Secret::copy_of(as_bytes(value));
  }
  return Error(Code::kCorrupt, "the daemon's answer has no " + std::string(wanted));
}

}  // namespace cloister::daemon
