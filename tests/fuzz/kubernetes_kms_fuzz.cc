// A call of Kubernetes' KMS v2: gRPC's frame and the three messages. What was understood says the same when written
// again.
#include <cstddef>
#include <vector>

#include "net/grpc.h"
#include "net/protobuf.h"
#include "service/kubernetes/kms_v2.h"

using namespace cloister;
using namespace cloister::net;
using namespace cloister::service;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = read_grpc_message({data, size});
  if (!message.ok()) return 0;
  ignore_result(parse_kms_status_request(*message));
  ignore_result(parse_kms_encrypt_request(*message));
  const auto request = parse_kms_decrypt_request(*message);
  if (!request.ok()) return 0;
  net::Buffer again;
  ProtobufWriter writer(again);
  writer.bytes(1, request->ciphertext).text(2, request->uid).text(3, request->key_id);
  for (const KmsAnnotation& annotation : request->annotations) writer.entry(4, annotation.name, annotation.value);
  const auto same = parse_kms_decrypt_request(again);
  CLOISTER_CHECK(same.ok() && equal(same->ciphertext, request->ciphertext) && same->uid == request->uid);
  CLOISTER_CHECK(same->key_id == request->key_id && same->annotations.size() == request->annotations.size());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  net::Response framed = begin_grpc_message();
  ProtobufWriter(framed.body)
      .text(1, "ciphertext")
      .text(2, "31c2fd1a-7b0c-4c8f")
      .text(3, "key/3")
      .entry(4, "dataset.kms.cloister.internal", as_bytes("acme/etcd"))
      .entry(4, "a.example", {});
  end_grpc_message(framed);
  seeds->emplace_back(framed.body.begin(), framed.body.end());
}
