// A value or the Error that stands in its way. Dropping one doesn't compile.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"

namespace cloister {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : value_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return value_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *std::get_if<0>(&value_); }
  const T& value() const& { return *std::get_if<0>(&value_); }
  T&& value() && { return std::move(*std::get_if<0>(&value_)); }
  const Error& error() const { return *std::get_if<1>(&value_); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Result with_context(std::string_view doing) && {
    if (ok()) return std::move(*this);
    return std::move(*std::get_if<1>(&value_)).with_context(doing);
  }

 private:
  std::variant<T, Error> value_;
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

  Status with_context(std::string_view doing) && {
    if (ok()) return {};
    return std::move(*error_).with_context(doing);
  }

 private:
  std::optional<Error> error_;
};

inline Status ok_status() { return {}; }

// For results whose failure changes nothing: closing a file that was only read, removing a temporary.
template <typename T>
void ignore_result(T&&) {}

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "cloister: internal check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace cloister

#define CLOISTER_CONCAT_INNER(a, b) a##b
#define CLOISTER_CONCAT(a, b) CLOISTER_CONCAT_INNER(a, b)

// CLOISTER_TRY(auto x, f()): x is f()'s value, or this function returns f()'s error.
#define CLOISTER_TRY(declaration, expression) \
  CLOISTER_TRY_INNER(CLOISTER_CONCAT(cloister_result_, __COUNTER__), declaration, expression)
#define CLOISTER_TRY_INNER(result, declaration, expression) \
  auto result = (expression);                               \
  if (!result.ok()) return result.error();                  \
  declaration = std::move(result).value()

#define CLOISTER_RETURN_IF_ERROR(expression)                                                        \
  do {                                                                                              \
    if (auto cloister_status = (expression); !cloister_status.ok()) return cloister_status.error(); \
  } while (false)

// A mistake of ours: stop the process rather than go on with broken assumptions.
#define CLOISTER_CHECK(condition)                                               \
  do {                                                                          \
    if (!(condition)) ::cloister::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
