#include "keys/postgres_connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "keys/postgres_options.h"

namespace cloister::keys {
namespace {

// Of pg_type.h, where they are fixed for ever.
constexpr Oid kBoolean = 16, kBytes = 17, kNumber = 20, kText = 25;
constexpr int kBinary = 1;

// Nailed down, whatever the server's configuration becomes. A session whose program is gone must not hold its locks for
// long; no timeout may cut a COMMIT's wait for the standby short. Rows are found by their keys: a scan of the whole
// table would have a serializable transaction in the way of every other.
constexpr const char* kSession =
    "SET idle_in_transaction_session_timeout TO '60s'; SET tcp_user_timeout TO '10s'; SET tcp_keepalives_idle TO 10; "
    "SET tcp_keepalives_interval TO 5; SET tcp_keepalives_count TO 3; SET statement_timeout TO 0; "
    "SET client_min_messages TO warning; SET jit TO off; SET enable_seqscan TO off; ";

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

// Values in the binary form libpq sends, and the arrays it wants.
class Parameters {
 public:
  explicit Parameters(std::span<const Value> values) : numbers_(values.size()) {
    for (std::size_t i = 0; i < values.size(); ++i) add(values[i], numbers_[i]);
  }
  int count() const { return static_cast<int>(types.size()); }
  std::vector<Oid> types;
  std::vector<const char*> data;
  std::vector<int> lengths, formats;

 private:
  void add(const Value& value, std::array<std::uint8_t, 8>& number) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      put(kText, text->data(), text->size());
    } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
      // An empty vector may have no address, which would be NULL.
      const void* from = bytes->empty() ? static_cast<const void*>("") : bytes->data();
      put(kBytes, static_cast<const char*>(from), bytes->size());
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      store_be64(number.data(), static_cast<std::uint64_t>(*integer));
      put(kNumber, reinterpret_cast<const char*>(number.data()), number.size());
    } else {
      put(kNumber, nullptr, 0);
    }
  }
  void put(Oid type, const char* from, std::size_t size) {
    types.push_back(type);
    data.push_back(from);
    lengths.push_back(static_cast<int>(size));
    formats.push_back(kBinary);
  }
  std::vector<std::array<std::uint8_t, 8>> numbers_;
};

Value decode(Oid type, ByteView bytes) {
  if (type == kNumber && bytes.size() == 8) {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : bytes) number = number << 8 | byte;
    return static_cast<std::int64_t>(number);
  }
  if (type == kBoolean && bytes.size() == 1) return std::int64_t{bytes[0]};
  if (type == kText) return std::string(as_text(bytes));
  if (type == kBytes) return to_bytes(bytes);
  return std::monostate();
}

class PostgresRows final : public Rows {
 public:
  PostgresRows(std::vector<Row> rows, int changed) : rows_(std::move(rows)), changed_(changed) {}
  Result<bool> next(Row& row) override {
    if (at_ == rows_.size()) return false;
    row = std::move(rows_[at_++]);
    return true;
  }
  int changed() const override { return changed_; }

 private:
  std::vector<Row> rows_;
  std::size_t at_ = 0;
  int changed_;
};

}  // namespace

// The last result of a message, or the first that went wrong.
class PostgresConnection::Reply {
 public:
  explicit Reply(const PostgresLibrary& library) : pq_(&library) {}
  Reply(Reply&& other) noexcept : pq_(other.pq_), last_(std::exchange(other.last_, nullptr)) {}
  Reply& operator=(Reply&&) = delete;
  ~Reply() { keep(nullptr); }

  pg_result* last() const { return last_; }
  bool good() const {
    const ExecStatusType status = last_ == nullptr ? PGRES_COMMAND_OK : pq_->result_status(last_);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  }
  void keep(pg_result* result) {
    if (last_ != nullptr) pq_->clear(last_);
    last_ = result;
  }

 private:
  const PostgresLibrary* pq_;
  pg_result* last_ = nullptr;
};

PostgresConnection::PostgresConnection(const PostgresLibrary& library, pg_conn* connection,
                                       const PostgresLocation& location)
    : pq_(library), connection_(connection), patience_(location.patience), lock_patience_(location.lock_patience) {
  const auto receive_notice = [](void* self, const pg_result* notice) {
    auto* connected = static_cast<PostgresConnection*>(self);
    const char* severity = connected->pq_.result_error_field(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != nullptr && std::string_view(severity) == "WARNING") connected->warned_ = true;
  };
  pq_.set_notice_receiver(connection_, receive_notice, this);
}

PostgresConnection::~PostgresConnection() { pq_.finish(connection_); }

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const PostgresLibrary& library,
                                                                     const PostgresLocation& location,
                                                                     const PostgresServer* server) {
  CLOISTER_TRY(ConnectionOptions options, connection_options(library, location.connection));
  if (server != nullptr) {
    options["host"] = server->host;
    options["hostaddr"] = server->address;
    options["port"] = server->port;
  }
  std::vector<const char*> keywords, values;
  for (const auto& [keyword, value] : options) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  pg_conn* connected = library.connect(keywords.data(), values.data(), 0);
  wipe_password(options);
  if (connected == nullptr) return Error(Code::kInternal, "connect to PostgreSQL: out of memory");
  std::unique_ptr<PostgresConnection> opened(new PostgresConnection(library, connected, location));
  if (library.status(connected) != CONNECTION_OK) {
    return Error(Code::kUnavailable, "connect to PostgreSQL: " + first_line(library.error_message(connected)));
  }
  CLOISTER_RETURN_IF_ERROR(opened->check_way());
  CLOISTER_RETURN_IF_ERROR(opened->set_up(location.schema));
  return opened;
}

// The options were checked before, by name; this is where the connection really went.
Status PostgresConnection::check_way() const {
  const PostgresServer to = server();
  if (is_local_host(to.host) && (to.host.starts_with('/') || is_local_host(to.address))) return {};
  if (pq_.tls_in_use(connection_) == 1) return {};
  return Error(Code::kDenied, "the connection to " + to.host + " isn't under TLS");
}

Status PostgresConnection::set_up(const std::string& schema) {
  Statement facts(*this,
                  "SELECT current_setting('synchronous_commit'), current_setting('fsync'), "
                  "current_setting('full_page_writes'), current_setting('server_encoding')");
  CLOISTER_RETURN_IF_ERROR(facts.expect_row());
  ServerFacts server;
  server.version = pq_.server_version(connection_);
  server.synchronous_commit = facts.text();
  server.fsync = facts.text();
  server.full_page_writes = facts.text();
  server.encoding = facts.text();
  CLOISTER_RETURN_IF_ERROR(check_server(server));
  CLOISTER_RETURN_IF_ERROR(execute(std::string(kSession) + "SET synchronous_commit TO " + server.synchronous_commit +
                                   "; SET search_path TO " + schema + ", pg_temp; SET lock_timeout TO " +
                                   std::to_string(lock_patience_.ms)));
  clear();
  return {};
}

void PostgresConnection::clear() {
  trouble_ = Trouble::kNone;
  warned_ = false;
}

std::int64_t PostgresConnection::backend_pid() const { return pq_.backend_pid(connection_); }

PostgresServer PostgresConnection::server() const {
  const auto text = [](const char* from) { return std::string(from == nullptr ? "" : from); };
  return {text(pq_.host(connection_)), text(pq_.host_address(connection_)), text(pq_.port(connection_))};
}

Error PostgresConnection::lose(const std::string& why) {
  lost_ = true;
  trouble_ = Trouble::kLost;
  return Error(Code::kUnavailable, "the connection to PostgreSQL was lost: " + why);
}

Error PostgresConnection::error_of(const pg_result* result) {
  const char* field = pq_.result_error_field(result, PG_DIAG_SQLSTATE);
  if (field == nullptr) return lose(first_line(pq_.error_message(connection_)));
  const std::string sqlstate = field;
  const char* primary = pq_.result_error_field(result, PG_DIAG_MESSAGE_PRIMARY);
  const Trouble trouble = trouble_of_sqlstate(sqlstate);
  trouble_ = std::max(trouble_, trouble);
  if (trouble == Trouble::kLost) lost_ = true;
  if (sqlstate == "55P03") {
    return Error(Code::kUnavailable,
                 "store: another kept it locked for " + std::to_string(lock_patience_.ms / 1000) + " s");
  }
  return Error(code_of_sqlstate(sqlstate), "store: " + std::string(primary == nullptr ? sqlstate : primary));
}

bool PostgresConnection::wait_for_input(double deadline) {
  while (pq_.is_busy(connection_) == 1) {
    const double left = deadline - monotonic_seconds();
    if (left <= 0) return false;
    pollfd waiting{pq_.socket(connection_), POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left * 1000) + 1);
    if (ready < 0 && errno != EINTR) return false;
    if (ready > 0 && pq_.consume_input(connection_) == 0) return false;
  }
  return true;
}

Result<PostgresConnection::Reply> PostgresConnection::receive() {
  const double deadline = monotonic_seconds() + static_cast<double>(patience_.ms) / 1000;
  Reply reply(pq_);
  while (true) {
    if (!wait_for_input(deadline)) {
      const bool dead = pq_.status(connection_) != CONNECTION_OK;
      return lose(dead ? first_line(pq_.error_message(connection_)) : "no answer in time");
    }
    pg_result* result = pq_.get_result(connection_);
    if (result == nullptr) break;
    if (reply.good()) {
      reply.keep(result);
    } else {
      pq_.clear(result);
    }
  }
  if (!reply.good()) return error_of(reply.last());
  CLOISTER_CHECK(reply.last() != nullptr);
  return reply;
}

Status PostgresConnection::prepare(const std::string& name, const std::string& sql, std::span<const Oid> types) {
  const int count = static_cast<int>(types.size());
  if (pq_.send_prepare(connection_, name.c_str(), sql.c_str(), count, types.data()) == 0) {
    return lose(first_line(pq_.error_message(connection_)));
  }
  const auto reply = receive();
  return reply.ok() ? ok_status() : Status(reply.error());
}

Status PostgresConnection::send(std::string_view sql, std::span<const Value> parameters) {
  auto found = uses_.find(sql);
  if (found == uses_.end()) {
    found = uses_.emplace(std::string(sql), Use{"s" + std::to_string(uses_.size()), 0}).first;
  }
  auto& [text, use] = *found;
  const Parameters bound(parameters);
  int sent = 0;
  if (use.count == 0) {
    sent = pq_.send_query_params(connection_, text.c_str(), bound.count(), bound.types.data(), bound.data.data(),
                                 bound.lengths.data(), bound.formats.data(), kBinary);
  } else {
    if (use.count == 1) CLOISTER_RETURN_IF_ERROR(prepare(use.name, text, bound.types));
    sent = pq_.send_query_prepared(connection_, use.name.c_str(), bound.count(), bound.data.data(),
                                   bound.lengths.data(), bound.formats.data(), kBinary);
  }
  use.count = std::min(use.count + 1, 2);
  return sent == 1 ? ok_status() : Status(lose(first_line(pq_.error_message(connection_))));
}

Result<std::unique_ptr<Rows>> PostgresConnection::run(std::string_view sql, std::span<const Value> parameters) {
  if (lost_) return lose("it was lost before");
  CLOISTER_RETURN_IF_ERROR(send(sql, parameters));
  CLOISTER_TRY(const Reply reply, receive());
  std::vector<Row> rows(static_cast<std::size_t>(pq_.row_count(reply.last())));
  const int columns = pq_.column_count(reply.last());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const int row = static_cast<int>(r);
    for (int column = 0; column < columns; ++column) {
      if (pq_.is_null(reply.last(), row, column) == 1) {
        rows[r].emplace_back();
        continue;
      }
      const auto* data = reinterpret_cast<const std::uint8_t*>(pq_.value(reply.last(), row, column));
      const auto size = static_cast<std::size_t>(pq_.length(reply.last(), row, column));
      rows[r].push_back(decode(pq_.column_type(reply.last(), column), {data, size}));
    }
  }
  const int changed = std::atoi(pq_.command_tuples(reply.last()));
  return std::unique_ptr<Rows>(std::make_unique<PostgresRows>(std::move(rows), changed));
}

Result<std::string> PostgresConnection::script(const std::string& sql) {
  if (lost_) return lose("it was lost before");
  if (pq_.send_query(connection_, sql.c_str()) == 0) return lose(first_line(pq_.error_message(connection_)));
  CLOISTER_TRY(const Reply reply, receive());
  return std::string(pq_.command_status(reply.last()));
}

Status PostgresConnection::execute(const std::string& sql) {
  const auto tag = script(sql);
  return tag.ok() ? ok_status() : Status(tag.error());
}

Result<std::optional<std::string>> PostgresConnection::newest_mark() {
  Statement query(*this, "SELECT mark FROM writers WHERE number > 0 ORDER BY number DESC LIMIT 1");
  CLOISTER_TRY(const bool row, query.step());
  if (!row) return std::optional<std::string>();
  return std::optional(query.text());
}

}  // namespace cloister::keys
