// The key service at its main job, unwrapping data keys, beside the same server answering the same bytes statically.
// Server with its workers and recorder on the first processor, clients on the others, over mutual TLS; the store in a
// file, every use recorded durably before it is answered.
//   bench_service CERT KEY [CONNECTIONS]
// Both ends show the one certificate. BENCH_SECONDS and BENCH_ROUNDS shrink it.
#include <sched.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/base64.h"
#include "bench.h"
#include "kms/software_key.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "pinned_verifier.h"
#include "service/service.h"

using namespace cloister;

namespace {

constexpr const char* kId = "spiffe://bench.test/job";
constexpr std::string_view kPath = "/v1/tenants/acme/datasets/mnist/";
constexpr std::string_view kPolicy = R"(version = 1
id = "bench"
not_after = "never"
[[allow]]
name = "jobs"
caller = "spiffe://bench.test/*"
operation = ["generate", "unwrap"]
tenant = "acme"
environment = "none"
dataset = "any"
purpose = "train"
[[quota]]
tenant = "acme"
requests_per_second = 1000000000
burst = 1000000000
keys_per_batch = 10000
)";

void pin(unsigned first, unsigned last) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (unsigned i = first; i <= last; ++i) CPU_SET(i, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) bench::fail("no processor to pin to");
}

net::Request post(std::string_view verb, std::string body) {
  net::Request request;
  request.method = "POST";
  request.target = std::string(kPath) + std::string(verb);
  request.headers.add("host", "bench");
  request.headers.add("content-type", "application/json");
  request.headers.add("cloister-purpose", "train");
  request.body = net::to_buffer(body);
  return request;
}

class Static final : public net::Handler {
 public:
  explicit Static(std::size_t keys) {
    std::string body = R"({"keyring":"00000000000000000000000000000000","lease_seconds":300,"keys":[)";
    const std::string key = R"({"key":")" + std::string(44, 'a') + "\"}";
    for (std::size_t i = 0; i < keys; ++i) body += (i == 0 ? "" : ",") + key;
    response_ = net::json_response(200, body + "]}");
  }
  std::optional<net::Response> handle(net::Request&, net::Deferral&) override { return response_; }

 private:
  net::Response response_;
};

// A home of its own on the disk that holds temporary files.
class Home {
 public:
  Home() {
    const char* base = std::getenv("TMPDIR");
    std::string name = std::string(base == nullptr ? "/tmp" : base) + "/cloister-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) bench::fail("no folder for temporary files");
    folder_ = name;
    bench::must(kms::create_key_file(folder_ / "root.key", std::nullopt, {}, random_));
    root_ = bench::must(kms::SoftwareKey::open(folder_ / "root.key", std::nullopt, random_));
    const keys::Caller caller{"bench", system_time()};
    auto keys = bench::must(keys::Hierarchy::create(bench::must(keys::Store::create(folder_ / "store.db")), *root_,
                                                    root_->key_id(), random_, caller));
    bench::must(keys.create_tenant({"acme", ""}, std::nullopt, caller));
    bench::must(keys.create_dataset({"acme", "", "mnist"}, caller));
  }
  ~Home() { std::filesystem::remove_all(folder_); }

  std::shared_ptr<service::Service> serve() {
    service::ServiceOptions options;
    options.clock = system_time;
    options.random = &random_;
    options.workers = 1;
    service::Backend backend;
    backend.open_store = [this] { return keys::Store::open(folder_ / "store.db"); };
    backend.open_hierarchy = [this]() -> Result<keys::Hierarchy> {
      CLOISTER_TRY(keys::Store store, keys::Store::open(folder_ / "store.db"));
      return keys::Hierarchy::open(std::move(store), *root_, root_->key_id(), random_);
    };
    auto snapshot = std::make_shared<service::Snapshot>();
    snapshot->policy = bench::must(policy::load_policy(kPolicy));
    return bench::must(service::Service::create(std::move(options), std::move(backend), std::move(snapshot)));
  }

 private:
  Path folder_;
  crypto::SystemRandom random_;
  std::unique_ptr<kms::SoftwareKey> root_;
};

// The server's process: says its port, serves until SIGTERM.
[[noreturn]] void serve(const char* certificate, const char* key, std::size_t static_keys, int report) {
  pin(0, 0);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  {
    std::optional<Home> home;
    std::shared_ptr<net::Handler> handler;
    if (static_keys != 0) {
      handler = std::make_shared<Static>(static_keys);
    } else {
      handler = home.emplace().serve();
    }
    net::ServerOptions options;
    options.clock = system_time;
    options.limits.requests_per_connection = INT32_MAX;
    const auto server = bench::must(net::HttpServer::create(std::move(options), handler));
    const auto tls =
        bench::must(net::MutualTls::create(bench::load_credentials(certificate, key),
                                           std::make_shared<bench::PinnedVerifier>(certificate, kId), system_time));
    const std::uint16_t port = bench::must(server->listen(net::TcpAddress{"127.0.0.1", 0}, tls));
    if (::write(report, &port, sizeof port) != sizeof port) std::exit(1);
    int signal = 0;
    sigwait(&signals, &signal);
  }
  std::exit(0);
}

struct Clients {
  const char* certificate;
  const char* key;
  std::uint16_t port;

  std::unique_ptr<net::HttpClient> one() const {
    auto tls =
        bench::must(net::MutualTls::create(bench::load_credentials(certificate, key),
                                           std::make_shared<bench::PinnedVerifier>(certificate, kId), system_time));
    return bench::must(net::HttpClient::create(net::TlsTarget{{"127.0.0.1", port}, kId, std::move(tls)}, {}));
  }
};

std::string text_of(const net::Response& response) { return std::string(as_text(response.body)); }

net::Response ask(net::HttpClient& client, const net::Request& request) {
  auto exchange = bench::must(client.send(request, seconds(60)));
  if (exchange.response.status != 200) bench::fail("an answer was " + text_of(exchange.response));
  return std::move(exchange.response);
}

// An unwrap of that many keys, made from what generating them answered.
net::Request unwrap_of(net::HttpClient& client, std::size_t keys) {
  const std::string made = text_of(ask(client, post("generate", "{\"count\":" + std::to_string(keys) + "}")));
  const auto field = [&](std::size_t& at, std::string_view name, std::string_view end) {
    at = made.find("\"" + std::string(name) + "\":", at) + name.size() + 3;
    return made.substr(at, made.find_first_of(end, at + 1) - at);
  };
  std::string body = "{\"keys\":[";
  std::size_t at = made.find("\"keys\"");
  for (std::size_t i = 0; i < keys; ++i) {
    const std::string object = field(at, "object", ",");
    const std::string version = field(at, "version", ",");
    const std::string wrapped = field(at, "wrapped", "}");
    body += std::string(i == 0 ? "" : ",") + "{\"object\":" + object + ",\"version\":" + version +
            ",\"wrapped\":" + wrapped + "}";
  }
  return post("unwrap", body + "]}");
}

double ticks_seconds(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string field;
  double ticks = 0;
  for (int i = 1; i <= 15 && stat >> field; ++i) {
    if (i >= 14) ticks += std::atof(field.c_str());
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

struct Figures {
  double per_cpu_second, per_second, p50_ms, p99_ms;
};

Figures load(pid_t server, const Clients& clients, const net::Request& request, unsigned connections) {
  const char* wanted = std::getenv("BENCH_SECONDS");
  const double length = wanted == nullptr ? 5 : std::atof(wanted);
  std::vector<std::vector<double>> latencies(connections);
  std::atomic<bool> counting{false}, stop{false};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < connections; ++i) {
    threads.emplace_back([&, i] {
      const auto client = clients.one();
      ask(*client, request);
      while (!stop) {
        const double start = monotonic_seconds();
        ask(*client, request);
        if (counting) latencies[i].push_back(monotonic_seconds() - start);
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const double cpu = ticks_seconds(server);
  const double start = monotonic_seconds();
  counting = true;
  std::this_thread::sleep_for(std::chrono::duration<double>(length));
  counting = false;
  const double passed = monotonic_seconds() - start;
  const double cpu_passed = ticks_seconds(server) - cpu;
  stop = true;
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const auto& one : latencies) all.insert(all.end(), one.begin(), one.end());
  if (all.empty()) bench::fail("nothing was answered");
  std::ranges::sort(all);
  const auto count = static_cast<double>(all.size());
  return {count / cpu_passed, count / passed, all[all.size() / 2] * 1e3, all[all.size() * 99 / 100] * 1e3};
}

struct Contestant {
  std::string name;
  std::size_t keys;
  bool is_static;
  unsigned connections;
  std::vector<Figures> results = {};
};

void run(Contestant& contestant, const char* certificate, const char* key) {
  int report[2];
  if (::pipe(report) != 0) bench::fail("no pipe");
  const pid_t server = ::fork();
  if (server == 0) serve(certificate, key, contestant.is_static ? contestant.keys : 0, report[1]);
  std::uint16_t port = 0;
  ::close(report[1]);
  if (::read(report[0], &port, sizeof port) != sizeof port) bench::fail("the server doesn't start");
  ::close(report[0]);
  // Its own process, so that this one has no threads and secrets when the next server is forked.
  int answer[2];
  if (::pipe(answer) != 0) bench::fail("no pipe");
  const pid_t client_process = ::fork();
  if (client_process == 0) {
    pin(1, std::max(1U, std::thread::hardware_concurrency() - 1));
    const Clients clients{certificate, key, port};
    const auto client = clients.one();
    const net::Request request =
        contestant.is_static ? post("unwrap", "{\"keys\":[\"" + std::string(contestant.keys * 180, 'a') + "\"]}")
                             : unwrap_of(*client, contestant.keys);
    const Figures result = load(server, clients, request, contestant.connections);
    if (::write(answer[1], &result, sizeof result) != sizeof result) std::exit(1);
    std::exit(0);
  }
  ::close(answer[1]);
  Figures result{};
  const bool done = ::read(answer[0], &result, sizeof result) == sizeof result;
  ::close(answer[0]);
  int status = 0;
  ::waitpid(client_process, &status, 0);
  ::kill(server, SIGTERM);
  ::waitpid(server, &status, 0);
  if (!done) bench::fail("the clients failed");
  contestant.results.push_back(result);
}

double median_of(const Contestant& contestant, double Figures::* field) {
  std::vector<double> values;
  for (const Figures& result : contestant.results) values.push_back(result.*field);
  return bench::median(std::move(values));
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) bench::fail("usage: bench_service CERT KEY [CONNECTIONS]");
  const unsigned connections = count > 3 ? static_cast<unsigned>(std::atoi(arguments[3])) : 32;
  std::vector<Contestant> contestants{{"static answer, 1 key", 1, true, connections},
                                      {"unwrap, 1 key", 1, false, connections},
                                      {"unwrap, 1 key, 1 connection", 1, false, 1},
                                      {"static answer, 1000 keys", 1000, true, 4},
                                      {"unwrap, 1000 keys", 1000, false, 4}};
  for (int round = 0; round < bench::rounds(); ++round) {
    for (Contestant& contestant : contestants) run(contestant, arguments[1], arguments[2]);
  }
  std::printf("the key service, mutual TLS 1.3, HTTP/1.1, one core, %d rounds in turn\n", bench::rounds());
  for (const Contestant& contestant : contestants) {
    const double cpu = median_of(contestant, &Figures::per_cpu_second);
    const Contestant& plain = contestants[contestant.keys == 1 ? 0 : 3];
    std::printf(
        "  %-28s %2u connections %9.0f keys a CPU second %9.0f keys a second  p50 %6.2f ms  p99 %6.2f ms  %.2f of "
        "static by CPU\n",
        contestant.name.c_str(), contestant.connections, cpu * static_cast<double>(contestant.keys),
        median_of(contestant, &Figures::per_second) * static_cast<double>(contestant.keys),
        median_of(contestant, &Figures::p50_ms), median_of(contestant, &Figures::p99_ms),
        cpu / median_of(plain, &Figures::per_cpu_second));
  }
}
