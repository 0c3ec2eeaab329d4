// What the Workload API's messages look like, as data that protobuf's tools understand:
// google/protobuf/descriptor.proto.
#include "mesh/workload_api/reflection.h"
#include "net/protobuf.h"

namespace cloister::mesh {
namespace {

using net::ProtobufWriter;

enum Type : std::uint8_t { kDouble = 1, kBool = 8, kString = 9, kMessage = 11, kBytes = 12, kEnum = 14 };
enum class Label : std::uint8_t { kOptional = 1, kRepeated = 3 };
enum class OneOf { kNo, kFirst };

struct Field {
  const char* name;
  std::uint32_t number;
  Type type;
  Label label = Label::kOptional;
  const char* type_name = "";  // of messages and enums, with a dot in front
  OneOf one_of = OneOf::kNo;
};
struct Message {
  const char* name;
  std::vector<Field> fields;
  const char* entry_name = "";  // of the nested message that a map's entries are
  Field entry_value = {};
  const char* one_of = "";
};
struct Method {
  const char* name;
  const char* input;
  const char* output;
  bool streams;
};

net::Buffer describe(const Field& field) {
  net::Buffer out;
  ProtobufWriter writer(out);
  writer.text(1, field.name).number(3, field.number).number(4, static_cast<std::uint64_t>(field.label));
  writer.number(5, field.type).text(6, field.type_name);
  if (field.one_of == OneOf::kFirst) writer.number(9, 0);
  return out;
}

net::Buffer describe(const Message& message) {
  net::Buffer out;
  ProtobufWriter writer(out);
  writer.text(1, message.name);
  for (const Field& field : message.fields) writer.present(2, describe(field));
  if (*message.entry_name != '\0') {
    net::Buffer options, entry;
    ProtobufWriter(options).number(7, 1);  // map_entry
    ProtobufWriter(entry)
        .text(1, message.entry_name)
        .present(2, describe(Field{"key", 1, kString}))
        .present(2, describe(message.entry_value))
        .present(7, options);
    writer.present(3, entry);
  }
  if (*message.one_of != '\0') {
    net::Buffer one_of;
    ProtobufWriter(one_of).text(1, message.one_of);
    writer.present(8, one_of);
  }
  return out;
}

net::Buffer describe(const Method& method) {
  net::Buffer out;
  ProtobufWriter(out).text(1, method.name).text(2, method.input).text(3, method.output);
  if (method.streams) ProtobufWriter(out).number(6, 1);
  return out;
}

const std::vector<Message>& workload_messages() {
  constexpr Label kRepeated = Label::kRepeated;
  static const std::vector<Message> messages{
      {"X509SVIDRequest", {}},
      {"X509SVIDResponse",
       {{"svids", 1, kMessage, kRepeated, ".X509SVID"},
        {"crl", 2, kBytes, kRepeated},
        {"federated_bundles", 3, kMessage, kRepeated, ".X509SVIDResponse.FederatedBundlesEntry"}},
       "FederatedBundlesEntry",
       {"value", 2, kBytes}},
      {"X509SVID",
       {{"spiffe_id", 1, kString},
        {"x509_svid", 2, kBytes},
        {"x509_svid_key", 3, kBytes},
        {"bundle", 4, kBytes},
        {"hint", 5, kString}}},
      {"X509BundlesRequest", {}},
      {"X509BundlesResponse",
       {{"crl", 1, kBytes, kRepeated}, {"bundles", 2, kMessage, kRepeated, ".X509BundlesResponse.BundlesEntry"}},
       "BundlesEntry",
       {"value", 2, kBytes}},
      {"JWTSVIDRequest", {{"audience", 1, kString, kRepeated}, {"spiffe_id", 2, kString}}},
      {"JWTSVIDResponse", {{"svids", 1, kMessage, kRepeated, ".JWTSVID"}}},
      {"JWTSVID", {{"spiffe_id", 1, kString}, {"svid", 2, kString}, {"hint", 3, kString}}},
      {"JWTBundlesRequest", {}},
      {"JWTBundlesResponse",
       {{"bundles", 1, kMessage, kRepeated, ".JWTBundlesResponse.BundlesEntry"}},
       "BundlesEntry",
       {"value", 2, kBytes}},
      {"ValidateJWTSVIDRequest", {{"audience", 1, kString}, {"svid", 2, kString}}},
      {"ValidateJWTSVIDResponse",
       {{"spiffe_id", 1, kString}, {"claims", 2, kMessage, Label::kOptional, ".google.protobuf.Struct"}}},
  };
  return messages;
}

DescribedFile workload_file() {
  static constexpr Method kMethods[] = {
      {"FetchX509SVID", ".X509SVIDRequest", ".X509SVIDResponse", true},
      {"FetchX509Bundles", ".X509BundlesRequest", ".X509BundlesResponse", true},
      {"FetchJWTSVID", ".JWTSVIDRequest", ".JWTSVIDResponse", false},
      {"FetchJWTBundles", ".JWTBundlesRequest", ".JWTBundlesResponse", true},
      {"ValidateJWTSVID", ".ValidateJWTSVIDRequest", ".ValidateJWTSVIDResponse", false},
  };
  DescribedFile file{"workload.proto", {"google/protobuf/struct.proto"}, {"SpiffeWorkloadAPI"}, {}};
  net::Buffer service, out;
  ProtobufWriter(service).text(1, "SpiffeWorkloadAPI");
  for (const Method& method : kMethods) ProtobufWriter(service).present(2, describe(method));
  ProtobufWriter writer(out);
  writer.text(1, file.name).text(3, file.imports.front());
  for (const Message& message : workload_messages()) {
    writer.present(4, describe(message));
    file.symbols.emplace_back(message.name);
  }
  writer.present(6, service).text(12, "proto3");
  file.descriptor = to_bytes(out);
  return file;
}

DescribedFile struct_file() {
  constexpr OneOf kFirst = OneOf::kFirst;
  constexpr Label kOptional = Label::kOptional;
  const std::vector<Message> messages{
      {"Struct",
       {{"fields", 1, kMessage, Label::kRepeated, ".google.protobuf.Struct.FieldsEntry"}},
       "FieldsEntry",
       {"value", 2, kMessage, kOptional, ".google.protobuf.Value"}},
      {"Value",
       {{"null_value", 1, kEnum, kOptional, ".google.protobuf.NullValue", kFirst},
        {"number_value", 2, kDouble, kOptional, "", kFirst},
        {"string_value", 3, kString, kOptional, "", kFirst},
        {"bool_value", 4, kBool, kOptional, "", kFirst},
        {"struct_value", 5, kMessage, kOptional, ".google.protobuf.Struct", kFirst},
        {"list_value", 6, kMessage, kOptional, ".google.protobuf.ListValue", kFirst}},
       "",
       {},
       "kind"},
      {"ListValue", {{"values", 1, kMessage, Label::kRepeated, ".google.protobuf.Value"}}},
  };
  DescribedFile file{"google/protobuf/struct.proto", {}, {"google.protobuf.NullValue"}, {}};
  net::Buffer null_value, null_enum, out;
  ProtobufWriter(null_value).text(1, "NULL_VALUE").number(2, 0);
  ProtobufWriter(null_enum).text(1, "NullValue").present(2, null_value);
  ProtobufWriter writer(out);
  writer.text(1, file.name).text(2, "google.protobuf");
  for (const Message& message : messages) {
    writer.present(4, describe(message));
    file.symbols.push_back(std::string("google.protobuf.") + message.name);
  }
  writer.present(5, null_enum).text(12, "proto3");
  file.descriptor = to_bytes(out);
  return file;
}

}  // namespace

std::vector<DescribedFile> workload_api_files() { return {workload_file(), struct_file()}; }

}  // namespace cloister::mesh
