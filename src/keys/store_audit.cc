// The store's transactions with their audit rows: changes, uses, requests; and reading the trees.
#include <algorithm>
#include <map>

#include "audit/origin.h"
#include "keys/anchor.h"
#include "keys/store.h"

namespace cloister::keys {
namespace {

constexpr std::uint64_t kRowsAtOnce = 1000;
constexpr std::uint64_t kRecordsAtOnce = 256;
constexpr unsigned kRequestsPerTidying = 16;

Result<std::optional<Mark>> append_one(Connection& connection, Connection& latest, const AuditEntry& entry,
                                       AuditAppender::Place& place) {
  CLOISTER_TRY(AuditAppender appender, AuditAppender::begin(latest));
  CLOISTER_TRY(place, appender.add(entry.event, entry.extras));
  CLOISTER_TRY(Mark mark, appender.write(connection));
  return std::optional(std::move(mark));
}

// An expired one may be used anew.
Status put_request(Connection& connection, const RequestKey& request, Time now) {
  // Not each time: whoever removes and whoever adds would be in each other's way.
  if (request.key[0] % kRequestsPerTidying == 0) {
    Statement tidy(connection, "DELETE FROM requests WHERE expires_ms <= $1");
    CLOISTER_RETURN_IF_ERROR(tidy.bind(now.unix_ms).execute());
  }
  Statement put(connection,
                "INSERT INTO requests VALUES ($1, $2, $3) ON CONFLICT (request_key) DO UPDATE "
                "SET digest = excluded.digest, expires_ms = excluded.expires_ms WHERE requests.expires_ms <= $4");
  put.bind_blob(request.key).bind_blob(request.digest).bind(request.expires.unix_ms).bind(now.unix_ms);
  CLOISTER_TRY(const int changed, put.run());
  if (changed == 1) return {};
  return Error(Code::kExists, "request key " + to_hex(ByteView(request.key).first(8)) + "… made its change already");
}

}  // namespace

bool RowVersion::same_row(const RowVersion& other) const {
  return tenant == other.tenant && environment == other.environment && dataset == other.dataset;
}

Result<bool> Store::is_current(Connection& latest, const RowVersion& read) {
  Statement query(latest, read.dataset.empty()
                              ? "SELECT row_version FROM tenants WHERE tenant = $1 AND environment = $2"
                              : "SELECT d.row_version FROM datasets d JOIN tenants t ON t.id = d.tenant_id "
                                "WHERE t.tenant = $1 AND t.environment = $2 AND d.dataset = $3");
  query.bind(read.tenant).bind(read.environment);
  if (!read.dataset.empty()) query.bind(read.dataset);
  CLOISTER_TRY(const bool row, query.step());
  return row && static_cast<std::uint64_t>(query.number()) == read.row_version;
}

Status Store::change(const AuditEntry& entry, const std::function<Status(Change&)>& body) {
  Change change(*database_, entry);
  AuditAppender::Place place;
  Transaction transaction;
  transaction.body = [&]() -> Status {
    change.entry_ = entry;
    change.reads_.clear();
    change.updates_.clear();
    if (entry.request) CLOISTER_RETURN_IF_ERROR(put_request(*database_, *entry.request, entry.event.time));
    change_ = &change;
    const Status status = body(change);
    change_ = nullptr;
    return status;
  };
  transaction.ending = [&](Connection& latest) -> Result<std::optional<Mark>> {
    // Serializable alone would let a change be committed after one that it didn't see: made in order, on paper. Whoever
    // disabled a key and was told so expects no more of it.
    for (const RowVersion& read : change.reads_) {
      CLOISTER_TRY(const bool current, is_current(latest, read));
      if (!current) return std::optional<Mark>();
    }
    return append_one(*database_, latest, change.entry_, place);
  };
  CLOISTER_RETURN_IF_ERROR(database_->transaction(transaction));
  newest_ = std::move(place);
  return database_->anchor() ? note_in_anchor(change.entry_.event) : Status();
}

Status Store::note_in_anchor(const audit::Event& event) {
  const Status noted = Anchor(*database_->anchor()).advance(*this);
  if (noted.ok()) return {};
  if (noted.error().code() == Code::kDenied) {
    unnoted_ =
        Error(Code::kDenied, event.action + " is done, and the store's anchor isn't moved: " + noted.error().message());
  } else {
    // Not kUnavailable: whoever asks again has it done twice.
    unnoted_ = Error(Code::kInternal, event.action +
                                          " is done, and the store's anchor couldn't be told, so that an older "
                                          "copy of the store isn't noticed yet: " +
                                          noted.error().message());
  }
  return *unnoted_;
}

bool Store::is_done(const Error& error) const {
  return unnoted_ && error.code() == unnoted_->code() && error.message() == unnoted_->message();
}

Status Store::follow(const Anchor& anchor) {
  CLOISTER_RETURN_IF_ERROR(anchor.check(*this));
  database_->set_anchor(anchor.file());
  return {};
}

Result<std::optional<RequestKey>> Store::find_request(const crypto::Sha256Digest& key) {
  Statement query(*database_, "SELECT digest, expires_ms FROM requests WHERE request_key = $1");
  CLOISTER_TRY(const bool row, query.bind_blob(key).step());
  if (!row) return std::optional<RequestKey>();
  RequestKey request{key, {}, {}};
  CLOISTER_RETURN_IF_ERROR(query.blob_into(request.digest));
  request.expires = Time{query.number()};
  CLOISTER_RETURN_IF_ERROR(query.row_status());
  return std::optional(request);
}

Status Store::record(const AuditEntry& entry) {
  AuditAppender::Place place;
  Transaction transaction;
  transaction.ending = [&](Connection& latest) { return append_one(*database_, latest, entry, place); };
  CLOISTER_RETURN_IF_ERROR(database_->transaction(transaction));
  newest_ = std::move(place);
  return {};
}

Result<std::optional<Recorded>> Store::last_recorded() {
  if (!newest_) return std::optional<Recorded>();
  CLOISTER_TRY(const std::string server, log_server());
  return std::optional(Recorded{server + "/" + newest_->tree, newest_->index});
}

Result<std::vector<std::optional<Recorded>>> Store::record_uses(std::span<const Use> uses) {
  std::vector<std::optional<Recorded>> recorded(uses.size());
  if (uses.empty()) return recorded;
  CLOISTER_TRY(const std::string server, log_server());
  bool all_outdated = false;
  Transaction transaction;
  transaction.ending = [&](Connection& latest) -> Result<std::optional<Mark>> {
    recorded.assign(uses.size(), std::nullopt);
    CLOISTER_TRY(AuditAppender appender, AuditAppender::begin(latest));
    // Many uses saw the same rows.
    std::map<RowVersion, bool> looked_at;
    const auto is_still_so = [&](const RowVersion& seen) -> Result<bool> {
      const auto known = looked_at.find(seen);
      if (known != looked_at.end()) return known->second;
      CLOISTER_TRY(const bool current, is_current(latest, seen));
      looked_at.emplace(seen, current);
      return current;
    };
    for (std::size_t i = 0; i < uses.size(); ++i) {
      bool current = true;
      for (const RowVersion& seen : uses[i].seen) {
        CLOISTER_TRY(const bool so, is_still_so(seen));
        current = current && so;
      }
      if (!current) continue;
      CLOISTER_TRY(const auto place, appender.add(uses[i].event, uses[i].extras));
      recorded[i] = Recorded{server + "/" + place.tree, place.index};
    }
    all_outdated = appender.empty();
    if (all_outdated) return Error(Code::kUnavailable, "the keys were changed meanwhile");
    CLOISTER_TRY(Mark mark, appender.write(*database_));
    return std::optional(std::move(mark));
  };
  const Status status = database_->transaction(transaction);
  if (!status.ok() && !all_outdated) return status.error();
  return recorded;
}

Status Store::for_each_audit_row(const std::function<Status(const audit::Row&)>& body) {
  // Rows only ever come to the end, so that pieces read one after the other fit together.
  std::uint64_t sequence = 0;
  while (true) {
    CLOISTER_TRY(const auto rows, read_audit_rows(*database_, sequence, kRowsAtOnce));
    for (const audit::Row& row : rows) CLOISTER_RETURN_IF_ERROR(body(row));
    if (rows.size() < kRowsAtOnce) break;
    sequence = rows.back().sequence;
  }
  CLOISTER_TRY([[maybe_unused]] const AuditHead head, audit_head());
  return {};
}

Result<AuditHead> Store::audit_head() {
  AuditHead head;
  CLOISTER_RETURN_IF_ERROR(read([&]() -> Status {
    CLOISTER_TRY(head, read_audit_head(*database_));
    return {};
  }));
  return head;
}

Result<audit::RowHash> Store::audit_hash(std::uint64_t sequence) {
  if (sequence == 0) return Error(Code::kNotFound, "rows of the log are counted from 1");
  CLOISTER_TRY(const auto rows, read_audit_rows(*database_, sequence - 1, 1));
  if (rows.empty() || rows.front().sequence != sequence) {
    return Error(Code::kNotFound, "the log has no row " + std::to_string(sequence));
  }
  return rows.front().hash;
}

Result<std::string> Store::log_server() {
  if (log_server_.empty()) {
    CLOISTER_TRY(log_server_, setting("log_server"));
  }
  return log_server_;
}

Result<std::string> Store::tree_of(std::string_view origin) {
  CLOISTER_TRY(const std::string server, log_server());
  return audit::tree_of_origin(origin, server);
}

Result<std::vector<std::string>> Store::trees() {
  CLOISTER_TRY(const std::string server, log_server());
  CLOISTER_TRY(std::vector<std::string> origins, read_tree_names(*database_));
  for (std::string& origin : origins) origin.insert(0, server + "/");
  return origins;
}

Result<audit::TreeHead> Store::tree_head(std::string_view origin) {
  CLOISTER_TRY(const std::string tree, tree_of(origin));
  CLOISTER_TRY(const audit::Frontier frontier, read_tree(*database_, tree));
  return audit::TreeHead{frontier.size(), frontier.root()};
}

Status Store::for_each_record(std::string_view origin, std::uint64_t from, std::uint64_t count,
                              const std::function<Status(const audit::LogRecord&)>& body) {
  CLOISTER_TRY(const std::string tree, tree_of(origin));
  while (count != 0) {
    const std::uint64_t wanted = std::min(count, kRecordsAtOnce);
    CLOISTER_TRY(const auto rows, read_tree_rows(*database_, tree, from, wanted));
    for (const audit::Row& row : rows) {
      if (row.index != from) return Error(Code::kCorrupt, "record " + std::to_string(from) + " is missing");
      CLOISTER_RETURN_IF_ERROR(body(row.record()));
      ++from;
    }
    if (rows.size() < wanted) return {};
    count -= wanted;
  }
  return {};
}

Result<audit::Hash> Store::tree_node(std::string_view origin, const audit::NodeId& id) {
  CLOISTER_TRY(const std::string tree, tree_of(origin));
  return read_node(*database_, tree, id);
}

}  // namespace cloister::keys
