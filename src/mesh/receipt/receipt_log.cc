// The log's writer and its reader.
#include "mesh/receipt/receipt_log.h"

#include <chrono>

namespace cloister::mesh {
namespace {

constexpr std::size_t kBadMax = 100;  // of the lines that are described

}  // namespace

Result<std::unique_ptr<ReceiptLog>> ReceiptLog::create(const Path& folder, crypto::Random& random) {
  ReceiptPlace place;
  random.fill(place.log);
  CLOISTER_RETURN_IF_ERROR(create_directories(folder, 0750));
  CLOISTER_TRY(File file, File::create_new(folder / (to_hex(place.log) + ".receipts"), 0640));
  CLOISTER_RETURN_IF_ERROR(sync_directory(folder));
  std::unique_ptr<ReceiptLog> log(new ReceiptLog(std::move(file), place));
  log->thread_ = std::thread([raw = log.get()] { raw->run(); });
  return log;
}

ReceiptLog::~ReceiptLog() { (void)close(); }

void ReceiptLog::record(ConnectionFacts facts, std::shared_ptr<const identity::Snapshot> own) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t sequence = next_++;
  if (closing_ || queue_.size() >= kQueueMax) {
    ++counts_.lost;
    return;
  }
  queue_.push_back({std::move(facts), std::move(own), sequence});
  if (queue_.size() == 1) wake_.notify_one();
}

Status ReceiptLog::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  return first_failure_;
}

ReceiptCounts ReceiptLog::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void ReceiptLog::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::deque<Item> batch;
    batch.swap(queue_);
    lock.unlock();
    write(std::move(batch));
    lock.lock();
    // One sync for all that come in this time.
    wake_.wait_for(lock, std::chrono::milliseconds(200), [this] { return closing_; });
  }
}

void ReceiptLog::write(std::deque<Item> batch) {
  std::string lines;
  std::uint64_t written = 0;
  Status failure;
  ReceiptPlace next = place_;
  for (const Item& item : batch) {
    next.sequence = item.sequence;
    auto token = sign_receipt(item.facts, next, *item.own);
    if (!token.ok()) {
      failure = token.error();
      continue;
    }
    lines += *token + "\n";
    next.previous = crypto::sha256(as_bytes(*token));
    ++written;
  }
  Status stored = file_.write_at(size_, as_bytes(lines));
  if (stored.ok()) stored = file_.sync();
  if (stored.ok()) {
    place_ = next;
    size_ += lines.size();
  } else {
    // Without half a line: what follows would be lost with it.
    (void)file_.truncate(size_);
    failure = stored;
    written = 0;
  }
  const std::lock_guard lock(mutex_);
  counts_.written += written;
  counts_.lost += batch.size() - written;
  if (first_failure_.ok()) first_failure_ = failure;
}

Result<ReadReceipts> read_receipts(const Path& file) {
  CLOISTER_TRY(const Bytes text, read_file(file, kReceiptFileMax));
  return parse_receipts(as_text(text));
}

ReadReceipts parse_receipts(std::string_view text) {
  ReadReceipts read;
  std::optional<ReceiptPlace> last;
  std::uint64_t line = 0, bad = 0;
  const auto refuse = [&](const std::string& why) {
    if (++bad <= kBadMax) read.bad.push_back("line " + std::to_string(line) + ": " + why);
  };
  while (!text.empty()) {
    ++line;
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      read.cut_short = true;
      break;
    }
    auto receipt = parse_receipt(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (!receipt.ok()) {
      refuse(receipt.error().message());
      continue;
    }
    const ReceiptPlace& place = receipt->place;
    const crypto::Sha256Digest expected = last ? read.receipts.back().digest() : crypto::Sha256Digest{};
    if (last && place.log != last->log) {
      refuse("of another log");
    } else if (last && place.sequence <= last->sequence) {
      refuse("out of order");
    } else if (place.previous != expected) {
      refuse("the one before it isn't the one that it names");
    } else {
      read.missing += place.sequence - (last ? last->sequence + 1 : 0);
      last = place;
      read.receipts.push_back(std::move(receipt).value());
    }
  }
  return read;
}

}  // namespace cloister::mesh
