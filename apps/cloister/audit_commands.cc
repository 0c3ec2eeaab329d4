// cloister audit: what happened to keys and objects, and whether the record of it is whole.
#include <deque>

#include "audit_log_commands.h"
#include "keys/audit_verify.h"

namespace cloister::cli {
namespace {

struct AuditRequest {
  std::string tenant;
  std::size_t limit = 50;
  std::string exported;  // empty: this home's own
  ExportTrust trust;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister audit list --tenant acme --limit 20
  cloister audit verify
  cloister audit list --limit 0 --json | jq '.rows[] | select(.outcome == "refused")'
  cloister audit key acme > acme.vkey
  cloister audit export acme acme.jsonl
  cloister audit verify acme.jsonl --key acme.vkey
      anywhere, from the file and the public key alone
  cloister audit new-witness witness.example.org/w1 w1.key > w1.vkey
  cloister audit checkpoint acme --request ask > acme.checkpoint
  cloister audit cosign ask --log-key acme.vkey --witness-key w1.key \
      --state acme.seen --first >> acme.checkpoint
  cloister audit export acme acme.jsonl --checkpoint acme.checkpoint
  cloister audit verify acme.jsonl --key acme.vkey --witness w1.vkey --quorum 1

NOTES
  Every change of a key, every use and every refusal is a row, chained to the
  one before by its hash, and a record of its tenant's log, a Merkle tree.
  `verify` without a file recomputes both; keep the head it prints elsewhere,
  since who can write the store could rewrite all of it.
  A witness is somebody else, with a key and a memory of their own: it cosigns
  only what continues what it cosigned before, so that nobody is shown another
  past than others were. Its --state must not get lost.
)";

Json row_json(const audit::Row& row) {
  return {{"sequence", row.sequence},
          {"time", to_rfc3339(row.event.time)},
          {"actor", row.event.actor},
          {"action", row.event.action},
          {"tenant", row.event.tenant},
          {"subject", row.event.subject},
          {"outcome", audit::outcome_name(row.event.outcome)},
          {"detail", row.event.detail},
          {"index", row.index},
          {"leaf", to_hex(row.leaf)},
          {"hash", to_hex(row.hash)}};
}

Result<Outcome> list(Session& session, const AuditRequest& request) {
  CLOISTER_TRY(keys::Store * store, session.store());
  std::deque<audit::Row> rows;
  CLOISTER_RETURN_IF_ERROR(store->for_each_audit_row([&](const audit::Row& row) {
    if (!request.tenant.empty() && row.event.tenant != request.tenant) return ok_status();
    rows.push_back(row);
    if (request.limit != 0 && rows.size() > request.limit) rows.pop_front();
    return ok_status();
  }));
  Table table({"#", "TIME", "ACTOR", "ACTION", "TENANT", "SUBJECT", "OUTCOME", "DETAIL"});
  Json json = Json::array();
  for (const audit::Row& row : rows) {
    table.row({std::to_string(row.sequence), to_rfc3339(row.event.time), printable(row.event.actor), row.event.action,
               printable(row.event.tenant), printable(row.event.subject),
               std::string(audit::outcome_name(row.event.outcome)), printable(row.event.detail)});
    json.push_back(row_json(row));
  }
  Outcome outcome;
  outcome.text = table.text();
  outcome.json = {{"rows", json}};
  return outcome;
}

Result<Outcome> verify(Session& session, const AuditRequest& request) {
  if (!request.exported.empty()) return verify_exported_log(request.exported, request.trust);
  if (!request.trust.log_key.empty() || !request.trust.witnesses.empty() || request.trust.quorum != 0) {
    return invalid("--key, --witness and --quorum belong to an exported log: name its file");
  }
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const keys::AuditSummary summary, keys::verify_audit(*store).with_context("verify the audit log"));
  CLOISTER_TRY(const std::string server, store->log_server());
  Outcome outcome;
  outcome.text = "the audit log is whole: " + count_text(summary.rows, "row") + ", head " + to_hex(summary.head) + "\n";
  Table table({"LOG", "RECORDS", "ROOT"});
  Json trees = Json::array();
  for (const auto& [name, head] : summary.trees) {
    const std::string origin = server + "/" + name;
    table.row({origin, std::to_string(head.size), to_hex(head.root)});
    trees.push_back({{"origin", origin}, {"records", head.size}, {"root", to_hex(head.root)}});
  }
  outcome.text += table.text();
  outcome.json = {{"rows", summary.rows}, {"head", to_hex(summary.head)}, {"logs", trees}};
  return outcome;
}

}  // namespace

void add_audit(CLI::App& app, Run& run) {
  auto request = std::make_shared<AuditRequest>();
  CLI::App* group = add_verb(app, "audit", "list, verify and hand on the audit log", kManual);
  group->require_subcommand(1);
  CLI::App* listing = add_verb(*group, "list", "the newest rows, oldest first", "");
  listing->add_option("--tenant", request->tenant, "only this tenant's")->type_name("TENANT[/ENV]");
  listing->add_option("--limit", request->limit, "how many; 0 for all")->type_name("N")->capture_default_str();
  set_action(listing, run, request, list);
  CLI::App* verifying = add_verb(*group, "verify", "recompute this home's, or an exported log", "");
  verifying->add_option("FILE", request->exported, "an exported log; needs no home");
  verifying->add_option("--key", request->trust.log_key, "the log's key, or a file that holds it")->type_name("KEY");
  verifying->add_option("--witness", request->trust.witnesses, "a trusted witness's key, or a file that holds it")
      ->type_name("KEY");
  verifying->add_option("--quorum", request->trust.quorum, "how many of the witnesses must have cosigned")
      ->type_name("N");
  set_action(verifying, run, request, verify);
  add_audit_log(*group, run);
}

}  // namespace cloister::cli
