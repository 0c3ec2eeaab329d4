#include "worker/attester/tpm_device.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"
#include "worker/attester/tpm_library.h"

namespace cloister::worker {
namespace {

constexpr std::size_t kRegisters = 24;
constexpr std::size_t kRegistersARead = 8;
constexpr std::size_t kDigestSize = 32;
constexpr std::size_t kAreaMax = 4096;
constexpr int kAttempts = 8;
// Of the certificate of an RSA 2048 key, template L-1: TCG EK Credential Profile 2.2.1.4.
constexpr TPM2_HANDLE kCertificateIndex = 0x01C00002;
constexpr TSS2_RC kNoSuchIndex = 0x18B;       // TPM_RC_HANDLE of the first handle
constexpr std::uint16_t kPieceOfIndex = 512;  // every TPM reads as much at once
constexpr std::size_t kCertificateMax = 8192;

// TPM2_PolicySecret of the endorsement hierarchy: TCG EK Credential Profile B.3.3.
constexpr std::array<std::uint8_t, 32> kEndorsementPolicy{
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC, 0x8D, 0x46, 0xA5, 0xD7, 0x24,
    0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52, 0x0B, 0x64, 0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA};

TPM2B_PUBLIC endorsement_template() {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  area.authPolicy.size = kEndorsementPolicy.size();
  std::ranges::copy(kEndorsementPolicy, area.authPolicy.buffer);
  area.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_AES;
  area.parameters.rsaDetail.symmetric.keyBits.aes = 128;
  area.parameters.rsaDetail.symmetric.mode.aes = TPM2_ALG_CFB;
  area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
  area.parameters.rsaDetail.keyBits = 2048;
  area.unique.rsa.size = 256;
  return key;
}

TPM2B_PUBLIC attestation_template() {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
                          TPMA_OBJECT_SIGN_ENCRYPT;
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
  area.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  return key;
}

TPML_PCR_SELECTION selection_of(const std::vector<std::uint8_t>& registers) {
  TPML_PCR_SELECTION selection{};
  selection.count = 1;
  selection.pcrSelections[0].hash = TPM2_ALG_SHA256;
  selection.pcrSelections[0].sizeofSelect = 3;
  for (const std::uint8_t number : registers) {
    selection.pcrSelections[0].pcrSelect[number / 8] |= static_cast<std::uint8_t>(1U << (number % 8));
  }
  return selection;
}

// The TPM's warnings (try again, testing, no room) pass; so does a device that is gone for a moment.
Error failed(std::string_view doing, TSS2_RC code) {
  Bytes number(4);
  for (std::size_t i = 0; i < number.size(); ++i) number[i] = static_cast<std::uint8_t>(code >> (24 - 8 * i));
  const bool of_the_tpm = (code & 0xFF0000) == 0;
  const bool passes = !of_the_tpm || (code & 0xF00) == 0x900;
  return Error(passes ? Code::kUnavailable : Code::kDenied,
               std::string(doing) + ": the TPM answers 0x" + to_hex(number));
}

// Indexes are often larger than what lies in them.
Bytes one_der_element(Bytes bytes) {
  if (bytes.size() < 4 || bytes[0] != 0x30 || bytes[1] != 0x82) return bytes;
  const std::size_t size = 4 + (std::size_t{bytes[2]} << 8 | bytes[3]);
  if (size < bytes.size()) bytes.resize(size);
  return bytes;
}

}  // namespace

struct TpmDevice::State {
  explicit State(const TpmLibrary& library) : tss(library) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (const ESYS_TR handle : {endorsement, attestation}) flush(handle);
    if (context != nullptr) tss.end(&context);
    if (transport != nullptr) tss.close_transport(&transport);
  }

  void flush(ESYS_TR handle) {
    if (context != nullptr && handle != ESYS_TR_NONE) tss.flush(context, handle);
  }

  // What the library hands out is freed with the pointer.
  template <typename T>
  std::unique_ptr<T, void (*)(void*)> owned(T* object) const {
    return {object, tss.free};
  }

  Result<Bytes> create(const TPM2B_PUBLIC& pattern, ESYS_TR& handle);
  Status read_limits();
  Result<Bytes> read_registers(const std::vector<std::uint8_t>& registers);
  Result<QuotedRegisters> quote_once(ByteView extra, const std::vector<std::uint8_t>& registers);
  Result<std::size_t> size_of_index(ESYS_TR index);

  TpmLibrary tss;
  TSS2_TCTI_CONTEXT* transport = nullptr;
  ESYS_CONTEXT* context = nullptr;
  ESYS_TR endorsement = ESYS_TR_NONE;
  ESYS_TR attestation = ESYS_TR_NONE;
  Bytes endorsement_key;
  Bytes attestation_key;
  std::size_t extra_size_max = kDigestSize;
};

Result<Bytes> TpmDevice::State::create(const TPM2B_PUBLIC& pattern, ESYS_TR& handle) {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION none{};
  TPM2B_PUBLIC* made = nullptr;
  const TSS2_RC code =
      tss.create_primary(context, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                         &pattern, &outside, &none, &handle, &made, nullptr, nullptr, nullptr);
  if (code != TSS2_RC_SUCCESS) return failed("make a key in the TPM", code);
  const auto key = owned(made);
  Bytes area(kAreaMax);
  std::size_t size = 0;
  if (tss.marshal_public(key.get(), area.data(), area.size(), &size) != TSS2_RC_SUCCESS) {
    return Error(Code::kInternal, "a TPM's key can't be written down");
  }
  area.resize(size);
  return area;
}

Status TpmDevice::State::read_limits() {
  TPMI_YES_NO more = TPM2_NO;
  TPMS_CAPABILITY_DATA* data = nullptr;
  const TSS2_RC code = tss.get_capability(context, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES,
                                          TPM2_PT_MAX_DIGEST, 1, &more, &data);
  if (code != TSS2_RC_SUCCESS) return failed("ask the TPM for its limits", code);
  const auto limits = owned(data);
  const TPML_TAGGED_TPM_PROPERTY& properties = limits->data.tpmProperties;
  if (properties.count == 1 && properties.tpmProperty[0].property == TPM2_PT_MAX_DIGEST) {
    extra_size_max = std::clamp<std::size_t>(properties.tpmProperty[0].value, kDigestSize, 64);
  }
  return {};
}

Result<Bytes> TpmDevice::State::read_registers(const std::vector<std::uint8_t>& registers) {
  Bytes values;
  for (std::size_t at = 0; at < registers.size(); at += kRegistersARead) {
    const std::size_t count = std::min(kRegistersARead, registers.size() - at);
    const auto first = registers.begin() + static_cast<std::ptrdiff_t>(at);
    const TPML_PCR_SELECTION wanted = selection_of({first, first + static_cast<std::ptrdiff_t>(count)});
    TPML_DIGEST* read = nullptr;
    const TSS2_RC code =
        tss.read_registers(context, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted, nullptr, nullptr, &read);
    if (code != TSS2_RC_SUCCESS) return failed("read the TPM's registers", code);
    const auto digests = owned(read);
    if (digests->count != count) return Error(Code::kUnsupported, "the TPM has no such registers of SHA-256");
    for (std::size_t i = 0; i < count; ++i) {
      const TPM2B_DIGEST& digest = digests->digests[i];
      if (digest.size != kDigestSize) return Error(Code::kInternal, "a register of the TPM has another size");
      values.insert(values.end(), digest.buffer, digest.buffer + digest.size);
    }
  }
  return values;
}

Result<QuotedRegisters> TpmDevice::State::quote_once(ByteView extra, const std::vector<std::uint8_t>& registers) {
  TPM2B_DATA qualifying{};
  qualifying.size = static_cast<std::uint16_t>(extra.size());
  std::ranges::copy(extra, qualifying.buffer);
  TPMT_SIG_SCHEME scheme{};
  scheme.scheme = TPM2_ALG_NULL;  // the key's own
  const TPML_PCR_SELECTION selection = selection_of(registers);
  CLOISTER_TRY(Bytes values, read_registers(registers));
  TPM2B_ATTEST* statement = nullptr;
  TPMT_SIGNATURE* made = nullptr;
  const TSS2_RC code = tss.quote(context, attestation, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &qualifying,
                                 &scheme, &selection, &statement, &made);
  if (code != TSS2_RC_SUCCESS) return failed("ask the TPM for a quote", code);
  const auto quoted = owned(statement);
  const auto signature = owned(made);
  QuotedRegisters result{Bytes(quoted->attestationData, quoted->attestationData + quoted->size), Bytes(kAreaMax),
                         std::move(values)};
  std::size_t size = 0;
  if (tss.marshal_signature(signature.get(), result.signature.data(), result.signature.size(), &size) !=
      TSS2_RC_SUCCESS) {
    return Error(Code::kInternal, "a TPM's signature can't be written down");
  }
  result.signature.resize(size);
  return result;
}

Result<std::size_t> TpmDevice::State::size_of_index(ESYS_TR index) {
  TPM2B_NV_PUBLIC* area = nullptr;
  const TSS2_RC code = tss.read_index_public(context, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, nullptr);
  if (code != TSS2_RC_SUCCESS) return failed("look at the certificate in the TPM", code);
  return std::size_t{owned(area)->nvPublic.dataSize};
}

TpmDevice::TpmDevice(std::unique_ptr<State> state) : state_(std::move(state)) {}
TpmDevice::~TpmDevice() = default;

Result<std::unique_ptr<TpmDevice>> TpmDevice::open(const std::string& transport) {
  CLOISTER_TRY(const TpmLibrary library, TpmLibrary::load());
  auto state = std::make_unique<State>(library);
  TSS2_RC code = state->tss.open_transport(transport.empty() ? nullptr : transport.c_str(), &state->transport);
  if (code != TSS2_RC_SUCCESS) return failed("reach the TPM", code);
  code = state->tss.begin(&state->context, state->transport, nullptr);
  if (code != TSS2_RC_SUCCESS) return failed("speak to the TPM", code);
  CLOISTER_RETURN_IF_ERROR(state->read_limits());
  CLOISTER_TRY(state->endorsement_key, state->create(endorsement_template(), state->endorsement));
  CLOISTER_TRY(state->attestation_key, state->create(attestation_template(), state->attestation));
  return std::unique_ptr<TpmDevice>(new TpmDevice(std::move(state)));
}

const Bytes& TpmDevice::endorsement_key() const { return state_->endorsement_key; }
const Bytes& TpmDevice::attestation_key() const { return state_->attestation_key; }
Result<Bytes> TpmDevice::endorsement_certificate() {
  State& state = *state_;
  ESYS_TR index = ESYS_TR_NONE;
  const TSS2_RC found =
      state.tss.find_object(state.context, kCertificateIndex, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &index);
  if (found == kNoSuchIndex) return Bytes();
  if (found != TSS2_RC_SUCCESS) return failed("look for a certificate in the TPM", found);
  CLOISTER_TRY(const std::size_t size, state.size_of_index(index));
  if (size > kCertificateMax) return Error(Code::kUnsupported, "the certificate in the TPM is too large");
  Bytes bytes;
  while (bytes.size() < size) {
    const auto piece = static_cast<std::uint16_t>(std::min<std::size_t>(kPieceOfIndex, size - bytes.size()));
    TPM2B_MAX_NV_BUFFER* read = nullptr;
    const TSS2_RC code = state.tss.read_index(state.context, index, index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                              piece, static_cast<std::uint16_t>(bytes.size()), &read);
    if (code != TSS2_RC_SUCCESS) return failed("read the certificate in the TPM", code);
    const auto buffer = state.owned(read);
    if (buffer->size != piece) return Error(Code::kInternal, "the TPM reads less than it was asked for");
    bytes.insert(bytes.end(), buffer->buffer, buffer->buffer + buffer->size);
  }
  return one_der_element(std::move(bytes));
}

std::size_t TpmDevice::extra_size_max() const { return state_->extra_size_max; }

Result<QuotedRegisters> TpmDevice::quote(ByteView extra, const std::vector<std::uint8_t>& registers) {
  if (extra.size() > state_->extra_size_max) return Error(Code::kInvalid, "the TPM's quotes don't carry that much");
  const bool ascending = std::ranges::adjacent_find(registers, std::ranges::greater_equal()) == registers.end();
  if (registers.empty() || !ascending || registers.back() >= kRegisters) {
    return Error(Code::kInvalid, "registers are 0 to 23, ascending");
  }
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    CLOISTER_TRY(QuotedRegisters quoted, state_->quote_once(extra, registers));
    // The digest is the last of the statement. Another process may have extended a register in between.
    const crypto::Sha256Digest digest = crypto::sha256(quoted.values);
    if (quoted.quote.size() > digest.size() && equal(ByteView(quoted.quote).last(digest.size()), digest)) return quoted;
  }
  return Error(Code::kUnavailable, "the TPM's registers change faster than they can be read");
}

Result<crypto::Secret> TpmDevice::activate(const crypto::SealedTpmCredential& sealed) {
  TPM2B_ID_OBJECT object{};
  TPM2B_ENCRYPTED_SECRET secret{};
  if (sealed.object.size() > sizeof object.credential || sealed.secret.size() > sizeof secret.secret) {
    return Error(Code::kInvalid, "a credential is longer than a TPM takes");
  }
  object.size = static_cast<std::uint16_t>(sealed.object.size());
  std::ranges::copy(sealed.object, object.credential);
  secret.size = static_cast<std::uint16_t>(sealed.secret.size());
  std::ranges::copy(sealed.secret, secret.secret);

  State& state = *state_;
  TPMT_SYM_DEF none{};
  none.algorithm = TPM2_ALG_NULL;
  ESYS_TR session = ESYS_TR_NONE;
  TSS2_RC code = state.tss.start_session(state.context, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                         ESYS_TR_NONE, nullptr, TPM2_SE_POLICY, &none, TPM2_ALG_SHA256, &session);
  if (code != TSS2_RC_SUCCESS) return failed("begin a session with the TPM", code);
  code = state.tss.policy_secret(state.context, ESYS_TR_RH_ENDORSEMENT, session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                 ESYS_TR_NONE, nullptr, nullptr, nullptr, 0, nullptr, nullptr);
  TPM2B_DIGEST* opened = nullptr;
  if (code == TSS2_RC_SUCCESS) {
    code = state.tss.activate_credential(state.context, state.attestation, state.endorsement, ESYS_TR_PASSWORD, session,
                                         ESYS_TR_NONE, &object, &secret, &opened);
  }
  if (code != TSS2_RC_SUCCESS) {
    state.flush(session);  // it ends by itself only with the command that it authorised
    return failed("open a credential in the TPM", code);
  }
  const auto digest = state.owned(opened);
  crypto::Secret result = crypto::Secret::copy_of({digest->buffer, digest->size});
  crypto::wipe({digest->buffer, digest->size});
  return result;
}

}  // namespace cloister::worker
