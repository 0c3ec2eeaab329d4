#include "attest/intel/verify.h"

#include <algorithm>

#include "attest/event_log/registers.h"
#include "attest/intel/claims.h"
#include "attest/intel/revocation.h"
#include "attest/intel/statement.h"
#include "attest/intel/tcb_level.h"
#include "attest/path_checks.h"

namespace cloister::attest::intel {
namespace {

using crypto::KeyType;
using crypto::PublicKey;

constexpr std::string_view kTcbInfoMember = "tcbInfo";
constexpr std::string_view kIdentityMember = "enclaveIdentity";

Reason reason_of(Code code) { return code == Code::kUnsupported ? Reason::kUnsupported : Reason::kMalformed; }
std::string_view tee_key(Tee tee) { return tee == Tee::kSgx ? "sgx" : "tdx"; }
std::string tcb_info_key(Tee tee, ByteView fmspc) { return std::string(tee_key(tee)) + "/" + to_hex(fmspc); }

bool is_signed(crypto::VerificationCache* cache, const PublicKey& key, ByteView message, ByteView signature) {
  return crypto::verify_signature(cache, key, crypto::SignatureAlgorithm::kEcdsaSha256, message,
                                  crypto::ecdsa_signature(signature.first(32), signature.last(32)))
      .ok();
}

// One quote and what is found out about it, in the order of the checks.
class Verification {
 public:
  Verification(const Quote& quote, PckChain chain, const Question& question, Verdict& verdict)
      : quote_(quote), chain_(std::move(chain)), question_(question), verdict_(verdict), signers_(question) {}

  void run() {
    check_signatures();
    check_platform();
    // The statements first: those who signed them are looked up in the revocation lists, too.
    if (platform_) read_statements();
    check_revocation(verdict_, chain_, signers_.certificates(), question_);
    report_statement("tcb-info", tcb_refusal_, tcb_detail_);
    report_statement("qe-identity", identity_refusal_, identity_detail_);
    check_quoting_enclave();
    if (quote_.domain) check_module();
    check_level();
    check_rollback();
    if (genuine_) add_claims(verdict_, quote_, *platform_, assessment_ ? &*assessment_ : nullptr);
    if (assessment_ && genuine_) {
      verdict_.claims["intel.tcb_evaluation_number"] = tcb_info_->evaluation_number;
      verdict_.advisories = assessment_->advisories;
    }
    if (identity_ && genuine_) verdict_.claims["intel.qe_evaluation_number"] = identity_->evaluation_number;
    check_debug(verdict_, quote_);
    check_report_data(verdict_, quote_, question_);
  }

 private:
  void check(const char* name, bool holds, Reason reason, const char* good, const char* bad) {
    if (holds) {
      verdict_.pass(name, good);
    } else {
      verdict_.fail(name, reason, bad);
    }
    genuine_ = genuine_ && holds;
  }

  void check_signatures() {
    const auto key =
        PublicKey::from_ec_point(KeyType::kEcP256, quote_.attestation_key.first(32), quote_.attestation_key.last(32));
    // No two quotes are the same: there is nothing to remember.
    check("quote-signature", key.ok() && is_signed(nullptr, *key, quote_.signed_part, quote_.signature),
          Reason::kBadSignature, "by the attestation key", "the quote isn't signed by its attestation key");
    Bytes named = to_bytes(quote_.attestation_key);
    named.insert(named.end(), quote_.authentication_data.begin(), quote_.authentication_data.end());
    const ByteView report_data = quote_.quoting_enclave.report_data;
    check("qe-binding", equal(report_data.first(32), crypto::sha256(named)) && all_zero(report_data.last(32)),
          Reason::kBindingMismatch, "the quoting enclave names the attestation key",
          "the quoting enclave's report names another attestation key");
    const auto pck = chain_.leaf.public_key();
    check("qe-signature",
          pck.ok() && pck->type() == KeyType::kEcP256 &&
              is_signed(question_.cache, *pck, quote_.quoting_enclave.bytes, quote_.quoting_enclave_signature),
          Reason::kBadSignature, "by the platform's certified key",
          "the quoting enclave's report isn't signed by the platform's certified key");
    static constexpr Root kRoots[] = {Root::kIntelSgx};
    const PathOutcome path = check_path(verdict_, {chain_.leaf, chain_.intermediates, chain_.root}, kRoots, question_);
    genuine_ = genuine_ && path.holds;
  }

  void check_platform() {
    auto platform = read_platform(chain_.leaf);
    if (platform.ok()) {
      platform_ = std::move(*platform);
      verdict_.pass("platform", "FMSPC " + to_hex(platform_->fmspc));
    } else {
      verdict_.fail("platform", Reason::kMalformed, platform.error().message());
      genuine_ = false;
    }
  }

  void read_statements() {
    tcb_refusal_ = read_tcb();
    if (tcb_refusal_) tcb_info_.reset();
    identity_refusal_ = read_identity();
    if (identity_refusal_) identity_.reset();
  }

  // What the item says, noted as used and signed by Intel; or why it can't be relied on.
  template <typename Content>
  std::optional<Refusal> read(const CollateralItem& item, std::string_view member,
                              Result<Content> (*read_content)(const JsonValue&), std::shared_ptr<const Content>& out) {
    verdict_.used.push_back({item.name(), item.digest()});
    const auto statement = read_statement(question_.cache, item, verdict_.used.back().digest, member, read_content);
    if (!statement.ok()) return Refusal{Reason::kMalformed, statement.error().message()};
    const Statement<Content>& said = **statement;
    const std::string_view text = as_text(item.body).substr(said.text_at, said.text_size);
    if (auto refusal = signers_.verify(item, text, said.signature)) return refusal;
    if (!said.content.ok()) return Refusal{reason_of(said.content.error().code()), said.content.error().message()};
    out = std::shared_ptr<const Content>(*statement, &said.content.value());
    return std::nullopt;
  }

  const CollateralItem* find(CollateralKind kind, std::string_view key) const {
    return question_.collateral == nullptr ? nullptr : question_.collateral->find(kind, key);
  }

  std::optional<Refusal> read_tcb() {
    const std::string key = tcb_info_key(quote_.tee, platform_->fmspc);
    const CollateralItem* item = find(CollateralKind::kIntelTcbInfo, key);
    if (item == nullptr) return Refusal{Reason::kReferenceMissing, "there is no TCB Info " + key};
    if (auto refusal = read(*item, kTcbInfoMember, read_tcb_info, tcb_info_)) return refusal;
    if (tcb_info_->tee != quote_.tee || tcb_info_->fmspc != platform_->fmspc ||
        tcb_info_->pce_id != platform_->pce_id) {
      return Refusal{Reason::kBindingMismatch, "the TCB Info is of other platforms"};
    }
    verdict_.seen["intel/" + key] = tcb_info_->evaluation_number;
    tcb_detail_ = "evaluation " + std::to_string(tcb_info_->evaluation_number) + " of " + to_rfc3339(tcb_info_->issued);
    return outside(tcb_info_->issued, tcb_info_->next_update, question_.now, "the TCB Info");
  }

  std::optional<Refusal> read_identity() {
    const std::string_view key = tee_key(quote_.tee);
    const CollateralItem* item = find(CollateralKind::kIntelQeIdentity, key);
    if (item == nullptr) return Refusal{Reason::kReferenceMissing, "there is no identity of the quoting enclave"};
    if (auto refusal = read(*item, kIdentityMember, read_qe_identity, identity_)) return refusal;
    if (identity_->tee != quote_.tee) {
      return Refusal{Reason::kBindingMismatch, "the identity is of another quoting enclave"};
    }
    verdict_.seen["intel/" + std::string(key) + "/qe"] = identity_->evaluation_number;
    identity_detail_ =
        "evaluation " + std::to_string(identity_->evaluation_number) + " of " + to_rfc3339(identity_->issued);
    return outside(identity_->issued, identity_->next_update, question_.now, "the identity of the quoting enclave");
  }

  void report_statement(const char* name, const std::optional<Refusal>& refusal, const std::string& detail) {
    if (!platform_) {
      verdict_.skip(name, Reason::kReferenceMissing, "the platform isn't known");
    } else if (!refusal) {
      verdict_.pass(name, detail);
    } else if (refusal->reason == Reason::kReferenceMissing) {
      verdict_.skip(name, refusal->reason, refusal->detail);
    } else {
      verdict_.fail(name, refusal->reason, refusal->detail);
    }
  }

  void check_quoting_enclave() {
    if (!identity_) {
      verdict_.skip("quoting-enclave", Reason::kReferenceMissing, "there is no valid identity to compare with");
    } else if (!matches(*identity_, quote_.quoting_enclave)) {
      verdict_.fail("quoting-enclave", Reason::kMeasurementMismatch, "it isn't Intel's quoting enclave");
    } else if (quoting_level_ = svn_level(identity_->levels, quote_.quoting_enclave.svn); quoting_level_ == nullptr) {
      verdict_.fail("quoting-enclave", Reason::kTcbUnsupported, "its version is below every level");
    } else {
      verdict_.pass("quoting-enclave", std::string(tcb_status_name(quoting_level_->status)));
    }
    // Who made the quote is known not to be Intel's enclave: the platform's key signs reports of any.
    genuine_ = genuine_ && verdict_.checks.back().state != CheckState::kFailed;
    if (!genuine_) return;
    const bool insecure = question_.anchors->insecure(Root::kIntelSgx);
    verdict_.assurance = insecure ? Assurance::kInsecureSoftware : Assurance::kHardware;
  }

  void check_module() {
    module_fits_ = false;
    if (!tcb_info_) {
      verdict_.skip("tdx-module", Reason::kReferenceMissing, "there is no valid TCB Info to compare with");
      return;
    }
    module_ = module_entry(*tcb_info_, *quote_.domain);
    if (module_.module == nullptr) {
      verdict_.fail("tdx-module", Reason::kTcbUnsupported, "the TCB Info has no entry for this version of the module");
    } else if (!matches(*module_.module, *quote_.domain)) {
      verdict_.fail("tdx-module", Reason::kMeasurementMismatch,
                    "its signer or attributes aren't those of Intel's module");
    } else if (module_.identity != nullptr && module_.level == nullptr) {
      verdict_.fail("tdx-module", Reason::kTcbUnsupported, "its version is below every level");
    } else {
      module_fits_ = true;
      verdict_.pass("tdx-module",
                    module_.level == nullptr ? "Intel's" : std::string(tcb_status_name(module_.level->status)));
    }
  }

  void check_level() {
    if (!tcb_info_ || quoting_level_ == nullptr) {
      verdict_.skip("tcb-level", Reason::kReferenceMissing, "there is nothing valid to compare with");
      return;
    }
    const PlatformLevel* platform = platform_level(*tcb_info_, *platform_, quote_);
    if (platform == nullptr) {
      verdict_.fail("tcb-level", Reason::kTcbUnsupported, "no level of the TCB Info matches the platform");
      return;
    }
    if (!module_fits_) {
      verdict_.skip("tcb-level", Reason::kReferenceMissing, "the TDX module has no level");
      return;
    }
    assessment_ = assess(*tcb_info_, quote_, *platform, module_.level, *quoting_level_);
    const std::string name(tcb_status_name(assessment_->status));
    if (assessment_->status == TcbStatus::kRevoked) {
      verdict_.fail("tcb-level", Reason::kRevoked, "Intel has revoked this level");
    } else {
      verdict_.pass("tcb-level", name);
    }
  }

  void check_rollback() {
    if (verdict_.seen.empty()) {
      verdict_.skip("rollback", Reason::kReferenceMissing, "there is no statement that is Intel's");
      return;
    }
    for (const auto& [source, number] : verdict_.seen) {
      if (question_.floors == nullptr) break;
      const auto floor = question_.floors->find(source);
      if (floor == question_.floors->end() || number >= floor->second) continue;
      verdict_.fail(
          "rollback", Reason::kRollback,
          source + " is " + std::to_string(number) + ", and " + std::to_string(floor->second) + " was seen before");
      return;
    }
    verdict_.pass("rollback", "nothing is older than what was seen before");
  }

  const Quote& quote_;
  const PckChain chain_;
  const Question& question_;
  Verdict& verdict_;
  Signers signers_;
  bool genuine_ = true;
  std::optional<Platform> platform_;
  std::shared_ptr<const TcbInfo> tcb_info_;
  std::optional<Refusal> tcb_refusal_, identity_refusal_;
  std::string tcb_detail_, identity_detail_;
  std::shared_ptr<const QeIdentity> identity_;
  const SvnLevel* quoting_level_ = nullptr;
  ModuleEntry module_;
  bool module_fits_ = true;  // false where a domain's module isn't Intel's, or has no level
  std::optional<TcbAssessment> assessment_;
};

Result<Quote> read_quote(const Evidence& evidence) {
  CLOISTER_TRY(Quote quote, parse_quote(evidence.part("quote")));
  if ((quote.tee == Tee::kSgx) != (evidence.kind == Kind::kSgx)) {
    return Error(Code::kInvalid, "the quote is of another TEE than the evidence says");
  }
  return quote;
}

// A quote whose certificates don't lead to the platform's key: nothing in it can be judged.
Verdict without_chain(Kind kind, Time now, const std::string& detail) {
  static constexpr const char* kChecks[] = {
      "quote-signature", "qe-binding", "qe-signature", "published-key", "certificate-chain", "certificate-dates",
      "platform",        "revocation", "tcb-info",     "qe-identity",   "quoting-enclave",   "tdx-module",
      "tcb-level",       "rollback",   "debug",        "report-data"};
  Verdict verdict;
  verdict.kind = kind;
  verdict.at = now;
  verdict.pass("parse", "a quote");
  for (const std::string_view name : kChecks) {
    if (name == "certificate-chain") {
      verdict.fail(std::string(name), Reason::kBadChain, detail);
    } else if (name != "tdx-module" || kind == Kind::kTdx) {
      verdict.skip(std::string(name), Reason::kReferenceMissing, "there is no chain to the platform's key");
    }
  }
  return verdict;
}

}  // namespace

Verdict verify(const Evidence& evidence, const Question& question) {
  const auto quote = read_quote(evidence);
  if (!quote.ok()) {
    const Error& error = quote.error();
    return unreadable(evidence.kind, question.now, reason_of(error.code()), error.message());
  }
  auto chain = read_pck_chain(quote->certificates, question.cache);
  if (!chain.ok()) {
    const bool no_path = chain.error().code() == Code::kDenied;
    return no_path ? without_chain(evidence.kind, question.now, chain.error().message())
                   : unreadable(evidence.kind, question.now, Reason::kMalformed, chain.error().message());
  }
  Verdict verdict;
  verdict.kind = evidence.kind;
  verdict.at = question.now;
  verdict.pass("parse", "a quote of version " + std::to_string(quote->version));
  Verification(*quote, std::move(*chain), question, verdict).run();
  const ByteView log = evidence.part("event-log");
  if (quote->domain && !log.empty()) event_log::check_registers(verdict, log, quote->domain->rtmr);
  return verdict;
}

std::vector<CollateralNeed> needs(const Evidence& evidence) {
  const auto quote = read_quote(evidence);
  if (!quote.ok()) return {};
  const auto chain = read_pck_chain(quote->certificates);
  if (!chain.ok()) return {};
  const auto platform = read_platform(chain->leaf);
  if (!platform.ok()) return {};
  return {{CollateralKind::kIntelTcbInfo, tcb_info_key(quote->tee, platform->fmspc)},
          {CollateralKind::kIntelQeIdentity, std::string(tee_key(quote->tee))},
          {CollateralKind::kIntelCrl, "root"},
          {CollateralKind::kIntelCrl, std::string(authority_key(chain->authority))}};
}

std::optional<Kind> quote_kind(ByteView bytes) {
  static constexpr std::uint8_t kVendor[] = {0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9};
  if (bytes.size() < 48 || !equal(bytes.subspan(12, sizeof kVendor), kVendor)) return std::nullopt;
  const auto version = load_le<std::uint16_t>(bytes.data());
  if (version < 3 || version > 5) return std::nullopt;
  return version > 3 && bytes[4] == 0x81 ? Kind::kTdx : Kind::kSgx;
}

}  // namespace cloister::attest::intel
