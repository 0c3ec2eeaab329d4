// Writes the detectors' state field by field and reads it back: one list of fields for both ways.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <type_traits>

#include "base/reader.h"

namespace cloister::audit::anomaly {

// A part of the state has `template <typename Archive> void transfer(Archive&)`, which passes every field to the
// archive in order, and `bool valid() const`.
template <typename T, typename Archive>
concept Transferable = requires(T& part, Archive& archive) { part.transfer(archive); };

// What a number of the state is at most, in size. A sum that grew beyond is written as this, so that every state that
// was written can be read.
inline constexpr double kSizeMax = 1e18;

class StateWriter {
 public:
  template <typename... Fields>
  void operator()(const Fields&... fields) {
    (one(fields), ...);
  }
  const Bytes& view() const { return writer_.view(); }
  Writer& raw() { return writer_; }

 private:
  template <typename Field>
  void one(const Field& field) {
    if constexpr (Transferable<Field, StateWriter>) {
      Field copy = field;  // transfer reads into its fields the other way round
      copy.transfer(*this);
    } else if constexpr (std::is_same_v<Field, bool>) {
      writer_.u8(field ? 1 : 0);
    } else if constexpr (std::is_enum_v<Field>) {
      one(static_cast<std::underlying_type_t<Field>>(field));
    } else if constexpr (std::is_same_v<Field, double>) {
      writer_.u64(std::bit_cast<std::uint64_t>(std::isnan(field) ? 0 : std::clamp(field, -kSizeMax, kSizeMax)));
    } else if constexpr (std::is_integral_v<Field>) {
      integer(field);
    } else {
      for (const auto& item : field) one(item);
    }
  }
  template <std::integral Field>
  void integer(Field field) {
    if constexpr (sizeof field == 8) writer_.u64(static_cast<std::uint64_t>(field));
    if constexpr (sizeof field == 4) writer_.u32(static_cast<std::uint32_t>(field));
    if constexpr (sizeof field == 2) writer_.u16(static_cast<std::uint16_t>(field));
    if constexpr (sizeof field == 1) writer_.u8(static_cast<std::uint8_t>(field));
  }

  Writer writer_;
};

// Every number that comes out is one the detectors can compute with: floats are finite and moderate, times are within
// [-1, 2^52] ms. The first failure stays; what is read after it is zero.
class StateReader {
 public:
  explicit StateReader(ByteView bytes) : reader_(bytes) {}

  template <typename... Fields>
  void operator()(Fields&... fields) {
    (one(fields), ...);
  }
  const Status& status() const { return status_; }
  void refuse(std::string_view what) {
    if (status_.ok()) status_ = Error(Code::kCorrupt, std::string(what));
  }
  Status expect_end(std::string_view what) const { return reader_.expect_end(what); }

 private:
  static constexpr std::int64_t kTimeMax = std::int64_t{1} << 52;

  template <typename Field>
  void one(Field& field) {
    if constexpr (Transferable<Field, StateReader>) {
      field.transfer(*this);
      if (!field.valid()) refuse("a part of the detectors' state is out of its range");
    } else if constexpr (std::is_same_v<Field, bool>) {
      const auto byte = take<std::uint8_t>();
      if (byte > 1) refuse("a flag in the detectors' state is neither 0 nor 1");
      field = byte == 1;
    } else if constexpr (std::is_enum_v<Field>) {
      field = static_cast<Field>(take<std::underlying_type_t<Field>>());
    } else if constexpr (std::is_same_v<Field, double>) {
      field = moderate(std::bit_cast<double>(take<std::uint64_t>()));
    } else if constexpr (std::is_same_v<Field, std::int64_t>) {
      field = static_cast<std::int64_t>(take<std::uint64_t>());
      if (field < -1 || field > kTimeMax) refuse("a time in the detectors' state is out of its range");
    } else if constexpr (std::is_integral_v<Field>) {
      field = take<Field>();
    } else {
      for (auto& item : field) one(item);
    }
  }

  template <typename Integer>
  Integer take() {
    if (!status_.ok()) return 0;
    if constexpr (sizeof(Integer) == 8) return keep<Integer>(reader_.u64("detectors' state"));
    if constexpr (sizeof(Integer) == 4) return keep<Integer>(reader_.u32("detectors' state"));
    if constexpr (sizeof(Integer) == 2) return keep<Integer>(reader_.u16("detectors' state"));
    if constexpr (sizeof(Integer) == 1) return keep<Integer>(reader_.u8("detectors' state"));
  }
  template <typename Integer, typename Read>
  Integer keep(const Result<Read>& read) {
    if (read.ok()) return static_cast<Integer>(read.value());
    status_ = read.error();
    return 0;
  }
  double moderate(double value) {
    if (std::isfinite(value) && std::fabs(value) <= kSizeMax) return value;
    refuse("a number in the detectors' state is out of its range");
    return 0;
  }

  Reader reader_;
  Status status_;
};

}  // namespace cloister::audit::anomaly
