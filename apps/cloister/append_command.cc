// cloister append: lines from standard input into a sealed log, durable group by group.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "commands.h"
#include "crypto/plain_buffer.h"
#include "objects.h"

namespace cloister::cli {
namespace {

struct AppendRequest {
  std::string log;
  KeyOptions keys;
  std::string end = "run";
  bool acknowledge = false;
};

constexpr const char* kManual = R"(EXAMPLES
  serve | cloister append inference.log.sealed --dataset acme/logs
  serve | cloister append inference.log.sealed --dataset acme/logs \
      --no-dataset-key --recipient cloister-recipient-xwing:…
      a writer that can't read what it writes, and needs no home
  cloister append audit.sealed --tenant acme --recipient key.pub --ack < lines

NOTES
  Lines are gathered for at most 50 ms, then sealed as one frame and synced.
  --ack prints how many lines are durable after each frame. Killed at any
  moment, the log keeps every acknowledged line; the next writer cuts what was
  torn. SIGINT and SIGTERM seal what has come and end the run. One writer at a
  time: a second is refused. --end log closes the log for good.
)";

constexpr double kGatherSeconds = 0.05;

// Lines on their way into the log.
class Gathering {
 public:
  Gathering(seal::LogWriter& log, bool acknowledge, bool as_json)
      : log_(&log), buffer_(log.frame_capacity()), acknowledge_(acknowledge), as_json_(as_json) {}

  MutableByteView room() { return buffer_.bytes().subspan(size_); }
  void came(std::size_t count) {
    if (size_ == 0) oldest_ = monotonic_seconds();
    size_ += count;
  }
  bool empty() const { return size_ == 0; }
  // Until the oldest byte has waited long enough.
  double seconds_left() const { return std::max(0.0, oldest_ + kGatherSeconds - monotonic_seconds()); }

  // Whole lines; everything when the room is full or `all` is set.
  enum class What { kWholeLines, kEverything };
  Status flush(What what) {
    const ByteView held = buffer_.first(size_);
    const std::string_view text = as_text(held);
    const std::size_t line_end = text.rfind('\n');
    std::size_t count = line_end == std::string_view::npos ? 0 : line_end + 1;
    if (what == What::kEverything || (count == 0 && size_ == buffer_.size())) count = size_;
    if (count == 0) {
      oldest_ = monotonic_seconds();
      return {};
    }
    CLOISTER_RETURN_IF_ERROR(log_->append(held.first(count)));
    lines_ += static_cast<std::uint64_t>(std::ranges::count(text.substr(0, count), '\n'));
    if (what == What::kEverything && text[count - 1] != '\n') ++lines_;
    bytes_ += count;
    ++frames_;
    std::copy(held.begin() + static_cast<std::ptrdiff_t>(count), held.end(), buffer_.bytes().begin());
    size_ -= count;
    oldest_ = monotonic_seconds();
    return acknowledge();
  }

  std::uint64_t lines() const { return lines_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t frames() const { return frames_; }

 private:
  Status acknowledge() const {
    if (!acknowledge_) return {};
    const auto lines = static_cast<unsigned long long>(lines_);
    const int printed = std::printf(as_json_ ? "{\"acknowledged_lines\":%llu}\n" : "%llu\n", lines);
    if (printed > 0 && std::fflush(stdout) == 0) return {};
    return Error(Code::kInternal, "write to standard output failed");
  }

  seal::LogWriter* log_;
  crypto::PlainBuffer buffer_;
  bool acknowledge_;
  bool as_json_;
  std::size_t size_ = 0;
  double oldest_ = 0;
  std::uint64_t lines_ = 0, bytes_ = 0, frames_ = 0;
};

Status pump(Gathering& gathering, const Progress& progress) {
  while (!progress.stop_requested()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int wait_ms = gathering.empty() ? -1 : static_cast<int>(gathering.seconds_left() * 1000) + 1;
    const int ready = ::poll(&input, 1, wait_ms);
    if (ready < 0 && errno != EINTR) return error_from_errno(errno, "wait for standard input");
    if (ready <= 0) {
      CLOISTER_RETURN_IF_ERROR(gathering.flush(Gathering::What::kWholeLines));
      continue;
    }
    const MutableByteView room = gathering.room();
    const ssize_t count = ::read(STDIN_FILENO, room.data(), room.size());
    if (count < 0 && errno != EINTR && errno != EAGAIN) return error_from_errno(errno, "read standard input");
    if (count == 0) break;
    if (count > 0) gathering.came(static_cast<std::size_t>(count));
    if (gathering.room().empty() || (!gathering.empty() && gathering.seconds_left() == 0)) {
      CLOISTER_RETURN_IF_ERROR(gathering.flush(Gathering::What::kWholeLines));
    }
  }
  return gathering.empty() ? ok_status() : gathering.flush(Gathering::What::kEverything);
}

Result<Outcome> append_lines(Session& session, const AppendRequest& request) {
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "append"));
  CLOISTER_TRY(const Wrappers wrappers, chain.for_sealing());
  seal::LogOptions options;
  CLOISTER_TRY(options.context, chain.context());
  options.meta.sealed_at = session.caller().now;
  const std::string& tenant = options.context.tenant;
  const std::string subject = "log " + Path(request.log).filename().string() +
                              (options.context.dataset.empty() ? "" : " of " + tenant + "/" + options.context.dataset);
  auto log = seal::LogWriter::open(request.log, options, wrappers.list, session.random());
  if (!log.ok()) return session.record_failure("log.append", tenant, subject, log.error());
  const std::string run = "run " + std::to_string(log->run_number());
  CLOISTER_RETURN_IF_ERROR(session.record("log.append", tenant, subject, run + " begins"));

  Gathering gathering(*log, request.acknowledge, session.globals().json);
  Status status = pump(gathering, session.progress());
  if (status.ok()) status = log->end(request.end == "log" ? seal::LogWriter::End::kLog : seal::LogWriter::End::kRun);
  if (!status.ok()) {
    return session.record_failure("log.append", tenant, subject,
                                  status.error().with_context("append to " + request.log));
  }
  CLOISTER_RETURN_IF_ERROR(
      session.record("log.append", tenant, subject, run + " ends: " + count_text(gathering.lines(), "line")));

  Outcome outcome;
  outcome.terse = true;
  outcome.payload_on_stdout = request.acknowledge && !session.globals().json;
  outcome.text = "appended " + count_text(gathering.lines(), "line") + ", " + bytes_text(gathering.bytes()) + " in " +
                 count_text(gathering.frames(), "frame") + " to " + request.log + " (" + run + ")\n";
  if (log->torn_bytes_cut() > 0) {
    outcome.text +=
        "cut " + bytes_text(log->torn_bytes_cut()) + " that an earlier writer left torn: never acknowledged\n";
  }
  outcome.json = {{"log", request.log},
                  {"run", log->run_number()},
                  {"lines", gathering.lines()},
                  {"plaintext_bytes", gathering.bytes()},
                  {"frames", gathering.frames()},
                  {"torn_bytes_cut", log->torn_bytes_cut()},
                  {"log_ended", request.end == "log"}};
  return outcome;
}

}  // namespace

void add_append(CLI::App& app, Run& run) {
  auto request = std::make_shared<AppendRequest>();
  CLI::App* verb = add_verb(app, "append", "seal lines from standard input into a log as they come", kManual);
  verb->add_option("LOG", request->log, "the log; made when it isn't there")->required();
  add_sealing_key_options(*verb, request->keys);
  verb->add_option("--end", request->end, "what the end of input ends")
      ->check(CLI::IsMember({"run", "log"}))
      ->capture_default_str();
  verb->add_flag("--ack", request->acknowledge, "print the number of durable lines after each frame");
  set_action(verb, run, request, append_lines);
}

}  // namespace cloister::cli
