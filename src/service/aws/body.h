// A request's JSON as AWS's clients write it, taken by name: what holds keys is wiped when freed.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/buffer.h"
#include "service/call.h"

namespace cloister::service::aws {

inline constexpr std::size_t kBodySizeMax = std::size_t{128} << 10;
inline constexpr unsigned kBodyDepthMax = 8;

// Everything refused is kInvalid. A member that is null counts as absent.
class Body {
 public:
  // The call's fault becomes SerializationException where it isn't one JSON object: deeper or longer than it may be, a
  // name twice, no UTF-8. Members that aren't `known` are refused by name: what a caller asks for isn't passed over.
  static Result<Body> parse(Call& call, std::initializer_list<std::string_view> known);
  Body(Body&&) noexcept;
  ~Body();

  bool has(std::string_view name) const;
  Result<std::string> text(std::string_view name, std::size_t size_max) const;
  // Empty where it is absent.
  Result<std::string> text_or(std::string_view name, std::size_t size_max, std::string_view otherwise = {}) const;
  // Base64, of that many bytes.
  Result<net::Buffer> blob(std::string_view name, std::size_t size_min, std::size_t size_max) const;
  Result<std::optional<std::uint64_t>> number(std::string_view name, std::uint64_t min, std::uint64_t max) const;
  Result<bool> flag(std::string_view name) const;  // false where it is absent
  Result<std::vector<std::string>> texts(std::string_view name, std::size_t count_max, std::size_t size_max) const;
  // An object of texts; empty where it is absent.
  Result<std::map<std::string, std::string>> texts_by_name(std::string_view name, std::size_t count_max,
                                                           std::size_t size_max) const;
  // [{"TagKey": …, "TagValue": …}].
  Result<std::map<std::string, std::string>> tags(std::string_view name, std::size_t count_max) const;

 private:
  struct Root;
  explicit Body(std::unique_ptr<Root> root);
  std::unique_ptr<Root> root_;
};

}  // namespace cloister::service::aws
