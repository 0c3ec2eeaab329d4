#include "keys/database.h"

#include <algorithm>

namespace cloister::keys {

Statement& Statement::bind(std::string_view text) {
  parameters_.emplace_back(std::string(text));
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  parameters_.emplace_back(number);
  return *this;
}

Statement& Statement::bind(std::uint64_t number) { return bind(static_cast<std::int64_t>(number)); }

Statement& Statement::bind(std::optional<std::int64_t> number) {
  if (number) return bind(*number);
  parameters_.emplace_back();
  return *this;
}

Statement& Statement::bind_blob(ByteView bytes) {
  parameters_.emplace_back(to_bytes(bytes));
  return *this;
}

Result<bool> Statement::step() {
  if (rows_ == nullptr) {
    CLOISTER_TRY(rows_, connection_->run(sql_, parameters_));
  }
  column_ = 0;
  malformed_ = false;
  return rows_->next(row_);
}

Status Statement::expect_row() {
  CLOISTER_TRY(const bool row, step());
  return row ? ok_status() : Status(Error(Code::kCorrupt, "store: a row is missing that is always there"));
}

Result<int> Statement::run() {
  CLOISTER_TRY(const bool row, step());
  CLOISTER_CHECK(!row);
  return rows_->changed();
}

Status Statement::execute() {
  const auto changed = run();
  return changed.ok() ? ok_status() : Status(changed.error());
}

template <typename T>
T Statement::column() {
  const std::size_t at = column_++;
  if (at < row_.size()) {
    if (T* value = std::get_if<T>(&row_[at])) return std::move(*value);
  }
  malformed_ = true;
  return T{};
}

std::string Statement::text() { return column<std::string>(); }

std::int64_t Statement::number() { return column<std::int64_t>(); }

std::optional<std::int64_t> Statement::number_or_null() {
  if (column_ < row_.size() && std::holds_alternative<std::monostate>(row_[column_])) {
    ++column_;
    return std::nullopt;
  }
  return number();
}

Bytes Statement::blob() { return column<Bytes>(); }

Status Statement::blob_into(MutableByteView out) {
  const Bytes bytes = blob();
  if (bytes.size() != out.size()) {
    return Error(Code::kCorrupt, "store: a value has " + std::to_string(bytes.size()) + " bytes instead of " +
                                     std::to_string(out.size()));
  }
  std::ranges::copy(bytes, out.begin());
  return {};
}

Status Statement::row_status() const {
  if (!malformed_) return {};
  return Error(Code::kCorrupt, "store: a row has a value of another type than it should");
}

}  // namespace cloister::keys
