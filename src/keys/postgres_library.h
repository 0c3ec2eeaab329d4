// libpq, loaded by the first program that opens a store in PostgreSQL and by no other: it brings two dozen libraries
// along, which a program that holds keys shouldn't map without need. docs/decisions/postgresql.md.
#pragma once

#include <libpq-fe.h>

#include "base/result.h"

namespace cloister::keys {

struct PostgresLibrary {
  decltype(&PQconnectdbParams) connect = nullptr;
  decltype(&PQfinish) finish = nullptr;
  decltype(&PQstatus) status = nullptr;
  decltype(&PQerrorMessage) error_message = nullptr;
  decltype(&PQserverVersion) server_version = nullptr;
  decltype(&PQparameterStatus) parameter_status = nullptr;
  decltype(&PQhost) host = nullptr;
  decltype(&PQhostaddr) host_address = nullptr;
  decltype(&PQport) port = nullptr;
  decltype(&PQsocket) socket = nullptr;
  decltype(&PQsslInUse) tls_in_use = nullptr;
  decltype(&PQbackendPID) backend_pid = nullptr;
  decltype(&PQsetNoticeReceiver) set_notice_receiver = nullptr;
  decltype(&PQsendQuery) send_query = nullptr;
  decltype(&PQsendQueryParams) send_query_params = nullptr;
  decltype(&PQsendPrepare) send_prepare = nullptr;
  decltype(&PQsendQueryPrepared) send_query_prepared = nullptr;
  decltype(&PQconsumeInput) consume_input = nullptr;
  decltype(&PQisBusy) is_busy = nullptr;
  decltype(&PQgetResult) get_result = nullptr;
  decltype(&PQresultStatus) result_status = nullptr;
  decltype(&PQresultErrorField) result_error_field = nullptr;
  decltype(&PQclear) clear = nullptr;
  decltype(&PQcmdStatus) command_status = nullptr;
  decltype(&PQcmdTuples) command_tuples = nullptr;
  decltype(&PQntuples) row_count = nullptr;
  decltype(&PQnfields) column_count = nullptr;
  decltype(&PQftype) column_type = nullptr;
  decltype(&PQgetisnull) is_null = nullptr;
  decltype(&PQgetvalue) value = nullptr;
  decltype(&PQgetlength) length = nullptr;
  decltype(&PQconninfoParse) parse_options = nullptr;
  decltype(&PQconndefaults) default_options = nullptr;
  decltype(&PQconninfoFree) free_options = nullptr;
  decltype(&PQfreemem) free_memory = nullptr;

  // kUnsupported where libpq isn't installed. It stays loaded.
  static Result<PostgresLibrary> load();
};

}  // namespace cloister::keys
