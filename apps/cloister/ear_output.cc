#include "ear_output.h"

namespace cloister::cli {

Result<service::ResultTokens> open_result_tokens(Session& session) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const service::AuthenticSettings settings, session.service_settings());
  return service::ResultTokens::open(settings, hierarchy->store(), session.random(), session.caller());
}

Status write_ear(Session& session, const std::string& file, const attest::SetVerdict& verdict,
                 const attest::EarRequest& request, Outcome& outcome) {
  CLOISTER_TRY(const service::ResultTokens tokens, open_result_tokens(session).with_context("sign the result"));
  CLOISTER_TRY(const std::string token, tokens.sign(verdict, request));
  const std::string digest = to_hex(crypto::sha256(as_bytes(token)));
  CLOISTER_RETURN_IF_ERROR(session.record("attestation.result", "",
                                          std::string(attest::kind_name(verdict.primary.kind)), "sha256:" + digest));
  CLOISTER_RETURN_IF_ERROR(write_file(file, as_bytes(token), Overwrite::kRefuse));
  outcome.text += "signed as a result with the key for assurance " +
                  std::string(attest::assurance_name(verdict.assurance())) + ": " + printable(file) + "\n";
  outcome.json["ear"] = {{"file", file}, {"sha256", digest}};
  return {};
}

}  // namespace cloister::cli
