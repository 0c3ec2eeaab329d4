#include "tests/support/intel_vectors.h"

#include "tests/support/vector_folder.h"

namespace cloister::testing {

using namespace attest;

Bytes pcs_answer(std::string_view member, std::string_view inner, std::string_view signature_hex) {
  std::string text = "{\"" + std::string(member) + "\":" + std::string(inner) + ",\"signature\":\"";
  text.append(signature_hex).append("\"}");
  return to_bytes(as_bytes(text));
}

namespace {

CollateralItem statement(const Path& folder, const CollateralNeed& need, std::string_view member,
                         const std::string& name) {
  CollateralItem item;
  item.kind = need.kind;
  item.key = need.key;
  item.body = pcs_answer(member, text_of_file(folder / (name + ".json")), text_of_file(folder / (name + ".sig.hex")));
  item.issuer_chain = text_of_file(folder / (name + "_issuer_chain.pem"));
  return item;
}

}  // namespace

Collateral intel_collateral(const Path& folder, const Evidence& evidence) {
  Collateral collateral;
  for (const CollateralNeed& need : needs(evidence)) {
    if (need.kind == CollateralKind::kIntelTcbInfo) {
      collateral.add(statement(folder, need, "tcbInfo", "tcb_info"));
    } else if (need.kind == CollateralKind::kIntelQeIdentity) {
      collateral.add(statement(folder, need, "enclaveIdentity", "qe_identity"));
    } else {
      CollateralItem list;
      list.kind = need.kind;
      list.key = need.key;
      list.body = bytes_of_file(folder / (need.key == "root" ? "root_ca.crl.der" : "pck.crl.der"));
      collateral.add(std::move(list));
    }
  }
  return collateral;
}

}  // namespace cloister::testing
