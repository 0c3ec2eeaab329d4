#include "redteam/log_attacks.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "keys/audit_verify.h"
#include "keys/sqlite.h"

namespace cloister::redteam {
namespace {

constexpr std::uint64_t kRowsMin = 8;
constexpr std::uint64_t kRowsRemadeMax = 100'000;
constexpr std::size_t kBatch = 500;
constexpr std::string_view kRemedy =
    "the log was changed and nobody noticed: note its checkpoints elsewhere or let a witness cosign them, and verify "
    "against those (docs/formats/audit-log.md)";

using Sql = std::vector<std::string>;

// What keeps programs from changing rows, and nobody who has the file.
const std::string kUnlock[] = {"DROP TRIGGER IF EXISTS audit_no_update", "DROP TRIGGER IF EXISTS audit_no_delete",
                               "DROP TRIGGER IF EXISTS audit_appends_only"};

// Statements, one after the other, as somebody with the file and its format would run them.
Status run_sql(const Path& store, const Sql& statements) {
  CLOISTER_TRY(const auto database, keys::open_sqlite(store));
  return database->transaction({[&]() -> Status {
                                  for (const std::string& sql : statements) {
                                    CLOISTER_RETURN_IF_ERROR(keys::Statement(*database, sql).execute());
                                  }
                                  return {};
                                },
                                {}});
}

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

class Tampering {
 public:
  Tampering(const Field& field, const LogTarget& target)
      : field_(field), target_(target), tally_(field, "RT-M06", std::string(kRemedy)) {}

  Report run() && {
    const Status ready = read();
    if (!ready.ok()) return not_run("RT-M06", ready.error().message());
    on_copy("the log as it is", {}, /*honest=*/true);
    edit();
    remove_and_move();
    remake();
    return std::move(tally_).finish();
  }

 private:
  Status read() {
    const Path copy = next_copy();
    CLOISTER_RETURN_IF_ERROR(copy_store(target_.store, copy));
    CLOISTER_TRY(keys::Store store, keys::Store::open(copy));
    CLOISTER_TRY(server_, store.log_server());
    CLOISTER_RETURN_IF_ERROR(store.for_each_audit_row([&](const audit::Row& row) -> Status {
      if (rows_.size() == kRowsRemadeMax) return Error(Code::kInvalid, "the log is too long to be made anew");
      rows_.push_back(row);
      return {};
    }));
    if (rows_.size() < kRowsMin) {
      return Error(Code::kInvalid, "the log has fewer than " + std::to_string(kRowsMin) + " rows");
    }
    return {};
  }

  Path next_copy() { return field_.folder / ("copy" + std::to_string(++copies_) + ".db"); }

  void judge(const std::string& what, const Path& store, bool honest) {
    const Status came = target_.verify(store);
    honest ? tally_.honest(what, came) : tally_.attack(what, came);
    for (const char* part : {"", "-wal", "-shm"}) {
      std::error_code ignored;
      std::filesystem::remove(store.string() + part, ignored);
    }
  }

  void on_copy(const std::string& what, Sql sql, bool honest = false) {
    if (tally_.over()) return;
    const Path copy = next_copy();
    Status made = copy_store(target_.store, copy);
    if (made.ok() && !honest) {
      sql.insert(sql.begin(), std::begin(kUnlock), std::end(kUnlock));
      made = run_sql(copy, sql);
    }
    if (!made.ok()) return tally_.cannot(what + ": " + made.error().message());
    judge(what, copy, honest);
  }

  std::string middle() const { return std::to_string(rows_.size() / 2); }

  void edit() {
    const std::string where = " WHERE sequence = " + middle();
    on_copy("who did it is changed", {"UPDATE audit SET actor = 'somebody else'" + where});
    on_copy("what was done is changed", {"UPDATE audit SET action = 'nothing'" + where});
    on_copy("whose it was is changed", {"UPDATE audit SET tenant = 'another'" + where});
    on_copy("what it was done to is changed", {"UPDATE audit SET subject = 'another'" + where});
    on_copy("a detail is changed", {"UPDATE audit SET detail = detail || '.'" + where});
    on_copy("the outcome is changed",
            {"UPDATE audit SET outcome = CASE outcome WHEN 'allowed' THEN 'refused' ELSE 'allowed' END" + where});
    on_copy("the time is changed", {"UPDATE audit SET time_ms = time_ms - 3600000" + where});
    on_copy("the clock of all rows is changed", {"UPDATE audit SET time_ms = time_ms - 3600000"});
    on_copy("a hash is changed", {"UPDATE audit SET hash = zeroblob(32)" + where});
    on_copy("a leaf is changed", {"UPDATE audit SET leaf = zeroblob(32)" + where});
  }

  void remove_and_move() {
    const std::string row = middle();
    const std::string remove_half = "DELETE FROM audit WHERE sequence > " + row;
    const std::string remove_one = "DELETE FROM audit WHERE sequence = " + row;
    on_copy("a row is deleted", {remove_one});
    on_copy("a row is deleted, the others moved up",
            {remove_one, "UPDATE audit SET sequence = -sequence WHERE sequence > " + row,
             "UPDATE audit SET sequence = -sequence - 1 WHERE sequence < 0"});
    on_copy("two rows change places", {"UPDATE audit SET sequence = 0 WHERE sequence = " + row,
                                       "UPDATE audit SET sequence = " + row + " WHERE sequence = " + row + " + 1",
                                       "UPDATE audit SET sequence = " + row + " + 1 WHERE sequence = 0"});
    on_copy("the last row is cut off", {"DELETE FROM audit WHERE sequence = " + std::to_string(rows_.size())});
    on_copy("half of the rows are cut off", {remove_half});
    const audit::Row& end = rows_[rows_.size() / 2 - 1];
    on_copy("half of the rows are cut off, the note of the newest made right",
            {remove_half, "UPDATE settings SET value = " + sql_text(keys::audit_mark({end.sequence, end.hash}).text) +
                              " WHERE name = 'audit_head'"});
    on_copy("all rows are deleted", {"DELETE FROM audit", "DELETE FROM settings WHERE name = 'audit_head'"});
  }

  // Everything is right in itself: what somebody else has noted is all there is against it.
  void remake() {
    remade("an older log in the place of this one", rows_.size() - 1, nullptr);
    remade("the whole log made anew without who did one thing", rows_.size(), [&](std::size_t at, audit::Event& event) {
      if (at == rows_.size() / 2) event.actor = "somebody else";
    });
    remade("a fork: the same until its last row", rows_.size(), [&](std::size_t at, audit::Event& event) {
      if (at + 1 == rows_.size()) event.detail += " (fork)";
    });
  }

  void remade(const std::string& what, std::size_t count,
              const std::function<void(std::size_t, audit::Event&)>& change) {
    if (tally_.over()) return;
    const Path path = next_copy();
    const Status made = write_anew(path, count, change);
    if (!made.ok()) return tally_.cannot(what + ": " + made.error().message());
    judge(what, path, /*honest=*/false);
  }

  Status write_anew(const Path& path, std::size_t count,
                    const std::function<void(std::size_t, audit::Event&)>& change) {
    {
      CLOISTER_TRY(const keys::Store made, keys::Store::create(path));
    }
    CLOISTER_RETURN_IF_ERROR(run_sql(path, {"INSERT INTO settings VALUES ('log_server', " + sql_text(server_) +
                                            ") ON CONFLICT (name) DO UPDATE SET value = excluded.value"}));
    CLOISTER_TRY(keys::Store store, keys::Store::open(path));
    for (std::size_t from = 0; from < count; from += kBatch) {
      std::vector<keys::Use> uses;
      for (std::size_t at = from; at < std::min(count, from + kBatch); ++at) {
        keys::Use use{rows_[at].event, rows_[at].extras, {}};
        if (change) change(at, use.event);
        uses.push_back(std::move(use));
      }
      CLOISTER_RETURN_IF_ERROR(store.record_uses(uses));
    }
    return {};
  }

  const Field& field_;
  const LogTarget& target_;
  Tally tally_;
  std::string server_;
  std::vector<audit::Row> rows_;
  int copies_ = 0;
};

}  // namespace

Report run_log_tampering(const Field& field, const LogTarget& target) { return Tampering(field, target).run(); }

Status copy_store(const Path& store, const Path& copy) {
  CLOISTER_TRY(const auto database, keys::open_sqlite(store));
  CLOISTER_RETURN_IF_ERROR(keys::Statement(*database, "VACUUM INTO " + sql_text(copy.string())).execute());
  if (::chmod(copy.c_str(), 0600) != 0) return error_from_errno(errno, "chmod " + copy.string());
  return {};
}

Status cut_log(const Path& path, std::uint64_t rows) {
  keys::AuditHead end;
  {
    CLOISTER_TRY(keys::Store store, keys::Store::open(path));
    CLOISTER_TRY(end, store.audit_head());
    if (end.rows <= rows)
      return Error(Code::kInvalid, "the log has no more than " + std::to_string(end.rows) + " rows");
    end.rows -= rows;
    CLOISTER_TRY(end.hash, store.audit_hash(end.rows));
  }
  Sql sql(std::begin(kUnlock), std::end(kUnlock));
  sql.push_back("DELETE FROM audit WHERE sequence > " + std::to_string(end.rows));
  sql.push_back("UPDATE settings SET value = " + sql_text(keys::audit_mark(end).text) + " WHERE name = 'audit_head'");
  return run_sql(path, sql);
}

Result<Anchors> anchors_of(const Path& path) {
  CLOISTER_TRY(keys::Store store, keys::Store::open(path));
  CLOISTER_TRY(const std::vector<std::string> origins, store.trees());
  Anchors out;
  for (const std::string& origin : origins) {
    CLOISTER_TRY(out[origin], store.tree_head(origin));
  }
  return out;
}

Status verify_anchored(const Path& path, const Anchors& anchors) {
  CLOISTER_TRY(keys::Store store, keys::Store::open(path));
  CLOISTER_TRY([[maybe_unused]] const keys::AuditSummary summary, keys::verify_audit(store));
  for (const auto& [origin, anchor] : anchors) {
    CLOISTER_TRY(const audit::TreeHead head, store.tree_head(origin));
    if (head.size < anchor.size) {
      return Error(Code::kCorrupt, origin + " has " + std::to_string(head.size) + " records, of " +
                                       std::to_string(anchor.size) + " that were anchored");
    }
    CLOISTER_TRY(const audit::Hash root,
                 audit::root_at(anchor.size, [&](const audit::NodeId& id) { return store.tree_node(origin, id); }));
    if (root != anchor.root) return Error(Code::kCorrupt, origin + " isn't the log that was anchored");
  }
  return {};
}

}  // namespace cloister::redteam
