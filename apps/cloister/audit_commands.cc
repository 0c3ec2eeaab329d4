// cloister audit: what happened to keys and objects, and whether the record of it is whole.
#include <deque>

#include "audit/chain.h"
#include "commands.h"

namespace cloister::cli {
namespace {

struct AuditRequest {
  std::string tenant;
  std::size_t limit = 50;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister audit list --tenant acme --limit 20
  cloister audit verify
  cloister audit list --limit 0 --json | jq '.rows[] | select(.outcome == "refused")'

NOTES
  Every change of a key, every use and every refusal is a row, chained to the
  one before by its hash. `verify` recomputes the chain; keep the head it
  prints elsewhere, since who can write the file could rewrite all of it.
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

Result<Outcome> verify(Session& session, const AuditRequest&) {
  CLOISTER_TRY(keys::Store * store, session.store());
  audit::ChainVerifier verifier;
  CLOISTER_RETURN_IF_ERROR(store->for_each_audit_row([&verifier](const audit::Row& row) { return verifier.next(row); })
                               .with_context("verify the audit log"));
  Outcome outcome;
  outcome.text =
      "the audit log is whole: " + count_text(verifier.rows(), "row") + ", head " + to_hex(verifier.head()) + "\n";
  outcome.json = {{"rows", verifier.rows()}, {"head", to_hex(verifier.head())}};
  return outcome;
}

}  // namespace

void add_audit(CLI::App& app, Run& run) {
  auto request = std::make_shared<AuditRequest>();
  CLI::App* group = add_verb(app, "audit", "list and verify the audit log", kManual);
  group->require_subcommand(1);
  CLI::App* listing = add_verb(*group, "list", "the newest rows, oldest first", "");
  listing->add_option("--tenant", request->tenant, "only this tenant's")->type_name("TENANT[/ENV]");
  listing->add_option("--limit", request->limit, "how many; 0 for all")->type_name("N")->capture_default_str();
  set_action(listing, run, request, list);
  set_action(add_verb(*group, "verify", "recompute the chain of hashes", ""), run, request, verify);
}

}  // namespace cloister::cli
