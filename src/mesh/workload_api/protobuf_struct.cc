#include "mesh/workload_api/protobuf_struct.h"

#include <bit>

#include "net/protobuf.h"

namespace cloister::mesh {
namespace {

using net::ProtobufWriter;

// The fields of google.protobuf.Value: one of them is there, also when it is empty or zero.
enum ValueField : std::uint32_t { kNull = 1, kNumber = 2, kString = 3, kBool = 4, kStruct = 5, kList = 6 };

net::Buffer value_of(const JsonValue& json) {
  net::Buffer out;
  ProtobufWriter writer(out);
  if (const auto* text = json.string()) {
    writer.present(kString, as_bytes(*text));
  } else if (const auto truth = json.boolean()) {
    writer.number(kBool, *truth ? 1 : 0);
  } else if (const auto number = json.number()) {
    writer.fixed64(kNumber, std::bit_cast<std::uint64_t>(*number));
  } else if (json.object() != nullptr) {
    net::Buffer inner;
    write_struct(inner, json);
    writer.present(kStruct, inner);
  } else if (const auto* items = json.array()) {
    net::Buffer list;
    for (const JsonValue& item : *items) ProtobufWriter(list).present(1, value_of(item));
    writer.present(kList, list);
  } else {
    writer.number(kNull, 0);
  }
  return out;
}

}  // namespace

void write_struct(net::Buffer& out, const JsonValue& object) {
  CLOISTER_CHECK(object.object() != nullptr);
  for (const auto& [name, value] : *object.object()) {
    net::Buffer entry;
    ProtobufWriter(entry).text(1, name).present(2, value_of(value));
    ProtobufWriter(out).present(1, entry);
  }
}

}  // namespace cloister::mesh
