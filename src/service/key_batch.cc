#include "service/key_batch.h"

#include <array>
#include <limits>

#include "service/json_scanner.h"

namespace cloister::service {
namespace {

enum Field : unsigned { kObject = 1, kCommitment = 2, kKey = 4, kWrapped = 8, kVersion = 16 };

struct FieldName {
  Field field;
  std::string_view name;
};
constexpr std::array<FieldName, 5> kFieldNames{
    {{kObject, "object"}, {kCommitment, "commitment"}, {kKey, "key"}, {kWrapped, "wrapped"}, {kVersion, "version"}}};

unsigned needed_fields(KeyVerb verb) {
  switch (verb) {
    case KeyVerb::kGenerate: return kObject;
    case KeyVerb::kWrap: return kObject | kKey;
    case KeyVerb::kUnwrap:
    case KeyVerb::kRewrap: break;
  }
  return kObject | kVersion | kWrapped;
}

class BatchParser {
 public:
  BatchParser(MutableByteView body, KeyVerb verb) : scanner_(body), verb_(verb), needed_(needed_fields(verb)) {
    // The shortest item a client writes is about this long: one allocation for most batches.
    batch_.items.reserve(std::min(body.size() / 64 + 1, kKeysPerRequestMax));
  }

  Result<KeyBatch> parse() {
    std::string_view name;
    bool keys = false;
    bool count = false;
    if (scanner_.enter_object()) {
      while (scanner_.next_member(name)) {
        if (name == "keys" && !keys) {
          keys = true;
          CLOISTER_RETURN_IF_ERROR(parse_keys());
        } else if (name == "count" && !count && verb_ == KeyVerb::kGenerate) {
          count = true;
          CLOISTER_RETURN_IF_ERROR(parse_count());
        } else {
          return unexpected(name, (name == "keys" && keys) || (name == "count" && count), "the body");
        }
      }
    }
    if (scanner_.end(); !scanner_.ok()) return scanner_.status().error();
    if (keys && count) return Error(Code::kInvalid, "the body has both keys and count: one of them is needed");
    if (!keys && !count) {
      return Error(Code::kInvalid,
                   verb_ == KeyVerb::kGenerate ? "the body has neither keys nor count" : "the body has no keys");
    }
    if (batch_.items.empty()) return Error(Code::kInvalid, "the body asks for no key");
    return std::move(batch_);
  }

 private:
  static Error unexpected(std::string_view name, bool twice, const std::string& where) {
    // Cut, so that an answer isn't made of what was sent.
    return Error(Code::kInvalid, where + " has " + (twice ? "" : "an unknown ") + "field " +
                                     std::string(name.substr(0, 32)) + (twice ? " twice" : ""));
  }
  std::string here() const { return "keys[" + std::to_string(batch_.items.size()) + "]"; }

  Status parse_count() {
    std::uint64_t count = 0;
    if (!scanner_.number(count)) return scanner_.status();
    if (count > kKeysPerRequestMax) return too_many();
    if (batch_.items.empty()) batch_.items.resize(static_cast<std::size_t>(count));
    batch_.counted = true;
    return {};
  }

  Status parse_keys() {
    batch_.items.clear();
    if (!scanner_.enter_array()) return scanner_.status();
    while (scanner_.next_element()) {
      if (batch_.items.size() == kKeysPerRequestMax) return too_many();
      KeyItem item;
      CLOISTER_RETURN_IF_ERROR(parse_item(item));
      batch_.items.push_back(item);
    }
    return scanner_.status();
  }

  Status parse_item(KeyItem& item) {
    if (!scanner_.enter_object()) return scanner_.status();
    unsigned seen = 0;
    std::string_view name;
    while (scanner_.next_member(name)) {
      unsigned field = 0;
      for (const FieldName& known : kFieldNames) {
        if (known.name == name) field = known.field;
      }
      if ((field & (needed_ | kCommitment)) == 0 || (seen & field) != 0) {
        return unexpected(name, (seen & field) != 0, here());
      }
      seen |= field;
      if (!parse_value(static_cast<Field>(field), item)) return at_fault();
    }
    if (!scanner_.ok()) return scanner_.status();
    if ((seen & needed_) == needed_) return {};
    for (const FieldName& known : kFieldNames) {
      if ((needed_ & ~seen & known.field) == 0) continue;
      return Error(Code::kInvalid, here() + " has no " + std::string(known.name));
    }
    return {};
  }

  bool parse_value(Field field, KeyItem& item) {
    switch (field) {
      case kObject: return scanner_.string(item.object);
      case kCommitment: return scanner_.string(item.commitment);
      case kKey: return scanner_.string(item.key);
      case kWrapped: return scanner_.string(item.wrapped);
      case kVersion: break;
    }
    std::uint64_t version = 0;
    if (!scanner_.number(version)) return false;
    // 0 is no version: every keyring answers that it doesn't have it, as for any number too large to be one.
    item.version = version > std::numeric_limits<std::uint32_t>::max() ? 0 : static_cast<std::uint32_t>(version);
    return true;
  }

  Status at_fault() const { return scanner_.status().with_context(here()); }
  static Error too_many() {
    return Error(Code::kInvalid, "one request is for at most " + std::to_string(kKeysPerRequestMax) + " keys");
  }

  JsonScanner scanner_;
  KeyVerb verb_;
  unsigned needed_;
  KeyBatch batch_;
};

}  // namespace

Result<KeyBatch> parse_key_batch(MutableByteView body, KeyVerb verb) { return BatchParser(body, verb).parse(); }

}  // namespace cloister::service
