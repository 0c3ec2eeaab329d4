// What the daemon says of itself: one line for each thing that happened, JSON for machines or text for people. Names
// and numbers only, never a key or a token.
#pragma once

#include <condition_variable>
#include <deque>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/json.h"
#include "cloisterd/log_words.h"
#include "net/tls.h"

namespace cloister::daemon {

using LogFields = std::initializer_list<std::pair<std::string_view, JsonValue>>;

// Any thread may write, and never waits for whoever reads: lines that find the queue full are counted, and the next one
// that has room says how many were lost.
class Log {
 public:
  // `descriptor` stays the caller's. kInternal without a thread.
  static Result<std::unique_ptr<Log>> start(int descriptor, net::Clock clock);
  // Writes what is waiting.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void configure(LogLevel level, LogFormat format, std::string server_id);

  void debug(std::string_view event, LogFields fields = {}) { write(LogLevel::kDebug, event, fields); }
  void info(std::string_view event, LogFields fields = {}) { write(LogLevel::kInfo, event, fields); }
  void warning(std::string_view event, LogFields fields = {}) { write(LogLevel::kWarning, event, fields); }
  void error(std::string_view event, LogFields fields = {}) { write(LogLevel::kError, event, fields); }
  bool wants(LogLevel level) const;

 private:
  Log(int descriptor, net::Clock clock) : descriptor_(descriptor), clock_(std::move(clock)) {}
  void write(LogLevel level, std::string_view event, LogFields fields);
  std::string line(LogLevel level, std::string_view event, LogFields fields) const;
  void run();

  const int descriptor_;
  const net::Clock clock_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> waiting_;
  std::uint64_t lost_ = 0;
  bool stopping_ = false;
  LogLevel level_ = LogLevel::kInfo;
  LogFormat format_ = LogFormat::kJson;
  std::string server_id_;
  std::thread thread_;
};

}  // namespace cloister::daemon
