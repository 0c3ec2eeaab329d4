#include "model/pickle.h"

#include <set>

#include "base/reader.h"

namespace cloister::model {
namespace {

Error corrupt(std::string message) { return Error(Code::kCorrupt, std::move(message)); }

// How the argument of an operation is written: pickletools has the list.
enum class Argument { kNone, kOne, kTwo, kFour, kEight, kLine, kText1, kText4, kText8, kTwoLines, kUnknown };

Argument argument_of(std::uint8_t operation) {
  switch (operation) {
    case 'K':
    case 'h':
    case 'q':
    case 0x80:
    case 0x82: return Argument::kOne;
    case 'M':
    case 0x83: return Argument::kTwo;
    case 'J':
    case 'j':
    case 'r':
    case 0x84: return Argument::kFour;
    case 'G':
    case 0x95: return Argument::kEight;
    case 'F':
    case 'I':
    case 'L':
    case 'S':
    case 'V':
    case 'P':
    case 'g':
    case 'p': return Argument::kLine;
    case 'U':
    case 'C':
    case 0x8C:
    case 0x8A: return Argument::kText1;
    case 'T':
    case 'X':
    case 'B':
    case 0x8B: return Argument::kText4;
    case 0x8D:
    case 0x8E:
    case 0x96: return Argument::kText8;
    case 'c':
    case 'i': return Argument::kTwoLines;
    case '(':
    case '.':
    case '0':
    case '1':
    case '2':
    case 'N':
    case 'Q':
    case 'R':
    case 'a':
    case 'b':
    case 'd':
    case 'e':
    case 'l':
    case 'o':
    case 's':
    case 't':
    case 'u':
    case '}':
    case ']':
    case ')':
    case 0x81:
    case 0x85:
    case 0x86:
    case 0x87:
    case 0x88:
    case 0x89:
    case 0x8F:
    case 0x90:
    case 0x91:
    case 0x92:
    case 0x93:
    case 0x94:
    case 0x97:
    case 0x98: return Argument::kNone;
    default: return Argument::kUnknown;
  }
}

bool is_text(std::uint8_t operation) {
  return operation == 'S' || operation == 'V' || operation == 'U' || operation == 'T' || operation == 'X' ||
         operation == 0x8C || operation == 0x8D;
}

class Scan {
 public:
  explicit Scan(ByteView pickle) : reader_(pickle) {}

  Result<PickleReport> run() && {
    if (reader_.at_end()) return corrupt("it is empty");
    while (!reader_.at_end()) {
      CLOISTER_TRY(const std::uint8_t operation, reader_.u8("an operation"));
      CLOISTER_RETURN_IF_ERROR(step(operation));
      ended_ = operation == '.';
    }
    if (!ended_) return corrupt("it is cut short");
    report_.imports.assign(imports_.begin(), imports_.end());
    return std::move(report_);
  }

 private:
  Result<std::string> line() {
    std::string out;
    while (true) {
      CLOISTER_TRY(const std::uint8_t byte, reader_.u8("a line"));
      if (byte == '\n') return out;
      out.push_back(static_cast<char>(byte));
    }
  }

  template <typename Length>
  Result<std::string> sized(const Result<Length>& length) {
    if (!length.ok()) return length.error();
    if (*length > reader_.remaining()) return corrupt("a text is longer than it");
    CLOISTER_TRY(const ByteView text, reader_.bytes(static_cast<std::size_t>(*length), "a text"));
    return std::string(as_text(text));
  }

  Result<std::string> argument(Argument kind) {
    const auto skip = [this](std::size_t size) -> Result<std::string> {
      CLOISTER_TRY(const ByteView bytes, reader_.bytes(size, "an argument"));
      return std::string(as_text(bytes));
    };
    switch (kind) {
      case Argument::kNone: return std::string();
      case Argument::kOne: return skip(1);
      case Argument::kTwo: return skip(2);
      case Argument::kFour: return skip(4);
      case Argument::kEight: return skip(8);
      case Argument::kLine: return line();
      case Argument::kText1: return sized(reader_.u8("a length"));
      case Argument::kText4: return sized(reader_.u32("a length"));
      case Argument::kText8: return sized(reader_.u64("a length"));
      case Argument::kTwoLines: {
        CLOISTER_TRY(const std::string module, line());
        CLOISTER_TRY(const std::string name, line());
        return module + "." + name;
      }
      case Argument::kUnknown: break;
    }
    return corrupt("it has an operation that pickles don't have");
  }

  Status step(std::uint8_t operation) {
    CLOISTER_TRY(std::string text, argument(argument_of(operation)));
    if (operation == 'c' || operation == 'i') add_import(std::move(text));
    if (operation == 0x93) add_import(texts_ >= 2 ? before_ + "." + last_ : "?");
    // Codes of a registry that whoever loads it has.
    if (operation == 0x82 || operation == 0x83 || operation == 0x84) add_import("?");
    if (operation == 'R' || operation == 'i' || operation == 'o' || operation == 'b' || operation == 0x81 ||
        operation == 0x92) {
      report_.calls = true;
    }
    if (is_text(operation)) {
      before_ = std::move(last_);
      last_ = std::move(text);
      ++texts_;
    } else if (operation != 0x94 && operation != 'q' && operation != 'r' && operation != 0x95) {
      // A name that isn't written right before it is used may be any.
      texts_ = 0;
    }
    return {};
  }

  void add_import(std::string name) {
    if (imports_.size() < kPickleNamesMax) imports_.insert(is_plain_utf8(name) ? std::move(name) : "?");
  }

  Reader reader_;
  PickleReport report_;
  std::set<std::string> imports_;
  std::string before_, last_;
  unsigned texts_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<PickleReport> scan_pickle(ByteView pickle) { return Scan(pickle).run(); }

}  // namespace cloister::model
