#include "cloisterd/log.h"

#include <unistd.h>

#include "base/parallel.h"
#include "base/reader.h"

namespace cloister::daemon {
namespace {

constexpr std::size_t kWaitingMax = 8192;
constexpr std::size_t kTextMax = 2048;  // of one value

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
  }
  return "error";
}

// Text from outside as a line can hold it: printable ASCII and not endless.
std::string clean_text(std::string_view text) {
  std::string out(text.substr(0, kTextMax));
  if (is_plain_utf8(out)) return out;
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

JsonValue clean(const JsonValue& value) {
  const std::string* text = value.string();
  return text == nullptr ? value : JsonValue(clean_text(*text));
}

}  // namespace

Result<std::unique_ptr<Log>> Log::start(int descriptor, net::Clock clock) {
  std::unique_ptr<Log> log(new Log(descriptor, std::move(clock)));
  CLOISTER_TRY(log->thread_, start_thread([self = log.get()] { self->run(); }));
  return log;
}

Log::~Log() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Log::configure(LogLevel level, LogFormat format, std::string server_id) {
  const std::lock_guard lock(mutex_);
  level_ = level;
  format_ = format;
  server_id_ = std::move(server_id);
}

bool Log::wants(LogLevel level) const {
  const std::lock_guard lock(mutex_);
  return level >= level_;
}

std::string Log::line(LogLevel level, std::string_view event, LogFields fields) const {
  const std::string time = to_rfc3339(clock_());
  if (format_ == LogFormat::kText) {
    std::string text = time + " " + std::string(level_name(level)) + " " + std::string(event);
    for (const auto& [name, value] : fields) text += " " + std::string(name) + "=" + clean(value).serialize();
    return text + "\n";
  }
  JsonValue::Object object = {{"time", time}, {"level", std::string(level_name(level))}, {"event", std::string(event)}};
  if (!server_id_.empty()) object.emplace_back("server", server_id_);
  for (const auto& [name, value] : fields) object.emplace_back(name, clean(value));
  return JsonValue(std::move(object)).serialize() + "\n";
}

void Log::write(LogLevel level, std::string_view event, LogFields fields) {
  {
    const std::lock_guard lock(mutex_);
    if (level < level_) return;
    if (waiting_.size() >= kWaitingMax) {
      ++lost_;
      return;
    }
    if (lost_ != 0)
      waiting_.push_back(line(LogLevel::kWarning, "log-lines-lost", {{"count", std::exchange(lost_, 0)}}));
    waiting_.push_back(line(level, event, fields));
  }
  wake_.notify_one();
}

void Log::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::deque<std::string> lines;
    lines.swap(waiting_);
    lock.unlock();
    for (const std::string& one : lines) {
      std::string_view rest = one;
      while (!rest.empty()) {
        const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;  // nobody reads it any more: the work goes on
        rest.remove_prefix(static_cast<std::size_t>(count));
      }
    }
    lock.lock();
  }
}

}  // namespace cloister::daemon
