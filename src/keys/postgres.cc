#include "keys/postgres.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "keys/postgres_connection.h"
#include "keys/postgres_erase.h"
#include "keys/postgres_schema.h"

namespace cloister::keys {
namespace {

constexpr int kConflictsMax = 30;

// How long to go on trying, and the waits in between: growing, and each time a different one, so that two who were in
// each other's way don't meet again.
class Patience {
 public:
  Patience(Duration total, crypto::Random& random)
      : random_(&random), deadline_(monotonic_seconds() + static_cast<double>(total.ms) / 1000) {}

  // False when it is over.
  bool wait(double first, double longest) {
    const double wanted = std::min(first * static_cast<double>(std::uint64_t{1} << std::min(waits_++, 20)), longest);
    const double delay = wanted * (0.5 + static_cast<double>(crypto::random_array<1>(*random_)[0]) / 512);
    if (monotonic_seconds() + delay > deadline_) return false;
    std::this_thread::sleep_for(std::chrono::duration<double>(delay));
    return true;
  }
  bool wait_for_server() { return wait(0.02, 1.0); }
  bool wait_for_others() { return conflicts_++ < kConflictsMax && wait(0.001, 0.2); }

 private:
  crypto::Random* random_;
  double deadline_;
  int waits_ = 0;
  int conflicts_ = 0;
};

// One run of a transaction, and what is to be done about it.
struct Attempt {
  enum class Next { kReturn, kAgain, kSettle };
  Status status;
  Next next = Next::kReturn;
};

class PostgresDatabase final : public Database {
 public:
  PostgresDatabase(const PostgresLibrary& library, PostgresLocation location, crypto::Random& random)
      : library_(library),
        location_(std::move(location)),
        random_(&random),
        writer_(to_hex(crypto::random_array<16>(random))),
        lock_(schema_lock(location_.schema)) {}

  Status open(IfAbsent if_absent, std::span<const Migration> steps);

  Result<std::unique_ptr<Rows>> run(std::string_view sql, std::span<const Value> parameters) override;
  Result<std::optional<std::string>> newest_mark() override;
  Status transaction(const Transaction& transaction) override;
  Status forget_overwritten(Overwritten what) override;
  std::uint64_t bytes_written() const override { return bytes_written_; }

 private:
  Status connect(Patience& patience);
  Status connect_once();
  void disconnect();
  Status check_same_store(PostgresConnection& connection);

  Attempt read_once(const Transaction& transaction);
  Attempt write_once(const Transaction& transaction);
  Result<std::optional<Mark>> run_to_the_end(const Transaction& transaction);
  Status check_ending(PostgresConnection& latest);
  Attempt commit(const Mark& mark);
  Attempt failed(Status status);

  Result<bool> settle(Patience& patience);
  Result<bool> look_up();

  PostgresLibrary library_;
  PostgresLocation location_;
  crypto::Random* random_;
  std::string writer_;  // this object's row in the table of writers
  std::int64_t lock_;
  std::string identity_;
  std::unique_ptr<PostgresConnection> main_;
  // Sees what others committed while a serializable transaction is under way in main_. To the same server.
  std::unique_ptr<PostgresConnection> latest_;
  bool inside_ = false;             // a transaction
  bool writing_ = false;            // one that counts
  bool gave_up_ = false;            // waiting for a server: the next verb asks once and doesn't wait again
  std::optional<Mark> unsettled_;   // whose commit wasn't answered
  std::uint64_t acknowledged_ = 0;  // the highest number that was
  std::uint64_t bytes_written_ = 0;
};

Status PostgresDatabase::open(IfAbsent if_absent, std::span<const Migration> steps) {
  CLOISTER_TRY(main_, PostgresConnection::open(library_, location_, nullptr));
  CLOISTER_RETURN_IF_ERROR(prepare_schema(*main_, location_.schema, if_absent, steps, *random_));
  CLOISTER_TRY(identity_, store_identity(*main_));
  // Rows of writers that are long gone, but for the newest, which is the note of the audit's head.
  Statement tidy(*main_,
                 "DELETE FROM writers WHERE seen < now() - interval '1 day' "
                 "AND number < (SELECT max(number) FROM writers)");
  CLOISTER_RETURN_IF_ERROR(tidy.execute());
  main_->clear();
  return {};
}

void PostgresDatabase::disconnect() {
  main_.reset();
  latest_.reset();
}

// After a failover, or behind a name that leads elsewhere now.
Status PostgresDatabase::check_same_store(PostgresConnection& connection) {
  CLOISTER_TRY(const std::string identity, store_identity(connection));
  if (identity != identity_) return Error(Code::kDenied, "another store answers where this one was");
  Statement newest(connection, "SELECT coalesce(max(number), 0) FROM writers");
  CLOISTER_RETURN_IF_ERROR(newest.expect_row());
  if (static_cast<std::uint64_t>(newest.number()) >= acknowledged_) return {};
  return Error(Code::kCorrupt, "the server has lost transactions that it had acknowledged, up to audit row " +
                                   std::to_string(acknowledged_) +
                                   ": it was restored, or a standby without them took over");
}

Status PostgresDatabase::connect_once() {
  CLOISTER_TRY(auto connection, PostgresConnection::open(library_, location_, nullptr));
  CLOISTER_RETURN_IF_ERROR(check_same_store(*connection));
  main_ = std::move(connection);
  gave_up_ = false;
  return {};
}

Status PostgresDatabase::connect(Patience& patience) {
  if (main_ != nullptr && main_->lost()) disconnect();
  while (main_ == nullptr) {
    const Status connected = connect_once();
    if (connected.ok()) break;
    if (connected.error().code() != Code::kUnavailable) return connected;
    if (gave_up_ || !patience.wait_for_server()) {
      gave_up_ = true;
      return connected;
    }
  }
  if (!unsettled_) return {};
  const auto settled = settle(patience);
  return settled.ok() ? ok_status() : Status(settled.error());
}

Result<std::unique_ptr<Rows>> PostgresDatabase::run(std::string_view sql, std::span<const Value> parameters) {
  if (writing_) {
    for (const Value& value : parameters) {
      if (const auto* text = std::get_if<std::string>(&value)) bytes_written_ += text->size();
      if (const auto* bytes = std::get_if<Bytes>(&value)) bytes_written_ += bytes->size();
      if (std::holds_alternative<std::int64_t>(value)) bytes_written_ += sizeof(std::int64_t);
    }
  }
  if (inside_) return main_->run(sql, parameters);
  Patience patience(location_.patience, *random_);
  while (true) {
    CLOISTER_RETURN_IF_ERROR(connect(patience));
    main_->clear();
    auto rows = main_->run(sql, parameters);
    if (rows.ok() || !main_->lost() || !patience.wait_for_server()) return rows;
  }
}

Result<std::optional<std::string>> PostgresDatabase::newest_mark() {
  if (inside_) return main_->newest_mark();
  std::optional<std::string> mark;
  CLOISTER_RETURN_IF_ERROR(transaction({[&]() -> Status {
                                          CLOISTER_TRY(mark, main_->newest_mark());
                                          return {};
                                        },
                                        {}}));
  return mark;
}

Status PostgresDatabase::transaction(const Transaction& transaction) {
  if (inside_) {
    CLOISTER_CHECK(!transaction.ending);
    return transaction.body();
  }
  Patience patience(location_.patience, *random_);
  while (true) {
    CLOISTER_RETURN_IF_ERROR(connect(patience));
    Attempt attempt = transaction.ending ? write_once(transaction) : read_once(transaction);
    if (attempt.next == Attempt::Next::kReturn) return attempt.status;
    if (attempt.next == Attempt::Next::kSettle) {
      CLOISTER_TRY(const bool committed, settle(patience));
      if (committed) return {};
    }
    const bool lost = main_ == nullptr;
    if (!(lost ? patience.wait_for_server() : patience.wait_for_others())) return attempt.status;
  }
}

Attempt PostgresDatabase::read_once(const Transaction& transaction) {
  main_->clear();
  inside_ = true;
  Status status = main_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  if (status.ok()) status = transaction.body();
  inside_ = false;
  if (status.ok()) status = main_->execute("COMMIT");
  return status.ok() ? Attempt{} : failed(std::move(status));
}

Attempt PostgresDatabase::write_once(const Transaction& transaction) {
  if (transaction.body && (latest_ == nullptr || latest_->lost())) {
    const PostgresServer server = main_->server();
    auto opened = PostgresConnection::open(library_, location_, &server);
    if (!opened.ok()) {
      disconnect();
      const bool again = opened.error().code() == Code::kUnavailable;
      return {opened.error(), again ? Attempt::Next::kAgain : Attempt::Next::kReturn};
    }
    latest_ = std::move(*opened);
  }
  main_->clear();
  if (latest_ != nullptr) latest_->clear();
  inside_ = writing_ = true;
  const auto mark = run_to_the_end(transaction);
  inside_ = writing_ = false;
  if (!mark.ok()) return failed(mark.error());
  if (*mark) return commit(**mark);
  Attempt outdated = failed(Error(Code::kUnavailable, "store: what was read was changed meanwhile, again and again"));
  outdated.next = Attempt::Next::kAgain;
  return outdated;
}

Result<std::optional<Mark>> PostgresDatabase::run_to_the_end(const Transaction& transaction) {
  // Whoever holds the lock is about to commit. If it stops here instead, it must not stop all others.
  const std::string turn = "SET LOCAL idle_in_transaction_session_timeout TO '5s'; SELECT pg_advisory_xact_lock(" +
                           std::to_string(lock_) + ")";
  if (!transaction.body) {
    // Nothing was read before the lock: statements of this transaction see what is committed when they begin.
    CLOISTER_RETURN_IF_ERROR(main_->execute("BEGIN ISOLATION LEVEL READ COMMITTED; " + turn));
    CLOISTER_RETURN_IF_ERROR(check_ending(*main_));
    return transaction.ending(*main_);
  }
  CLOISTER_RETURN_IF_ERROR(main_->execute("BEGIN ISOLATION LEVEL SERIALIZABLE"));
  CLOISTER_RETURN_IF_ERROR(transaction.body());
  CLOISTER_RETURN_IF_ERROR(main_->execute(turn));
  CLOISTER_RETURN_IF_ERROR(check_ending(*latest_));
  return transaction.ending(*latest_);
}

Status PostgresDatabase::check_ending(PostgresConnection& latest) {
  if (&latest != main_.get()) {
    // Two connections by one name can lead to two servers, and the chain would follow the wrong one.
    Statement holder(latest,
                     "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = $1 AND "
                     "(classid::bigint << 32 | objid::bigint) = $2 AND objsubid = 1");
    CLOISTER_RETURN_IF_ERROR(holder.bind(main_->backend_pid()).bind(lock_).expect_row());
    if (holder.number() != 1) {
      disconnect();
      return Error(Code::kUnavailable, "two connections to PostgreSQL led to two servers");
    }
  }
  if (location_.standby != PostgresLocation::Standby::kRequired) return {};
  Statement query(latest,
                  "SELECT current_setting('synchronous_standby_names'), "
                  "count(*) FILTER (WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')), "
                  "count(*) FILTER (WHERE state IS NULL) FROM pg_stat_replication");
  CLOISTER_RETURN_IF_ERROR(query.expect_row());
  StandbyFacts facts;
  facts.names = query.text();
  facts.attached = query.number();
  facts.hidden = query.number();
  return check_standby(facts);
}

Attempt PostgresDatabase::commit(const Mark& mark) {
  bytes_written_ += mark.text.size();
  const auto tag = main_->script("INSERT INTO writers VALUES ('" + writer_ + "', " + std::to_string(mark.number) +
                                 ", '" + mark.text +
                                 "', now()) ON CONFLICT (writer) DO UPDATE SET number = excluded.number, "
                                 "mark = excluded.mark, seen = excluded.seen; COMMIT");
  if (tag.ok() && *tag == "COMMIT" && !main_->warned()) {
    acknowledged_ = mark.number;
    return {};
  }
  if (!tag.ok() && !main_->lost()) return failed(tag.error());
  if (tag.ok() && *tag != "COMMIT") return failed(Error(Code::kInternal, "the transaction was rolled back"));
  // No answer, or one that says the standby wasn't waited for.
  unsettled_ = mark;
  disconnect();
  return {tag.ok() ? Error(Code::kUnavailable, "the standby didn't confirm") : tag.error(), Attempt::Next::kSettle};
}

Attempt PostgresDatabase::failed(Status status) {
  Trouble trouble = Trouble::kLost;
  if (main_ != nullptr) {
    trouble = latest_ == nullptr ? main_->trouble() : std::max(main_->trouble(), latest_->trouble());
    if (trouble != Trouble::kLost && !main_->execute("ROLLBACK").ok()) trouble = Trouble::kLost;
  }
  if (trouble == Trouble::kLost) disconnect();
  return {std::move(status), trouble == Trouble::kNone ? Attempt::Next::kReturn : Attempt::Next::kAgain};
}

// True: the commit in question happened, and is as durable as any. False: it didn't, and never will.
Result<bool> PostgresDatabase::look_up() {
  if (main_ == nullptr || main_->lost()) {
    disconnect();
    CLOISTER_RETURN_IF_ERROR(connect_once());
  }
  main_->clear();
  // The session that was left behind holds the lock to its end: it may even have the COMMIT still before it.
  CLOISTER_RETURN_IF_ERROR(main_->execute("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(" +
                                          std::to_string(lock_) + ")"));
  Statement touch(*main_,
                  "INSERT INTO writers VALUES ($1, 0, '', now()) ON CONFLICT (writer) DO UPDATE SET seen = now() "
                  "RETURNING mark");
  CLOISTER_RETURN_IF_ERROR(touch.bind(writer_).expect_row());
  // This one waits for the standby, and with it all that was committed before.
  CLOISTER_TRY(const std::string tag, main_->script("COMMIT"));
  if (tag != "COMMIT" || main_->warned()) return Error(Code::kUnavailable, "the standby didn't confirm");
  return touch.text() == unsettled_->text;
}

Result<bool> PostgresDatabase::settle(Patience& patience) {
  while (true) {
    const auto committed = look_up();
    if (!committed.ok()) disconnect();
    if (committed.ok()) {
      if (*committed) acknowledged_ = unsettled_->number;
      unsettled_.reset();
      return *committed;
    }
    const bool hopeless = committed.error().code() != Code::kUnavailable;
    if (hopeless || !patience.wait_for_server()) {
      gave_up_ = true;
      return Error(hopeless ? committed.error().code() : Code::kUnavailable,
                   "whether the change was committed isn't known, look at the audit before trying again: " +
                       committed.error().message());
    }
  }
}

Status PostgresDatabase::forget_overwritten(Overwritten what) {
  CLOISTER_CHECK(!inside_);
  Patience patience(location_.patience, *random_);
  CLOISTER_RETURN_IF_ERROR(connect(patience));
  main_->clear();
  return rewrite_table(*main_, what == Overwritten::kKeks ? "kek_versions" : "datasets", location_.lock_patience);
}

}  // namespace

Result<std::unique_ptr<Database>> open_postgres(PostgresLocation location, IfAbsent if_absent, crypto::Random& random,
                                                std::span<const Migration> steps) {
  CLOISTER_RETURN_IF_ERROR(check_schema_name(location.schema));
  CLOISTER_TRY(const PostgresLibrary library, PostgresLibrary::load());
  auto database = std::make_unique<PostgresDatabase>(library, std::move(location), random);
  CLOISTER_RETURN_IF_ERROR(database->open(if_absent, steps).with_context("open the store in PostgreSQL"));
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace cloister::keys
