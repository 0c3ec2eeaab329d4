// What encrypts a PostgreSQL database, if it does so itself: pg_tde, EDB's transparent encryption. The community's
// server doesn't: then what its disk says counts, which this collector can't see.
#pragma once

#include "posture/collect/database/sql_reader.h"
#include "posture/collect/fact_maker.h"

namespace cloister::posture {

// Of one database, by asking it. Errors of the reader where not even its version can be had.
Result<StorageView> postgres_view(SqlReader& reader, const Estate& estate);

// Locations "postgresql://host/db". Reads only.
class PostgresCollector final : public Collector {
 public:
  explicit PostgresCollector(SqlOpen open = open_postgres) : open_(std::move(open)) {}

  std::string_view name() const override { return "postgresql/1"; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  const SqlOpen open_;
};

}  // namespace cloister::posture
