// cloister store: where the home's keys are kept, and moving them from SQLite to PostgreSQL.
#include "commands.h"

namespace cloister::cli {
namespace {

struct AnchorRequest {
  std::string file;
  bool remove = false;
};

struct StoreRequest {
  std::string target;
  std::string schema = "cloister";
  bool require_standby = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister store show
  cloister store migrate --to /etc/cloister/postgres
      copies keys.db into PostgreSQL, compares the two, and uses PostgreSQL
      from then on
  cloister store migrate --to environment --require-standby
      the server is what PGHOST, PGDATABASE, … say; nothing is written unless a
      synchronous standby is attached

  cloister store anchor /mnt/other-disk/home.anchor
      from now on every change is noted there, and a copy of the store from
      before is refused

NOTES
  An anchor belongs where whoever restores the home doesn't restore it: on
  another disk, or another machine's. When it is gone the home is refused, until
  the same command makes a new one. It protects against an old store, not
  against somebody who has the root key and an old copy elsewhere.
  The connection file (0600) holds libpq's keywords and values: host=a,b
  dbname=keys user=cloister. To another machine the connection is under TLS and
  verified in full. A password belongs into the file or a passfile.
  keys.db stays as it was and is marked as moved: nothing uses it by accident.
  An interrupted migration is run again. The runbook has set-up, failover,
  backups and the way back.
)";

Json digests_json(const std::vector<keys::TableDigest>& tables) {
  Json json = Json::array();
  for (const keys::TableDigest& table : tables) {
    json.push_back({{"table", table.table}, {"rows", table.rows}, {"digest", to_hex(table.digest)}});
  }
  return json;
}

Result<Outcome> migrate(Session& session, const StoreRequest& request) {
  CLOISTER_TRY(const PostgresConfig target,
               make_postgres_config(request.target, request.schema,
                                    request.require_standby ? Standby::kRequired : Standby::kOptional));
  CLOISTER_TRY(const keys::Moved moved, session.move_store(target));
  Table table({"TABLE", "ROWS", "SHA-256, THE SAME ON BOTH SIDES"});
  for (const keys::TableDigest& digest : moved.tables) {
    table.row({digest.table, std::to_string(digest.rows), to_hex(digest.digest)});
  }
  Outcome outcome;
  outcome.terse = true;
  outcome.text = table.text() + "the store is in " + target.text() + " now; " + session.sqlite_path().string() +
                 " is as it was, marked as moved\n";
  outcome.json = {{"store", target.text()},
                  {"tables", digests_json(moved.tables)},
                  {"audit_rows", moved.head.rows},
                  {"audit_head", to_hex(moved.head.hash)}};
  return outcome;
}

Result<Outcome> show(Session& session, const StoreRequest&) {
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const std::string where, session.store_text());
  CLOISTER_TRY(const keys::AuditHead head, store->audit_head());
  CLOISTER_TRY(const auto tenants, store->tenants());
  CLOISTER_TRY(const HomeConfig config, session.read_config());
  Outcome outcome;
  outcome.text = "store: " + where + "\n" + count_text(tenants.size(), "KEK") + ", " +
                 count_text(head.rows, "audit row") + ", head " + to_hex(head.hash) + "\n";
  outcome.text += config.anchor.empty() ? "no anchor: an older copy of the store wouldn't be noticed\n"
                                        : "anchor: " + printable(config.anchor) + "\n";
  outcome.json = {{"store", where},
                  {"keks", tenants.size()},
                  {"audit_rows", head.rows},
                  {"audit_head", to_hex(head.hash)},
                  {"anchor", config.anchor}};
  return outcome;
}

Result<Outcome> anchor(Session& session, const AnchorRequest& request) {
  if (request.file.empty() != request.remove) return invalid("name the anchor's file, or say --remove");
  CLOISTER_TRY(const HomeConfig before, session.read_config());
  if (!request.remove) {
    CLOISTER_RETURN_IF_ERROR(home::make_anchor(session.home(), before, request.file, session.random()));
  }
  CLOISTER_RETURN_IF_ERROR(session.edit_config([&](HomeConfig& config) -> Status {
    config.anchor = request.file;
    return {};
  }));
  CLOISTER_RETURN_IF_ERROR(
      session.record("store.anchor", "", "store", request.remove ? "none any more" : request.file));
  Outcome outcome;
  outcome.terse = true;
  outcome.text = request.remove ? "the store has no anchor any more\n"
                                : "the store is anchored in " + printable(request.file) +
                                      ": running programs note it once they are started again\n";
  outcome.json = {{"anchor", request.file}};
  return outcome;
}

}  // namespace

void add_store(CLI::App& app, Run& run) {
  auto request = std::make_shared<StoreRequest>();
  CLI::App* group = add_verb(app, "store", "where the home's keys are kept; move them to PostgreSQL", kManual);
  group->require_subcommand(1);
  set_action(add_verb(*group, "show", "where it is, and how far its audit goes", ""), run, request, show);
  auto anchoring = std::make_shared<AnchorRequest>();
  CLI::App* verb = add_verb(*group, "anchor", "a file elsewhere that an older copy of the store contradicts", "");
  verb->add_option("FILE", anchoring->file, "outside of the home; made, or moved forward")->type_name("FILE");
  verb->add_flag("--remove", anchoring->remove, "hold the store to none any more");
  set_action(verb, run, anchoring, anchor);
  CLI::App* moving = add_verb(*group, "migrate", "from keys.db to PostgreSQL, whole and compared", "");
  moving->add_option("--to", request->target, "a file with libpq's keywords and values, or `environment`")
      ->type_name("FILE")
      ->required();
  moving->add_option("--schema", request->schema, "the schema that holds the tables")
      ->type_name("NAME")
      ->capture_default_str();
  moving->add_flag("--require-standby", request->require_standby,
                   "write nothing unless a synchronous standby is attached");
  set_action(moving, run, request, migrate);
}

}  // namespace cloister::cli
