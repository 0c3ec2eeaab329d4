// JSON of a known shape read in one pass, in place: no tree is built, and no text is copied out of a body that may hold
// keys. Depth is bounded by the shape. For everything else there is base/json.h.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cloister::service {

// Reads RFC 8259 with text of ASCII only and whole numbers from 0 up: what isn't that is refused, wherever it stands.
// Once something is wrong everything returns false, and status() says what it was. The bytes must outlive every view.
class JsonScanner {
 public:
  // Escapes are replaced in `text` itself.
  explicit JsonScanner(MutableByteView text) : at_(text.data()), end_(at_ + text.size()), begin_(at_) {}

  bool enter_object() { return enter('{'); }
  // The next name, its value to be read next; false at the object's end too.
  bool next_member(std::string_view& name);
  bool enter_array() { return enter('['); }
  // Whether a value is to be read next; false at the array's end too.
  bool next_element() { return next(']'); }

  // What the next value is, by its first character.
  enum class Kind { kText, kNumber, kBoolean, kNull, kObject, kList, kNone };
  Kind peek();

  bool string(std::string_view& value);
  bool number(std::uint64_t& value);
  bool boolean(bool& value);
  bool null();
  // Nothing but white space is left.
  bool end();

  bool ok() const { return fault_ == nullptr; }
  // kInvalid, with the byte where it went wrong.
  Status status() const;

 private:
  bool enter(char bracket);
  bool next(char bracket);
  bool expect(char character, const char* fault);
  bool word(std::string_view word);
  bool fail(const char* fault);
  void skip_space();
  bool unescape(const std::uint8_t* from, std::string_view& value);

  std::uint8_t* at_;
  const std::uint8_t* end_;
  const std::uint8_t* begin_;
  bool first_ = false;  // right behind an opening bracket
  const char* fault_ = nullptr;
};

}  // namespace cloister::service
