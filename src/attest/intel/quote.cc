#include "attest/intel/quote.h"

#include <algorithm>
#include <array>

#include "base/reader.h"

namespace cloister::attest::intel {
namespace {

constexpr std::size_t kHeaderSize = 48;
constexpr std::size_t kEnclaveReportSize = 384;
constexpr std::size_t kDomainReportSize = 584;
constexpr std::size_t kDomainReport15Size = 648;
constexpr std::uint16_t kEcdsaP256 = 2;
constexpr std::uint32_t kTeeSgx = 0;
constexpr std::uint32_t kTeeTdx = 0x81;
constexpr std::uint16_t kPckChain = 5;
constexpr std::uint16_t kQuotingEnclaveReport = 6;
constexpr std::array<std::uint8_t, 16> kIntelVendor = {0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9,
                                                       0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07};

Error corrupt(std::string what) { return Error(Code::kCorrupt, std::move(what)); }
Error unsupported(std::string what) { return Error(Code::kUnsupported, std::move(what)); }

EnclaveReport enclave_report(ByteView bytes) {
  EnclaveReport report;
  report.bytes = bytes;
  report.misc_select = bytes.subspan(16, 4);
  report.attributes = bytes.subspan(48, 16);
  report.mr_enclave = bytes.subspan(64, 32);
  report.mr_signer = bytes.subspan(128, 32);
  report.config_id = bytes.subspan(192, 64);
  report.product_id = load_le<std::uint16_t>(&bytes[256]);
  report.svn = load_le<std::uint16_t>(&bytes[258]);
  report.config_svn = load_le<std::uint16_t>(&bytes[260]);
  report.report_data = bytes.subspan(320, 64);
  return report;
}

DomainReport domain_report(ByteView bytes) {
  DomainReport report;
  report.tcb_svn = bytes.first(16);
  report.mr_seam = bytes.subspan(16, 48);
  report.mr_signer_seam = bytes.subspan(64, 48);
  report.seam_attributes = bytes.subspan(112, 8);
  report.attributes = bytes.subspan(120, 8);
  report.xfam = bytes.subspan(128, 8);
  report.mr_td = bytes.subspan(136, 48);
  report.mr_config_id = bytes.subspan(184, 48);
  report.mr_owner = bytes.subspan(232, 48);
  report.mr_owner_config = bytes.subspan(280, 48);
  for (std::size_t i = 0; i < 4; ++i) report.rtmr[i] = bytes.subspan(328 + 48 * i, 48);
  report.report_data = bytes.subspan(520, 64);
  if (bytes.size() == kDomainReport15Size) {
    report.tcb_svn_now = bytes.subspan(584, 16);
    report.mr_service_td = bytes.subspan(600, 48);
  }
  return report;
}

Status read_header(Reader& reader, Quote& quote) {
  CLOISTER_TRY(quote.version, reader.u16("quote version"));
  if (quote.version < 3 || quote.version > 5) {
    return unsupported("quotes of version " + std::to_string(quote.version) + " aren't read");
  }
  CLOISTER_TRY(const std::uint16_t key_type, reader.u16("attestation key type"));
  if (key_type != kEcdsaP256) return unsupported("the attestation key isn't of ECDSA P-256");
  CLOISTER_TRY(const std::uint32_t tee, reader.u32("TEE type"));
  if (tee != kTeeSgx && (tee != kTeeTdx || quote.version == 3)) return corrupt("the TEE type is unknown");
  quote.tee = tee == kTeeSgx ? Tee::kSgx : Tee::kTdx;
  CLOISTER_TRY(const ByteView svns, reader.bytes(4, "SVNs of the quoting enclave"));
  // Reserved from version 4 on, and signed: whoever reads them can rely on it.
  if (quote.version > 3 && !all_zero(svns)) return corrupt("reserved bytes of the header aren't zero");
  CLOISTER_TRY(const ByteView vendor, reader.bytes(kIntelVendor.size(), "vendor of the quoting enclave"));
  if (!equal(vendor, kIntelVendor)) return unsupported("the quoting enclave isn't Intel's");
  CLOISTER_RETURN_IF_ERROR(reader.bytes(20, "user data"));
  CLOISTER_CHECK(reader.offset() == kHeaderSize);
  return {};
}

// From version 5 on the body says what it is.
Result<std::size_t> read_body_size(Reader& reader, const Quote& quote) {
  const std::size_t usual = quote.tee == Tee::kSgx ? kEnclaveReportSize : kDomainReportSize;
  if (quote.version < 5) return usual;
  CLOISTER_TRY(const std::uint16_t type, reader.u16("body type"));
  CLOISTER_TRY(const std::uint32_t size, reader.u32("body size"));
  if (type < 1 || type > 3) return corrupt("the body type is unknown");
  if ((type == 1) != (quote.tee == Tee::kSgx)) return corrupt("the body isn't of the header's TEE");
  const std::size_t wanted = type == 3 ? kDomainReport15Size : usual;
  if (size != wanted) return corrupt("the body's size isn't its type's");
  return wanted;
}

Status read_certificates(Reader& reader, Quote& quote) {
  CLOISTER_TRY(const std::uint16_t type, reader.u16("certification data type"));
  CLOISTER_TRY(const std::uint32_t size, reader.u32("certification data size"));
  CLOISTER_TRY(quote.certificates, reader.bytes(size, "certification data"));
  if (type == kPckChain) return {};
  return unsupported("certification data of type " + std::to_string(type) + " has no certificate chain");
}

Status read_quoting_enclave(Reader& reader, Quote& quote) {
  CLOISTER_TRY(const ByteView report, reader.bytes(kEnclaveReportSize, "report of the quoting enclave"));
  quote.quoting_enclave = enclave_report(report);
  CLOISTER_TRY(quote.quoting_enclave_signature, reader.bytes(64, "signature of the quoting enclave's report"));
  CLOISTER_TRY(quote.authentication_data, reader.prefixed16(UINT16_MAX, "authentication data"));
  CLOISTER_RETURN_IF_ERROR(read_certificates(reader, quote));
  return reader.expect_end("the signature data");
}

Status read_signatures(ByteView bytes, Quote& quote) {
  Reader reader(bytes);
  CLOISTER_TRY(quote.signature, reader.bytes(64, "quote signature"));
  CLOISTER_TRY(quote.attestation_key, reader.bytes(64, "attestation key"));
  if (quote.version == 3) return read_quoting_enclave(reader, quote);
  CLOISTER_TRY(const std::uint16_t type, reader.u16("certification data type"));
  CLOISTER_TRY(const std::uint32_t size, reader.u32("certification data size"));
  if (type != kQuotingEnclaveReport) {
    return unsupported("certification data of type " + std::to_string(type) + " has no quoting enclave's report");
  }
  CLOISTER_TRY(const ByteView inner, reader.bytes(size, "certification data"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the signature data"));
  Reader inner_reader(inner);
  return read_quoting_enclave(inner_reader, quote);
}

}  // namespace

Result<Quote> parse_quote(ByteView bytes) {
  Quote quote;
  Reader reader(bytes);
  CLOISTER_RETURN_IF_ERROR(read_header(reader, quote));
  CLOISTER_TRY(const std::size_t body_size, read_body_size(reader, quote));
  CLOISTER_TRY(const ByteView body, reader.bytes(body_size, "body"));
  quote.signed_part = bytes.first(reader.offset());
  if (quote.tee == Tee::kSgx) {
    quote.enclave = enclave_report(body);
  } else {
    quote.domain = domain_report(body);
  }
  CLOISTER_TRY(const std::uint32_t signatures_size, reader.u32("size of the signature data"));
  CLOISTER_TRY(const ByteView signatures, reader.bytes(signatures_size, "signature data"));
  CLOISTER_RETURN_IF_ERROR(read_signatures(signatures, quote));
  quote.size = reader.offset();
  if (reader.remaining() > kQuoteTrailingMax) return corrupt("too many bytes follow the quote");
  return quote;
}

}  // namespace cloister::attest::intel
