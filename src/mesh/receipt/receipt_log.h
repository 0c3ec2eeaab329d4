// Where the receipts of one run of one writer go: a file of its own, a receipt a line, each naming the one before it.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/file.h"
#include "crypto/random.h"
#include "mesh/receipt/receipt.h"

namespace cloister::mesh {

// Takes what there is to say of a connection that is over. Any thread; must not wait.
class ReceiptSink {
 public:
  virtual ~ReceiptSink() = default;
  // `own` is the snapshot that the handshake used.
  virtual void record(ConnectionFacts facts, std::shared_ptr<const identity::Snapshot> own) = 0;
};

struct ReceiptCounts {
  std::uint64_t written = 0;
  std::uint64_t lost = 0;  // no room in the queue, a key that can't sign, a disk that is full: each leaves a gap
};

// Signs and writes on a thread of its own. What was recorded is on disk within a second, or when close() returns.
class ReceiptLog final : public ReceiptSink {
 public:
  static constexpr std::size_t kQueueMax = 65536;

  // A new file in `folder`, FOLDER/LOG-ID.receipts, mode 0640. The first line of a crash that was cut short is for the
  // reader to pass over: a writer never goes on with another's file.
  static Result<std::unique_ptr<ReceiptLog>> create(const Path& folder, crypto::Random& random);
  ~ReceiptLog() override;

  void record(ConnectionFacts facts, std::shared_ptr<const identity::Snapshot> own) override;
  // Writes what is queued. The first failure of all writes, if there was one.
  Status close();

  ReceiptCounts counts() const;
  const Path& path() const { return file_.path(); }

 private:
  struct Item {
    ConnectionFacts facts;
    std::shared_ptr<const identity::Snapshot> own;
    std::uint64_t sequence;
  };

  ReceiptLog(File file, ReceiptPlace place) : file_(std::move(file)), place_(place) {}
  void run();
  void write(std::deque<Item> batch);

  File file_;
  ReceiptPlace place_;  // of the next one; like size_ the thread's alone
  std::uint64_t size_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  std::uint64_t next_ = 0;
  ReceiptCounts counts_;
  Status first_failure_;
  bool closing_ = false;
  std::thread thread_;
};

// A log as it was found.
struct ReadReceipts {
  std::vector<Receipt> receipts;
  std::uint64_t missing = 0;     // places without a receipt, before the last one
  bool cut_short = false;        // the last line has no end: its writer was killed
  std::vector<std::string> bad;  // "line 12: …": lines that are no receipts, or not of this log
};

inline constexpr std::uint64_t kReceiptFileMax = std::uint64_t{1} << 30;

// kInvalid when the file is larger than kReceiptFileMax.
Result<ReadReceipts> read_receipts(const Path& file);
// The same from text that is already here.
ReadReceipts parse_receipts(std::string_view text);

}  // namespace cloister::mesh
