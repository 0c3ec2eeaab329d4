#include "posture/collect/database/sql_reader.h"

#include <dlfcn.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>

namespace cloister::posture {
namespace {

constexpr std::size_t kRowsMax = 10'000;

struct Library {
  decltype(&PQconnectdbParams) connect = nullptr;
  decltype(&PQfinish) finish = nullptr;
  decltype(&PQstatus) status = nullptr;
  decltype(&PQerrorMessage) error_message = nullptr;
  decltype(&PQexec) execute = nullptr;
  decltype(&PQresultStatus) result_status = nullptr;
  decltype(&PQresultErrorField) error_field = nullptr;
  decltype(&PQntuples) row_count = nullptr;
  decltype(&PQnfields) column_count = nullptr;
  decltype(&PQgetvalue) value = nullptr;
  decltype(&PQclear) clear = nullptr;
};

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

Result<Library> load() {
  // Bound at once, as the keys' store does it: docs/decisions/postgresql.md.
  void* library = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return Error(Code::kUnsupported, "libpq, the client library of PostgreSQL, isn't installed (Debian's libpq5)");
  }
  Library pq;
  const bool complete = find(library, "PQconnectdbParams", pq.connect) && find(library, "PQfinish", pq.finish) &&
                        find(library, "PQstatus", pq.status) && find(library, "PQerrorMessage", pq.error_message) &&
                        find(library, "PQexec", pq.execute) && find(library, "PQresultStatus", pq.result_status) &&
                        find(library, "PQresultErrorField", pq.error_field) &&
                        find(library, "PQntuples", pq.row_count) && find(library, "PQnfields", pq.column_count) &&
                        find(library, "PQgetvalue", pq.value) && find(library, "PQclear", pq.clear);
  if (!complete) return Error(Code::kUnsupported, "libpq lacks functions that are needed");
  return pq;
}

std::string one_line(const char* text) {
  std::string line(text == nullptr ? "" : text);
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

// SQLSTATE: what isn't there, what isn't allowed.
Code code_of(std::string_view state) {
  for (const std::string_view absent : {"42703", "42704", "42883", "42P01", "0A000"}) {
    if (state == absent) return Code::kNotFound;
  }
  if (state == "42501" || state.starts_with("28")) return Code::kDenied;
  return state.empty() || state.starts_with("08") || state.starts_with("57") ? Code::kUnavailable : Code::kInvalid;
}

class PostgresReader final : public SqlReader {
 public:
  PostgresReader(const Library& pq, PGconn* connection) : pq_(pq), connection_(connection) {}
  ~PostgresReader() override { pq_.finish(connection_); }
  PostgresReader(const PostgresReader&) = delete;
  PostgresReader& operator=(const PostgresReader&) = delete;

  Result<SqlRows> query(const std::string& sql) override {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(pq_.execute(connection_, sql.c_str()), pq_.clear);
    if (result == nullptr) return Error(Code::kUnavailable, one_line(pq_.error_message(connection_)));
    if (pq_.result_status(result.get()) != PGRES_TUPLES_OK) {
      const char* state = pq_.error_field(result.get(), PG_DIAG_SQLSTATE);
      return Error(code_of(state == nullptr ? "" : state), one_line(pq_.error_message(connection_)));
    }
    const int rows = pq_.row_count(result.get());
    if (static_cast<std::size_t>(rows) > kRowsMax) return Error(Code::kInvalid, "the answer has too many rows");
    SqlRows all(static_cast<std::size_t>(rows));
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < pq_.column_count(result.get()); ++column) {
        all[static_cast<std::size_t>(row)].emplace_back(pq_.value(result.get(), row, column));
      }
    }
    return all;
  }

 private:
  const Library pq_;
  PGconn* const connection_;
};

// "postgresql://user:secret@host": secrets don't belong into an estate.
bool has_password(std::string_view address) {
  const std::size_t start = address.find("//");
  if (start == std::string_view::npos) return false;
  const std::string_view authority = address.substr(start + 2, address.find_first_of("/?", start + 2) - start - 2);
  const std::size_t at = authority.rfind('@');
  const bool in_user = at != std::string_view::npos && authority.substr(0, at).find(':') != std::string_view::npos;
  return in_user || address.find("password=") != std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<SqlReader>> open_postgres(const std::string& address) {
  if (has_password(address)) return Error(Code::kInvalid, "the address has a password: PGPASSFILE is the place for it");
  CLOISTER_TRY(const Library pq, load());
  static constexpr std::array<const char*, 5> kNames = {"dbname", "options", "connect_timeout", "application_name",
                                                        nullptr};
  const std::array<const char*, 5> values = {address.c_str(),
                                             "-c default_transaction_read_only=on -c statement_timeout=10000", "10",
                                             "cloister posture", nullptr};
  PGconn* connection = pq.connect(kNames.data(), values.data(), 1);
  if (connection == nullptr) return Error(Code::kUnavailable, "there is no memory for a connection");
  auto reader = std::make_unique<PostgresReader>(pq, connection);
  if (pq.status(connection) != CONNECTION_OK) return Error(Code::kUnavailable, one_line(pq.error_message(connection)));
  return std::unique_ptr<SqlReader>(std::move(reader));
}

}  // namespace cloister::posture
