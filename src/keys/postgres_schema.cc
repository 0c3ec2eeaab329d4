#include "keys/postgres_schema.h"

#include "base/reader.h"
#include "crypto/hash.h"

namespace cloister::keys {
namespace {

Result<std::int64_t> stored_version(PostgresConnection& connection, const std::string& schema, IfAbsent if_absent) {
  Statement tables(connection,
                   "SELECT count(*) FILTER (WHERE c.relname = 'store'), count(*) FROM pg_class c "
                   "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1");
  CLOISTER_RETURN_IF_ERROR(tables.bind(schema).expect_row());
  const bool ours = tables.number() != 0;
  const bool empty = tables.number() == 0;
  if (ours) {
    Statement query(connection, "SELECT version FROM " + schema + ".store");
    CLOISTER_RETURN_IF_ERROR(query.expect_row());
    return query.number();
  }
  if (!empty) return Error(Code::kInvalid, "the schema " + schema + " isn't a key store of Cloister");
  if (if_absent == IfAbsent::kRefuse) return Error(Code::kNotFound, "there is no key store in schema " + schema);
  return 0;
}

Status apply(PostgresConnection& connection, const std::string& schema, IfAbsent if_absent,
             std::span<const Migration> steps, crypto::Random& random) {
  // Read again, now that no other program is at it.
  CLOISTER_TRY(const std::int64_t version, stored_version(connection, schema, if_absent));
  CLOISTER_TRY(const auto missing, missing_steps(version, steps));
  if (version == 0) {
    CLOISTER_RETURN_IF_ERROR(connection.execute(
        "CREATE SCHEMA IF NOT EXISTS " + schema +
        "; CREATE TABLE store (version BIGINT NOT NULL, identity TEXT NOT NULL); INSERT INTO store VALUES (0, '" +
        to_hex(crypto::random_array<16>(random)) + "')"));
  }
  for (const Migration& step : missing) {
    CLOISTER_RETURN_IF_ERROR(connection.execute(step.sql));
    if (step.fill != nullptr) CLOISTER_RETURN_IF_ERROR(step.fill(connection));
  }
  const auto done = connection.script("UPDATE store SET version = " + std::to_string(steps.size()) + "; COMMIT");
  if (!done.ok()) return done.error();
  if (*done != "COMMIT") return Error(Code::kInternal, "the schema's transaction was rolled back");
  return {};
}

}  // namespace

std::int64_t schema_lock(const std::string& schema) {
  Writer writer;
  writer.text16("CLSR1 schema lock").text16(schema);
  return load_le<std::int64_t>(crypto::sha256(writer.view()).data());
}

Status prepare_schema(PostgresConnection& connection, const std::string& schema, IfAbsent if_absent,
                      std::span<const Migration> steps, crypto::Random& random) {
  CLOISTER_TRY(const std::int64_t version, stored_version(connection, schema, if_absent));
  CLOISTER_TRY(const auto missing, missing_steps(version, steps));
  if (missing.empty()) return {};
  CLOISTER_RETURN_IF_ERROR(connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(" +
                                              std::to_string(schema_lock(schema)) + ")"));
  const Status status = apply(connection, schema, if_absent, steps, random);
  if (!status.ok() && !connection.lost()) ignore_result(connection.execute("ROLLBACK"));
  return status;
}

Result<std::string> store_identity(PostgresConnection& connection) {
  Statement query(connection, "SELECT identity FROM store");
  CLOISTER_RETURN_IF_ERROR(query.expect_row());
  return query.text();
}

}  // namespace cloister::keys
