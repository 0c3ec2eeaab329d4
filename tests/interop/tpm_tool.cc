// The TPM side and the verifier, for tests against tpm2-tools:
//   tpm_tool collect TRANSPORT REPORT_DATA FOLDER      quote, signature, pcrs, ak, ek and ak.pem into the folder
//   tpm_tool verify FOLDER REPORT_DATA [endorsed]      of quote, signature, pcrs and ak: every check, and the assurance
//   tpm_tool seal EK AK SECRET FILE                    a credential in the file that tpm2_activatecredential reads
//   tpm_tool activate TRANSPORT FILE                   the secret in such a file
// Bytes are hexadecimal; EK and AK are files with a TPM2B_PUBLIC.
#include <cstdio>
#include <string>

#include "attest/tpm/credential.h"
#include "attest/tpm/tpm_bytes.h"
#include "attest/verifier.h"
#include "base/file.h"
#include "crypto/pem.h"
#include "worker/attester/tpm_device.h"

using namespace cloister;

namespace {

constexpr std::uint32_t kMagic = 0xBADCC0DE;
constexpr std::uint32_t kVersion = 1;
const std::vector<std::uint8_t> kRegisters{0, 1, 2, 3, 4, 5, 6, 7, 11, 16};

Status write(const Path& path, ByteView bytes) { return write_file(path, bytes, Overwrite::kReplace); }
Result<Bytes> read(const Path& path) { return read_file(path, 1 << 20); }

Status collect(const std::string& transport, ByteView report_data, const Path& folder) {
  CLOISTER_TRY(const auto device, worker::TpmDevice::open(transport));
  CLOISTER_TRY(const worker::QuotedRegisters quoted, device->quote(report_data, kRegisters));
  CLOISTER_TRY(const attest::TpmPublic key, attest::parse_tpm_public(device->attestation_key()));
  CLOISTER_RETURN_IF_ERROR(write(folder / "quote", quoted.quote));
  CLOISTER_RETURN_IF_ERROR(write(folder / "signature", quoted.signature));
  CLOISTER_RETURN_IF_ERROR(write(folder / "pcrs", quoted.values));
  CLOISTER_RETURN_IF_ERROR(write(folder / "ak", device->attestation_key()));
  CLOISTER_RETURN_IF_ERROR(write(folder / "ek", device->endorsement_key()));
  return write(folder / "ak.pem", as_bytes(crypto::to_pem(key.key->spki(), "PUBLIC KEY")));
}

Status verify(const Path& folder, const Bytes& report_data, bool endorsed) {
  attest::Evidence evidence{attest::Kind::kTpm, {}};
  for (const char* part : {"quote", "signature", "pcrs", "ak"}) {
    CLOISTER_TRY(evidence.parts[part], read(folder / part));
  }
  attest::Collateral collateral;
  if (endorsed) {
    CLOISTER_TRY(const attest::TpmPublic key, attest::parse_tpm_public(evidence.part("ak")));
    collateral.add(attest::tpm_endorsement(key, Time{0}));
  }
  const attest::Verdict verdict =
      attest::verify(evidence, {.now = Time{0}, .report_data = report_data, .collateral = &collateral});
  for (const attest::Check& check : verdict.checks) {
    std::printf("%s %s\n", check.name.c_str(), std::string(check_state_name(check.state)).c_str());
  }
  std::printf("assurance %s\n", std::string(assurance_name(verdict.assurance)).c_str());
  return {};
}

Status seal(const Path& ek, const Path& ak, ByteView secret, const Path& file) {
  CLOISTER_TRY(const Bytes endorsement_bytes, read(ek));
  CLOISTER_TRY(const Bytes attestation_bytes, read(ak));
  CLOISTER_TRY(const attest::TpmPublic endorsement, attest::parse_tpm_public(endorsement_bytes));
  CLOISTER_TRY(const attest::TpmPublic attestation, attest::parse_tpm_public(attestation_bytes));
  crypto::SystemRandom random;
  CLOISTER_TRY(const crypto::SealedTpmCredential sealed,
               attest::make_tpm_credential(endorsement, attestation, crypto::Secret::copy_of(secret), random));
  attest::TpmWriter writer;
  writer.u32(kMagic).u32(kVersion).sized(sealed.object).sized(sealed.secret);
  return write(file, writer.take());
}

Status activate(const std::string& transport, const Path& file) {
  CLOISTER_TRY(const auto device, worker::TpmDevice::open(transport));
  CLOISTER_TRY(const Bytes bytes, read(file));
  attest::TpmReader reader(bytes);
  CLOISTER_TRY(const std::uint32_t magic, reader.u32("the magic"));
  CLOISTER_TRY(const std::uint32_t version, reader.u32("the version"));
  if (magic != kMagic || version != kVersion) return Error(Code::kInvalid, "not a credential of tpm2-tools");
  CLOISTER_TRY(const ByteView object, reader.sized(1024, "the object"));
  CLOISTER_TRY(const ByteView secret, reader.sized(1024, "the secret"));
  CLOISTER_TRY(const crypto::Secret opened, device->activate({to_bytes(object), to_bytes(secret)}));
  std::printf("%s\n", to_hex(opened.expose()).c_str());
  return {};
}

Status run(const std::vector<std::string>& words) {
  const std::string& verb = words[0];
  if (verb == "collect" && words.size() == 4) {
    CLOISTER_TRY(const Bytes report_data, from_hex(words[2]));
    return collect(words[1], report_data, words[3]);
  }
  if (verb == "verify" && (words.size() == 3 || words.size() == 4)) {
    CLOISTER_TRY(const Bytes report_data, from_hex(words[2]));
    return verify(words[1], report_data, words.size() == 4);
  }
  if (verb == "seal" && words.size() == 5) {
    CLOISTER_TRY(const Bytes secret, from_hex(words[3]));
    return seal(words[1], words[2], secret, words[4]);
  }
  if (verb == "activate" && words.size() == 3) return activate(words[1], words[2]);
  return Error(Code::kInvalid, "see the first lines of tests/interop/tpm_tool.cc");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const Status status = run({argv + 1, argv + argc});
  if (status.ok()) return 0;
  std::fprintf(stderr, "tpm_tool: %s\n", status.error().message().c_str());
  return 1;
}
