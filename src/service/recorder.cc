#include "service/recorder.h"

namespace cloister::service {
namespace {

Result<std::optional<Recorded>> write(keys::Store& store, const Use& use) {
  if (use.seen.empty()) {
    CLOISTER_RETURN_IF_ERROR(store.record(use.event));
    return std::optional(Recorded{});
  }
  keys::TenantRecord tenant;
  keys::DatasetRecord dataset;
  for (const SeenRow& row : use.seen) {
    tenant.tenant = dataset.tenant = row.tenant;
    tenant.environment = dataset.environment = row.environment;
    (row.dataset.empty() ? tenant.row_version : dataset.row_version) = row.row_version;
    if (!row.dataset.empty()) dataset.dataset = row.dataset;
  }
  CLOISTER_TRY(const bool recorded, store.record_use(use.event, tenant, dataset));
  return recorded ? std::optional(Recorded{}) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::start(const std::function<Result<keys::Store>()>& open_store,
                                                  RecorderOptions options) {
  CLOISTER_TRY(keys::Store store, open_store());
  return std::unique_ptr<Recorder>(new Recorder(std::move(store), options));
}

Recorder::Recorder(keys::Store store, RecorderOptions options) : store_(std::move(store)), options_(options) {
  thread_ = std::thread([this] { run(); });
}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Recorder::submit(Use use, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= options_.waiting_max) return false;
    waiting_.push_back({std::move(use), std::move(done)});
    if (waiting_.size() > 1) return true;  // whoever came first has woken it
  }
  wake_.notify_one();
  return true;
}

std::size_t Recorder::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void Recorder::run() {
  while (true) {
    std::vector<Entry> entries;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::size_t count = std::min(waiting_.size(), options_.at_once_max);
      entries.reserve(count);
      for (std::size_t i = 0; i < count; ++i) {
        entries.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    commit(std::move(entries));
  }
}

// While one transaction is made durable the next one's records gather: nobody waits for company.
void Recorder::commit(std::vector<Entry> entries) {
  for (Entry& entry : entries) {
    const auto recorded = write(store_, entry.use);
    if (recorded.ok() && *recorded) records_.fetch_add(1, std::memory_order_relaxed);
    entry.done(recorded);
  }
  commits_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace cloister::service
