#include "net/http_message.h"

#include <array>
#include <utility>

namespace cloister::net {
namespace {

constexpr std::array<std::pair<unsigned, std::string_view>, 31> kReasons{{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
}};

}  // namespace

const std::string* Headers::find(std::string_view name) const {
  for (const Header& header : all_) {
    if (header.name == name) return &header.value;
  }
  return nullptr;
}

std::string_view Request::path() const { return std::string_view(target).substr(0, target.find('?')); }

std::string_view Request::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

unsigned http_status(Code code) {
  switch (code) {
    case Code::kInvalid: return 400;
    case Code::kCorrupt: return 422;
    case Code::kDenied: return 403;
    case Code::kNotFound: return 404;
    case Code::kExists: return 409;
    case Code::kExpired: return 410;
    case Code::kUnsupported: return 501;
    case Code::kUnavailable: return 503;
    case Code::kInternal: return 500;
  }
  return 500;
}

std::string_view reason_phrase(unsigned status) {
  for (const auto& [number, reason] : kReasons) {
    if (number == status) return reason;
  }
  return "Unknown";
}

Response json_response(unsigned status, std::string_view json) {
  Response response;
  response.status = status;
  response.headers.add("content-type", "application/json");
  response.body = to_buffer(json);
  return response;
}

Response problem(unsigned status, std::string_view detail) {
  std::string json = "{\"type\":\"about:blank\",\"title\":\"";
  json.append(reason_phrase(status)).append("\",\"status\":").append(std::to_string(status));
  if (!detail.empty()) {
    json.append(",\"detail\":\"");
    for (const char character : detail) {
      if (character == '"' || character == '\\') json.push_back('\\');
      if (static_cast<unsigned char>(character) >= 0x20) json.push_back(character);
    }
    json.push_back('"');
  }
  json.push_back('}');
  Response response;
  response.status = status;
  response.headers.add("content-type", "application/problem+json");
  response.body = to_buffer(json);
  return response;
}

}  // namespace cloister::net
