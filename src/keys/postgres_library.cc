#include "keys/postgres_library.h"

#include <dlfcn.h>

namespace cloister::keys {
namespace {

template <typename Function>
void find(void* library, const char* name, Function& function, bool& complete) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) complete = false;
}

}  // namespace

Result<PostgresLibrary> PostgresLibrary::load() {
  // Bound at once: resolving functions at their first call leaves copies of vector registers on the stack.
  void* library = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return Error(Code::kUnsupported, std::string("load libpq, the client library of PostgreSQL: ") + ::dlerror() +
                                         " (Debian's package is libpq5)");
  }
  PostgresLibrary pq;
  bool complete = true;
  find(library, "PQconnectdbParams", pq.connect, complete);
  find(library, "PQfinish", pq.finish, complete);
  find(library, "PQstatus", pq.status, complete);
  find(library, "PQerrorMessage", pq.error_message, complete);
  find(library, "PQserverVersion", pq.server_version, complete);
  find(library, "PQparameterStatus", pq.parameter_status, complete);
  find(library, "PQhost", pq.host, complete);
  find(library, "PQhostaddr", pq.host_address, complete);
  find(library, "PQport", pq.port, complete);
  find(library, "PQsocket", pq.socket, complete);
  find(library, "PQsslInUse", pq.tls_in_use, complete);
  find(library, "PQbackendPID", pq.backend_pid, complete);
  find(library, "PQsetNoticeReceiver", pq.set_notice_receiver, complete);
  find(library, "PQsendQuery", pq.send_query, complete);
  find(library, "PQsendQueryParams", pq.send_query_params, complete);
  find(library, "PQsendPrepare", pq.send_prepare, complete);
  find(library, "PQsendQueryPrepared", pq.send_query_prepared, complete);
  find(library, "PQconsumeInput", pq.consume_input, complete);
  find(library, "PQisBusy", pq.is_busy, complete);
  find(library, "PQgetResult", pq.get_result, complete);
  find(library, "PQresultStatus", pq.result_status, complete);
  find(library, "PQresultErrorField", pq.result_error_field, complete);
  find(library, "PQclear", pq.clear, complete);
  find(library, "PQcmdStatus", pq.command_status, complete);
  find(library, "PQcmdTuples", pq.command_tuples, complete);
  find(library, "PQntuples", pq.row_count, complete);
  find(library, "PQnfields", pq.column_count, complete);
  find(library, "PQftype", pq.column_type, complete);
  find(library, "PQgetisnull", pq.is_null, complete);
  find(library, "PQgetvalue", pq.value, complete);
  find(library, "PQgetlength", pq.length, complete);
  find(library, "PQconninfoParse", pq.parse_options, complete);
  find(library, "PQconndefaults", pq.default_options, complete);
  find(library, "PQconninfoFree", pq.free_options, complete);
  find(library, "PQfreemem", pq.free_memory, complete);
  if (!complete) return Error(Code::kUnsupported, "load libpq: it lacks functions that are needed");
  return pq;
}

}  // namespace cloister::keys
