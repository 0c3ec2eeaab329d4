#include "attest/intel/qe_identity.h"

namespace cloister::attest::intel {

Result<QeIdentity> read_qe_identity(const JsonValue& value) {
  QeIdentity identity;
  CLOISTER_TRY(const std::string id, text_member(value, "id"));
  if (id != "QE" && id != "TD_QE") return Error(Code::kUnsupported, "that identity isn't a quoting enclave's");
  identity.tee = id == "QE" ? Tee::kSgx : Tee::kTdx;
  CLOISTER_TRY(const std::uint64_t version, number_member(value, "version", UINT16_MAX));
  if (version != 2) {
    return Error(Code::kUnsupported, "identities of version " + std::to_string(version) + " aren't read");
  }
  CLOISTER_TRY(identity.issued, time_member(value, "issueDate"));
  CLOISTER_TRY(identity.next_update, time_member(value, "nextUpdate"));
  CLOISTER_TRY(identity.evaluation_number, number_member(value, "tcbEvaluationDataNumber", UINT32_MAX));
  CLOISTER_TRY(identity.misc_select, hex_member(value, "miscselect", 4));
  CLOISTER_TRY(identity.misc_select_mask, hex_member(value, "miscselectMask", 4));
  CLOISTER_TRY(identity.attributes, hex_member(value, "attributes", 16));
  CLOISTER_TRY(identity.attributes_mask, hex_member(value, "attributesMask", 16));
  CLOISTER_TRY(identity.mr_signer, hex_member(value, "mrsigner", 32));
  CLOISTER_TRY(const std::uint64_t product, number_member(value, "isvprodid", UINT16_MAX));
  identity.product_id = static_cast<std::uint16_t>(product);
  CLOISTER_TRY(identity.levels, read_svn_levels(value));
  return identity;
}

bool equal_under(ByteView value, ByteView expected, ByteView mask) {
  if (value.size() != expected.size() || value.size() != mask.size()) return false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if ((value[i] & mask[i]) != (expected[i] & mask[i])) return false;
  }
  return true;
}

bool matches(const QeIdentity& identity, const EnclaveReport& report) {
  return equal_under(report.misc_select, identity.misc_select, identity.misc_select_mask) &&
         equal_under(report.attributes, identity.attributes, identity.attributes_mask) &&
         equal(report.mr_signer, identity.mr_signer) && report.product_id == identity.product_id;
}

}  // namespace cloister::attest::intel
