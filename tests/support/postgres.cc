#include "tests/support/postgres.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace cloister::testing {
namespace {

// The newest version's programs: /usr/lib/postgresql/15/bin.
const Path& programs() {
  static const Path found = [] {
    glob_t matches{};
    Path newest;
    if (::glob("/usr/lib/postgresql/*/bin/initdb", 0, nullptr, &matches) == 0) {
      std::vector<Path> all(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
      const auto version = [](const Path& path) {
        return std::atoi(path.parent_path().parent_path().filename().c_str());
      };
      newest = *std::ranges::max_element(all, {}, version);
    }
    ::globfree(&matches);
    return newest.parent_path();
  }();
  return found;
}

// PostgreSQL doesn't run as root.
const passwd* server_user() {
  static const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : ::getpwuid(::geteuid());
  return user;
}

// In a child process: becomes the server's user and the program. Dies with the test, however that ends.
[[noreturn]] void become(const std::vector<std::string>& command, const Path& log) {
  const passwd* user = server_user();
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (::geteuid() == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0) ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  for (const char* name : {"PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGOPTIONS"}) ::unsetenv(name);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  if (::chdir("/") != 0) ::_exit(126);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

pid_t launch_as_server_user(const std::vector<std::string>& command, const Path& log) {
  const pid_t child = ::fork();
  if (child == 0) become(command, log);
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string contents(const Path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void must(bool worked, const std::string& what, const Path& log) {
  if (worked) return;
  std::fprintf(stderr, "PostgreSQL for tests: %s failed\n%s\n", what.c_str(), contents(log).c_str());
  std::abort();
}

void run_as_server_user(const std::vector<std::string>& command, const Path& log) {
  must(wait_for(launch_as_server_user(command, log)) == 0, command[0], log);
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    const std::string stat = contents(entry.path() / "stat");
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos || stat.size() < name_end + 4) continue;
    if (std::atoi(stat.c_str() + name_end + 4) == parent) children.push_back(pid);
  }
  return children;
}

// What a killed server leaves behind: line 7 of its pid file is "key id".
void remove_shared_memory(const Path& data) {
  std::ifstream file(data / "postmaster.pid");
  std::string line;
  for (int i = 0; i < 7 && std::getline(file, line); ++i) {
  }
  if (const std::size_t blank = line.rfind(' '); file && blank != std::string::npos) {
    ::shmctl(std::atoi(line.c_str() + blank), IPC_RMID, nullptr);
  }
}

void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

}  // namespace

bool TestPostgres::installed() { return !programs().empty() && server_user() != nullptr; }

TestPostgres& TestPostgres::shared() {
  static const std::unique_ptr<TestPostgres> server = start();
  return *server;
}

TestPostgres::TestPostgres() {
  // Short: the path of a Unix socket is at most 107 bytes long. In memory where that can be: no power is cut here, and
  // every commit syncs.
  std::string name = "/dev/shm/cloister-pg-XXXXXX";
  if (::access("/dev/shm", W_OK) != 0 || ::mkdtemp(name.data()) == nullptr) {
    name = "/tmp/cloister-pg-XXXXXX";
    CLOISTER_CHECK(::mkdtemp(name.data()) != nullptr);
  }
  folder_ = name;
  if (::geteuid() == 0) CLOISTER_CHECK(::chown(name.c_str(), server_user()->pw_uid, server_user()->pw_gid) == 0);
}

TestPostgres::~TestPostgres() {
  if (pid_ >= 0) {
    ::kill(pid_, SIGQUIT);
    wait_for(pid_);
  }
  remove_shared_memory(data());
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::unique_ptr<TestPostgres> TestPostgres::start(const std::string& settings) {
  std::unique_ptr<TestPostgres> server(new TestPostgres);
  const Path log = server->folder_ / "log";
  run_as_server_user({(programs() / "initdb").string(), "-D", server->data().string(), "-U", "postgres", "--auth=trust",
                      "--encoding=UTF8", "--locale=C", "--no-sync"},
                     log);
  std::ofstream(server->data() / "postgresql.conf", std::ios::app)
      << "listen_addresses = ''\nshared_buffers = 16MB\ndynamic_shared_memory_type = mmap\nmax_wal_senders = "
         "4\nwal_keep_size = 64MB\n"
         "max_connections = 60\nlog_min_messages = fatal\nlog_min_error_statement = panic\n"
      << settings << "\n";
  server->launch();
  return server;
}

std::unique_ptr<TestPostgres> TestPostgres::start_standby(const std::string& name) {
  std::unique_ptr<TestPostgres> standby(new TestPostgres);
  const Path log = standby->folder_ / "log";
  run_as_server_user({(programs() / "pg_basebackup").string(), "-h", host(), "-U", "postgres", "-D",
                      standby->data().string(), "-c", "fast", "-X", "stream", "-R", "--no-sync"},
                     log);
  std::ofstream(standby->data() / "postgresql.auto.conf", std::ios::app)
      << "primary_conninfo = 'host=" << host() << " user=postgres application_name=" << name << "'\n";
  standby->launch();
  return standby;
}

void TestPostgres::launch() {
  pid_ = launch_as_server_user({(programs() / "postgres").string(), "-D", data().string(), "-k", folder_.string()},
                               folder_ / "log");
  wait_until_ready();
}

void TestPostgres::wait_until_ready() const {
  for (int i = 0; i < 1000; ++i) {
    if (try_sql("SELECT 1")) return;
    pause();
  }
  must(false, "starting the server", folder_ / "log");
}

std::string TestPostgres::connection(const std::string& hosts) {
  return "host=" + hosts + " port=5432 dbname=postgres user=postgres";
}

keys::PostgresLocation TestPostgres::location(const std::string& schema) const {
  keys::PostgresLocation location;
  location.connection = crypto::Secret::copy_of(as_bytes(connection()));
  location.schema = schema;
  return location;
}

std::string TestPostgres::sql(const std::string& text) const {
  const auto [worked, answer] = run_psql(text);
  if (!worked) std::fprintf(stderr, "PostgreSQL for tests: %s\n%s\n", text.substr(0, 300).c_str(), answer.c_str());
  CLOISTER_CHECK(worked);
  return answer;
}

bool TestPostgres::try_sql(const std::string& text) const { return run_psql(text).first; }

std::pair<bool, std::string> TestPostgres::run_psql(const std::string& text) const {
  static std::atomic<int> count = 0;
  const Path script = folder_ / ("script" + std::to_string(++count));
  const Path output = script.string() + ".out";
  std::ofstream(script) << text << ";\n";
  const std::string command = (programs() / "psql").string() + " -XqAt -v ON_ERROR_STOP=1 '" + connection() + "' -f " +
                              script.string() + " >" + output.string() + " 2>&1";
  const bool worked = std::system(command.c_str()) == 0;
  std::string answer = contents(output);
  while (!answer.empty() && answer.back() == '\n') answer.pop_back();
  std::filesystem::remove(script);
  std::filesystem::remove(output);
  return {worked, std::move(answer)};
}

void TestPostgres::set(const std::string& name, const std::string& value) const {
  sql("ALTER SYSTEM SET " + name + " TO '" + value + "'");
  sql("SELECT pg_reload_conf()");
  for (int i = 0; i < 500 && sql("SELECT setting FROM pg_settings WHERE name = '" + name + "'") != value; ++i) pause();
}

void TestPostgres::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGSTOP);
  for (const pid_t child : children_of(pid_)) ::kill(child, SIGKILL);
  ::kill(pid_, SIGKILL);
  wait_for(pid_);
  pid_ = -1;
}

void TestPostgres::restart() {
  kill();
  launch();
}

void TestPostgres::promote() const {
  sql("SELECT pg_promote(true, 60)");
  for (int i = 0; i < 500 && sql("SELECT pg_is_in_recovery()") != "f"; ++i) pause();
}

}  // namespace cloister::testing
