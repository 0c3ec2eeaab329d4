#include "mesh/workload_api/workload_source.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <thread>

#include "mesh/workload_api/x509_svid_answer.h"
#include "net/grpc_client.h"

namespace cloister::mesh {
namespace {

using State = WorkloadHealth::State;

// As go-spiffe has it: a second more for each attempt.
constexpr std::int64_t kPauseMs = 1000;
constexpr std::int64_t kPauseMsMax = 30'000;
constexpr Duration kConnectPatience{10'000};
constexpr Duration kReadPatience{600'000};
constexpr std::size_t kAnswerSizeMax = 4 << 20;

Result<std::unique_ptr<net::GrpcClient>> client_for(const WorkloadSourceOptions& options) {
  net::GrpcClientOptions limits;
  limits.message_bytes = kAnswerSizeMax;
  if (const auto* path = std::get_if<Path>(&options.endpoint.where)) {
    return net::GrpcClient::create(net::UnixTarget{*path, options.server_user}, limits);
  }
  return net::GrpcClient::create(net::LocalTarget{std::get<net::TcpAddress>(options.endpoint.where)}, limits);
}

Result<std::shared_ptr<const identity::Snapshot>> snapshot_of(ByteView message, const WorkloadSourceOptions& options) {
  CLOISTER_TRY(WorkloadState state, parse_x509_svids(message, options.conformance));
  auto found = state.svids.begin();
  if (options.id) {
    found = std::ranges::find_if(state.svids, [&](const HeldSvid& held) { return held.svid.id() == *options.id; });
  }
  if (found == state.svids.end()) return Error(Code::kNotFound, "the server has no SVID of " + options.id->uri());
  return identity::Snapshot::create(std::move(found->svid), found->key->duplicate(), std::move(state.bundles),
                                    options.clock());
}

// How the server's status reads to a client: section 6.
State state_of(net::GrpcCode code) {
  switch (code) {
    case net::GrpcCode::kInvalidArgument:
    case net::GrpcCode::kUnimplemented: return State::kRefused;
    case net::GrpcCode::kPermissionDenied: return State::kDenied;
    default: return State::kAway;
  }
}

}  // namespace

class WorkloadSource::Follower {
 public:
  Follower(WorkloadSourceOptions options, std::unique_ptr<net::GrpcClient> client)
      : options_(std::move(options)), client_(std::move(client)), thread_([this] { run(); }) {}

  ~Follower() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
      if (answers_ != nullptr) answers_->cancel();
    }
    woken_.notify_all();
    thread_.join();
  }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  Status wait_for_first(Duration patience) {
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, std::chrono::milliseconds(patience.ms),
                    [this] { return source_ != nullptr || health_.state == State::kRefused; });
    if (source_ != nullptr) return {};
    const std::string what = "get an identity at " + options_.endpoint.to_string() + ": " +
                             (health_.detail.empty() ? "no answer in time" : health_.detail);
    if (health_.state == State::kRefused) return Error(Code::kInvalid, what);
    return Error(health_.state == State::kDenied ? Code::kDenied : Code::kUnavailable, what);
  }

  // Once there was a first.
  const std::shared_ptr<identity::Source>& source() const { return source_; }

  WorkloadHealth health() const {
    const std::scoped_lock lock(mutex_);
    return health_;
  }

 private:
  void run() {
    std::int64_t attempts = 0;
    for (;;) {
      const auto began = std::chrono::steady_clock::now();
      const bool served = follow_once();
      attempts = served ? 0 : attempts + 1;
      // A connection that lasted is begun anew at once; one that ends again and again isn't.
      const bool lasted = std::chrono::steady_clock::now() - began > std::chrono::milliseconds(kPauseMs);
      const std::int64_t pause = served && lasted ? 0 : std::clamp(attempts * kPauseMs, kPauseMs, kPauseMsMax);
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, std::chrono::milliseconds(pause),
                      [this] { return stopping_ || health_.state == State::kRefused; });
      if (stopping_ || health_.state == State::kRefused) return;
    }
  }

  // One connection. True when an identity came over it.
  bool follow_once() {
    net::GrpcRequest request{"/SpiffeWorkloadAPI/FetchX509SVID", {{"workload.spiffe.io", "true"}}, {}};
    auto begun = client_->begin(request, kConnectPatience);
    if (!begun.ok()) {
      report(State::kAway, begun.error().message());
      return false;
    }
    const std::unique_ptr<net::GrpcAnswers> answers = std::move(begun).value();
    if (!watch(answers.get())) return false;
    const bool served = take_answers(*answers);
    watch(nullptr);
    return served;
  }

  // What the destructor has to cancel. False when it is at work already.
  bool watch(net::GrpcAnswers* answers) {
    const std::scoped_lock lock(mutex_);
    answers_ = answers;
    return !stopping_;
  }

  bool take_answers(net::GrpcAnswers& answers) {
    bool served = false;
    for (;;) {
      auto event = answers.next(kReadPatience);
      if (!event.ok()) {
        report(State::kAway, event.error().message());
        return served;
      }
      if (const auto* status = std::get_if<net::GrpcStatus>(&*event)) {
        report(state_of(status->code), "the server says: " + status->text);
        return served;
      }
      const auto* message = std::get_if<net::Buffer>(&*event);
      if (message == nullptr) continue;
      auto snapshot = snapshot_of(*message, options_);
      if (!snapshot.ok()) {
        report(snapshot.error().code() == Code::kNotFound ? State::kDenied : State::kAway, snapshot.error().message());
        return served;
      }
      adopt(std::move(snapshot).value());
      served = true;
    }
  }

  void adopt(std::shared_ptr<const identity::Snapshot> snapshot) {
    {
      const std::scoped_lock lock(mutex_);
      if (source_ == nullptr) {
        source_ = std::make_shared<identity::Source>(std::move(snapshot));
      } else {
        source_->replace(std::move(snapshot));
      }
      health_ = {State::kFollowing, {}, health_.updates + 1, options_.clock()};
    }
    tell();
  }

  void report(State state, std::string detail) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
      const bool same = health_.state == state && health_.detail == detail;
      health_.state = state;
      health_.detail = std::move(detail);
      if (same) return;
    }
    tell();
  }

  void tell() {
    woken_.notify_all();
    if (options_.changed) options_.changed();
  }

  const WorkloadSourceOptions options_;
  const std::unique_ptr<net::GrpcClient> client_;
  mutable std::mutex mutex_;
  std::condition_variable woken_;
  std::shared_ptr<identity::Source> source_;
  WorkloadHealth health_;
  net::GrpcAnswers* answers_ = nullptr;
  bool stopping_ = false;
  std::thread thread_;
};

WorkloadSource::WorkloadSource(std::unique_ptr<Follower> follower) : follower_(std::move(follower)) {}
WorkloadSource::~WorkloadSource() = default;

Result<std::unique_ptr<WorkloadSource>> WorkloadSource::create(WorkloadSourceOptions options, Duration patience) {
  if (!options.clock) return Error(Code::kInvalid, "a workload's source needs a clock");
  CLOISTER_TRY(auto client, client_for(options));
  auto follower = std::make_unique<Follower>(std::move(options), std::move(client));
  CLOISTER_RETURN_IF_ERROR(follower->wait_for_first(patience));
  return std::unique_ptr<WorkloadSource>(new WorkloadSource(std::move(follower)));
}

const std::shared_ptr<identity::Source>& WorkloadSource::source() const { return follower_->source(); }
WorkloadHealth WorkloadSource::health() const { return follower_->health(); }

}  // namespace cloister::mesh
