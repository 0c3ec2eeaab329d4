#include "attest/tpm/quote_checks.h"

#include <algorithm>

namespace cloister::attest {
namespace {

bool answers(ByteView extra, const Bytes& wanted) {
  if (wanted.size() > crypto::Sha256Digest{}.size() && equal(extra, crypto::sha256(wanted))) return true;
  const std::size_t common = std::min(extra.size(), wanted.size());
  return !extra.empty() && equal(extra.first(common), ByteView(wanted).first(common)) &&
         all_zero(extra.subspan(common)) && all_zero(ByteView(wanted).subspan(common));
}

std::string pcr_name(TpmHash hash, std::uint8_t number) {
  const std::string bank = hash == TpmHash::kSha256 ? "" : std::string(tpm_hash_name(hash)) + ".";
  return "tpm." + bank + "pcr" + std::to_string(number);
}

void check_signature(Verdict& verdict, const QuotedState& state, const crypto::PublicKey* key) {
  if (key == nullptr) {
    return verdict.skip("quote-signature", Reason::kReferenceMissing, "the key that signed it isn't known");
  }
  const Status status = key->verify(state.signature.algorithm, state.quote_bytes, state.signature.signature);
  if (status.ok()) return verdict.pass("quote-signature");
  verdict.fail("quote-signature", Reason::kBadSignature, status.error().message());
}

void check_pcrs(Verdict& verdict, const QuotedState& state) {
  if (state.quote.pcrs_size() == 0) {
    return verdict.fail("pcr-digest", Reason::kReferenceMissing, "the quote is over no register");
  }
  const bool complete = state.pcrs.size() == state.quote.pcrs_size();
  // The digest is made with the hash that the key signs with.
  if (complete && equal(tpm_digest(state.signature.hash, state.pcrs), state.quote.pcr_digest)) {
    return verdict.pass("pcr-digest");
  }
  verdict.fail("pcr-digest", Reason::kMeasurementMismatch, "the registers aren't those that were quoted");
}

}  // namespace

Result<QuotedState> parse_quoted_state(const Evidence& evidence) {
  QuotedState state;
  state.quote_bytes = to_bytes(evidence.part("quote"));
  CLOISTER_TRY(state.quote, parse_tpm_quote(state.quote_bytes));
  CLOISTER_TRY(state.signature, parse_tpm_signature(evidence.part("signature")));
  state.pcrs = to_bytes(evidence.part("pcrs"));
  return state;
}

bool check_quote(Verdict& verdict, const QuotedState& state, const crypto::PublicKey* key, const Question& question) {
  check_signature(verdict, state, key);
  check_pcrs(verdict, state);
  if (!question.report_data) {
    verdict.skip("report-data", Reason::kReferenceMissing, "nothing was said that it should carry");
  } else if (answers(state.quote.extra_data, *question.report_data)) {
    verdict.pass("report-data", "it answers this question");
  } else {
    verdict.fail("report-data", Reason::kNonceMismatch, "it answers another question");
  }
  return checks_passed(verdict, {"quote-signature"});
}

void add_quote_claims(Verdict& verdict, const QuotedState& state) {
  Claims& claims = verdict.claims;
  claims["report_data"] = state.quote.extra_data;
  claims["tpm.reset_count"] = std::uint64_t{state.quote.reset_count};
  claims["tpm.restart_count"] = std::uint64_t{state.quote.restart_count};
  claims["tpm.firmware_version"] = state.quote.firmware_version;
  claims["tpm.software"] = state.quote.software();
  if (!checks_passed(verdict, {"pcr-digest"})) return;
  ByteView rest = state.pcrs;
  for (const PcrSelection& selection : state.quote.selections) {
    const std::size_t size = tpm_digest_size(selection.hash);
    for (const std::uint8_t number : selection.registers) {
      claims[pcr_name(selection.hash, number)] = to_bytes(rest.first(size));
      rest = rest.subspan(size);
    }
  }
}

bool checks_passed(const Verdict& verdict, std::initializer_list<std::string_view> names) {
  return std::ranges::all_of(names, [&](std::string_view name) {
    const Check* check = verdict.find(name);
    return check != nullptr && check->state == CheckState::kPassed;
  });
}

}  // namespace cloister::attest
