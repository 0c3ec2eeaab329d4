#include "attest/worker_bundle.h"

#include <algorithm>

#include "base/cbor.h"
#include "base/reader.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kMagic = "CLOISTER-WORKER-BUNDLE-1";
constexpr std::string_view kEpochLabel = "cloister attestation bundle epoch 1";
constexpr std::size_t kRoleSizeMax = 64;
constexpr std::size_t kKeyConfigurationSizeMax = 256;
constexpr std::size_t kManifestSizeMax = 65535;
constexpr std::size_t kX25519Size = 32;

Error wrong(std::string what) { return Error(Code::kInvalid, "this isn't a worker's bundle: " + std::move(what)); }

Result<Time> read_time(Reader& reader, std::string_view what) {
  constexpr std::uint64_t kMax = 253'402'300'799'999;  // the year 9999
  CLOISTER_TRY(const std::uint64_t milliseconds, reader.u64(what));
  if (milliseconds > kMax) return wrong("a date is out of range");
  return Time{static_cast<std::int64_t>(milliseconds)};
}

Result<WorkerBundle> read(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "the magic"));
  if (!equal(magic, as_bytes(kMagic))) return wrong("its first bytes say something else");
  WorkerBundle bundle;
  CLOISTER_TRY(bundle.role, reader.text16(kRoleSizeMax, "the role"));
  CLOISTER_TRY(bundle.not_before, read_time(reader, "its beginning"));
  CLOISTER_TRY(bundle.not_after, read_time(reader, "its end"));
  CLOISTER_TRY(const ByteView key, reader.prefixed16(kKeyConfigurationSizeMax, "the key configuration"));
  bundle.key_configuration = to_bytes(key);
  CLOISTER_RETURN_IF_ERROR(reader.fill(bundle.receipt_key, "the receipt key"));
  CLOISTER_TRY(const ByteView manifest, reader.prefixed16(kManifestSizeMax, "the manifest"));
  bundle.manifest = to_bytes(manifest);
  CLOISTER_TRY(const std::uint32_t size, reader.u32("the size of the evidence"));
  CLOISTER_TRY(const ByteView evidence, reader.bytes(size, "the evidence"));
  CLOISTER_TRY(bundle.evidence, decode_evidence(evidence));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a worker's bundle"));
  return bundle;
}

}  // namespace

Result<Binding> bundle_binding(const WorkerBundle& bundle) {
  // Key id, KEM 0x0020, and the public key.
  const ByteView configuration = bundle.key_configuration;
  if (configuration.size() < 3 + kX25519Size || configuration[1] != 0x00 || configuration[2] != 0x20) {
    return wrong("its key isn't one for X25519");
  }
  CborWriter epoch;
  epoch.array(5).text(kEpochLabel).integer(bundle.not_before.unix_ms).integer(bundle.not_after.unix_ms);
  epoch.bytes(configuration).bytes(bundle.receipt_key);
  Binding binding;
  binding.role = bundle.role;
  binding.nonce = to_bytes(crypto::sha256(epoch.take()));
  binding.recipient = to_bytes(configuration.subspan(3, kX25519Size));
  binding.manifest = crypto::sha256(bundle.manifest);
  binding.devices = devices_digest(bundle.evidence);
  return binding;
}

Bytes encode(const WorkerBundle& bundle) {
  const Bytes evidence = encode(bundle.evidence);
  Writer writer;
  writer.bytes(as_bytes(kMagic)).text16(bundle.role);
  writer.u64(static_cast<std::uint64_t>(bundle.not_before.unix_ms));
  writer.u64(static_cast<std::uint64_t>(bundle.not_after.unix_ms));
  writer.prefixed16(bundle.key_configuration).bytes(bundle.receipt_key).prefixed16(bundle.manifest);
  writer.u32(static_cast<std::uint32_t>(evidence.size())).bytes(evidence);
  return writer.take();
}

Result<WorkerBundle> decode_worker_bundle(ByteView bytes) {
  if (bytes.size() > kWorkerBundleSizeMax) return wrong("it is too large");
  auto bundle = read(bytes);
  if (bundle.ok() || bundle.error().code() == Code::kInvalid) return bundle;
  return wrong(bundle.error().message());
}

Status check_dates(const WorkerBundle& bundle, Time now) {
  if (bundle.not_after <= bundle.not_before || bundle.not_after - bundle.not_before > kWorkerBundleLifeMax) {
    return Error(Code::kInvalid, "the worker's bundle is valid for longer than " +
                                     std::to_string(kWorkerBundleLifeMax.ms / 3'600'000) + " hours, or for no time");
  }
  if (now < bundle.not_before) {
    return Error(Code::kExpired, "the worker's bundle is valid from " + to_rfc3339(bundle.not_before));
  }
  if (now >= bundle.not_after) {
    return Error(Code::kExpired, "the worker's bundle was valid until " + to_rfc3339(bundle.not_after));
  }
  return {};
}

Result<SetVerdict> verify(const WorkerBundle& bundle, Question question) {
  CLOISTER_TRY(const Binding binding, bundle_binding(bundle));
  question.report_data = report_data(binding);
  return verify(bundle.evidence, question, device_nonce(binding));
}

crypto::Sha256Digest evidence_id(const EvidenceSet& evidence) { return crypto::sha256(encode(evidence)); }

}  // namespace cloister::attest
