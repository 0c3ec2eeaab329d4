#include "watch.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/parallel.h"
#include "output.h"

namespace cloister::cli {
namespace {

constexpr double kLinePeriod = 10;
constexpr double kQuietStart = 0.5;  // what is done by then needs no bar
constexpr int kWakeUp = SIGUSR1;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

void do_nothing(int) {}

std::string left_text(std::uint64_t done, std::uint64_t expected, double elapsed) {
  return seconds_text(elapsed / static_cast<double>(done) * static_cast<double>(expected - done)) + " left";
}

// A read that waits for standard input hears of no signal, since those are blocked: it is woken, and finds the end.
void wake_reader(pthread_t reader) {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) {
    ::dup2(nothing, STDIN_FILENO);
    ::close(nothing);
  }
  ::pthread_kill(reader, kWakeUp);
}

}  // namespace

Watch::Watch(Progress& progress, Show show)
    : progress_(&progress), show_(show), terminal_(::isatty(STDERR_FILENO) == 1), main_thread_(::pthread_self()) {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction action{};
  action.sa_handler = do_nothing;
  ::sigaction(kWakeUp, &action, nullptr);
  auto thread = start_thread([this] { run(); });
  if (thread.ok()) thread_ = std::move(*thread);  // without one there is no progress to see, and the work goes on
}

Watch::~Watch() {
  end();
  finished_ = true;
  thread_.join();
}

void Watch::begin(std::string doing) {
  const std::lock_guard lock(mutex_);
  doing_ = std::move(doing);
  started_ = monotonic_seconds();
  last_shown_ = started_;
  showing_ = show_ == Show::kYes;
}

void Watch::end() {
  const std::lock_guard lock(mutex_);
  showing_ = false;
  if (drawn_) clear();
}

void Watch::run() {
  const sigset_t set = stop_signals();
  const timespec tick{0, 20'000'000};
  bool asked = false;
  while (!finished_) {
    const int signal = ::sigtimedwait(&set, nullptr, &tick);
    if (signal > 0) {
      if (asked) ::_exit(128 + signal);
      asked = true;
      progress_->request_stop();
      wake_reader(main_thread_);
    }
    const std::lock_guard lock(mutex_);
    if (showing_) draw(monotonic_seconds());
  }
}

void Watch::clear() {
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

// Work that is counted in objects, since their sizes don't matter.
std::string Watch::objects_text(double elapsed) const {
  const std::uint64_t done = progress_->objects_done();
  const std::uint64_t expected = progress_->objects_expected();
  if (expected == 0) return count_text(done, "object");
  std::string text = std::to_string(done) + " of " + count_text(expected, "object");
  if (done == 0) return text;
  text += "  " + std::to_string(static_cast<std::uint64_t>(static_cast<double>(done) / elapsed)) + "/s";
  if (expected > done) text += "  " + left_text(done, expected, elapsed);
  return text;
}

void Watch::draw(double now) {
  const double elapsed = now - started_;
  const double period = terminal_ ? 0.1 : kLinePeriod;
  if (elapsed < kQuietStart || now - last_shown_ < period) return;
  last_shown_ = now;
  const std::uint64_t done = progress_->bytes_done();
  const std::uint64_t expected = progress_->bytes_expected();
  std::string line = doing_ + "  ";
  if (expected > 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(expected));
    if (terminal_) {
      const auto full = static_cast<std::size_t>(share * 24);
      line += "[" + std::string(full, '=') + std::string(24 - full, ' ') + "]  ";
    }
    line += std::to_string(static_cast<int>(share * 100)) + " %  " + bytes_text(done) + " of " + bytes_text(expected);
  } else if (done > 0) {
    line += bytes_text(done);
  } else {
    line += objects_text(elapsed);
  }
  if (done > 0) line += "  " + rate_text(done, elapsed);
  if (done > 0 && expected > done) line += "  " + left_text(done, expected, elapsed);
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    drawn_ = true;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

}  // namespace cloister::cli
