// What a client of the Workload API may send: the requests of its methods and of reflection, and a token's claims on
// their way into a Struct. What was understood says the same when written again.
#include <vector>

#include "mesh/workload_api/messages.h"
#include "mesh/workload_api/protobuf_struct.h"
#include "mesh/workload_api/reflection.h"
#include "net/protobuf.h"

using namespace cloister;

namespace {

// Every entry of a Struct has a name and a value, however deep.
void check_struct(ByteView message, unsigned depth);

void check_value(ByteView message, unsigned depth) {
  net::ProtobufReader reader(message);
  const auto field = reader.next();
  CLOISTER_CHECK(field.ok() && *field && (*field)->number >= 1 && (*field)->number <= 6);
  if ((*field)->number == 5) check_struct((*field)->bytes, depth + 1);
  const auto rest = reader.next();
  CLOISTER_CHECK(rest.ok() && !*rest);
}

void check_struct(ByteView message, unsigned depth) {
  CLOISTER_CHECK(depth <= JsonLimits{}.depth);
  net::ProtobufReader reader(message);
  for (std::size_t i = 0; i < net::ProtobufReader::kFieldsMax; ++i) {
    const auto field = reader.next();
    CLOISTER_CHECK(field.ok());
    if (!*field) return;
    const auto entry = net::read_entry((*field)->bytes, JsonLimits{}.size);
    CLOISTER_CHECK(entry.ok());
    check_value(entry->value, depth);
  }
}

void check_jwt_request(ByteView message) {
  const auto request = mesh::parse_jwt_svid_request(message);
  if (!request.ok()) return;
  net::Buffer again;
  net::ProtobufWriter writer(again);
  for (const std::string& audience : request->audience) writer.text(1, audience);
  if (request->id) writer.text(2, request->id->uri());
  const auto same = mesh::parse_jwt_svid_request(again);
  CLOISTER_CHECK(same.ok() && same->audience == request->audience && same->id == request->id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const mesh::Reflection reflection({"SpiffeWorkloadAPI"}, mesh::workload_api_files());
  const ByteView message(data, size);
  ignore_result(mesh::parse_empty_request(message));
  check_jwt_request(message);
  const auto validate = mesh::parse_validate_jwt_svid_request(message);
  CLOISTER_CHECK(!validate.ok() || (!validate->audience.empty() && !validate->token.empty()));
  const auto answer = reflection.answer(message);
  if (answer.ok()) CLOISTER_CHECK(mesh::parse_empty_request(*answer).ok());
  const auto claims = parse_json(as_text(message));
  if (claims.ok() && claims->object() != nullptr) {
    net::Buffer written;
    mesh::write_struct(written, *claims);
    check_struct(written, 1);
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const auto add = [seeds](const net::Buffer& seed) { seeds->emplace_back(seed.begin(), seed.end()); };
  net::Buffer jwt, validate, by_symbol, list;
  net::ProtobufWriter(jwt).text(1, "db").text(1, "spiffe://example.org/db").text(2, "spiffe://example.org/worker");
  net::ProtobufWriter(validate).text(1, "db").text(2, "eyJhbGciOiJFUzI1NiJ9.e30.AA");
  net::ProtobufWriter(by_symbol).text(1, "localhost").text(4, "SpiffeWorkloadAPI.FetchX509SVID");
  net::ProtobufWriter(list).text(7, "*");
  for (const net::Buffer* seed : {&jwt, &validate, &by_symbol, &list}) add(*seed);
  add(net::to_buffer(R"({"sub":"spiffe://a/b","aud":["x",{"y":[null,true,-2.5]}],"exp":1,"n":{"m":{}}})"));
}
