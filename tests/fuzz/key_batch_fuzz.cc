// The body of a request for data keys, of any bytes: refused, or JSON that another reader reads the same.
#include <vector>

#include "base/json.h"
#include "service/key_batch.h"

namespace {

using namespace cloister;
using service::KeyItem;
using service::KeyVerb;

constexpr JsonLimits kLimits{.size = std::size_t{4} << 20, .depth = 3, .values = std::size_t{1} << 20};

void check_text(const JsonValue& item, std::string_view name, std::string_view expected) {
  const JsonValue* value = item.find(name);
  CLOISTER_CHECK(value == nullptr ? expected.empty() : value->string() != nullptr && *value->string() == expected);
}

void check(KeyVerb verb, ByteView bytes) {
  Bytes body = to_bytes(bytes);
  const auto batch = service::parse_key_batch(body, verb);
  if (!batch.ok()) {
    CLOISTER_CHECK(batch.error().code() == Code::kInvalid);
    return;
  }
  CLOISTER_CHECK(!batch.value().items.empty() && batch.value().items.size() <= service::kKeysPerRequestMax);
  const auto json = parse_json(as_text(bytes), kLimits);
  CLOISTER_CHECK(json.ok() && json.value().object()->size() == 1);
  if (batch.value().counted) {
    CLOISTER_CHECK(json.value().find("count")->unsigned_integer() == batch.value().items.size());
    return;
  }
  const JsonValue::Array* items = json.value().find("keys")->array();
  CLOISTER_CHECK(items != nullptr && items->size() == batch.value().items.size());
  for (std::size_t i = 0; i < items->size(); ++i) {
    const KeyItem& item = batch.value().items[i];
    check_text((*items)[i], "object", item.object);
    check_text((*items)[i], "commitment", item.commitment);
    check_text((*items)[i], "key", item.key);
    check_text((*items)[i], "wrapped", item.wrapped);
    const JsonValue* version = (*items)[i].find("version");
    const std::uint64_t number = version == nullptr ? 0 : *version->unsigned_integer();
    CLOISTER_CHECK(item.version == (number > 0xFFFFFFFF ? 0 : number));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const KeyVerb verb : {KeyVerb::kGenerate, KeyVerb::kWrap, KeyVerb::kUnwrap}) check(verb, {data, size});
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (
      const std::string_view text :
      {R"({"count":3})", R"({"keys":[{"object":"bw==","commitment":""},{"object":"\u0062\/w=="}]})",
       R"( { "keys" : [ { "object" : "bw==" , "key" : "AAAA" } ] } )",
       R"({"keys":[{"object":"bw==","version":4294967296,"wrapped":"AA\n"},{"wrapped":"","version":1,"object":""}]})"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
