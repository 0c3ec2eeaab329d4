#include "tests/support/softhsm.h"

#include <glob.h>

#include <cstdlib>
#include <fstream>

namespace cloister::testing {
namespace {

std::optional<Path> find(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    glob_t found{};
    const bool any = ::glob(pattern.c_str(), 0, nullptr, &found) == 0 && found.gl_pathc > 0;
    const std::optional<Path> first = any ? std::optional<Path>(found.gl_pathv[0]) : std::nullopt;
    ::globfree(&found);
    if (first) return first;
  }
  return std::nullopt;
}

bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

void write(const Path& path, const std::string& text) { std::ofstream(path) << text; }

bool init_softhsm_token(const std::string& label) {
  const std::string pin(TestToken::kPin);
  return run("softhsm2-util --init-token --free --label '" + label + "' --pin " + pin + " --so-pin so-" + pin);
}

}  // namespace

TestToken::~TestToken() { ::unsetenv("SOFTHSM2_CONF"); }

std::unique_ptr<TestToken> TestToken::start_softhsm(const std::string& label) {
  const auto module = find({"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so"});
  if (!module) return nullptr;
  auto token = std::unique_ptr<TestToken>(new TestToken(*module, label));
  const Path& folder = token->directory_.path();
  std::filesystem::create_directory(folder / "tokens");
  write(folder / "softhsm2.conf",
        "directories.tokendir = " + (folder / "tokens").string() + "\nobjectstore.backend = file\nlog.level = ERROR\n");
  ::setenv("SOFTHSM2_CONF", (folder / "softhsm2.conf").c_str(), 1);
  if (!init_softhsm_token(label)) return nullptr;
  return token;
}

void TestToken::take_away() {
  std::filesystem::rename(directory_ / "tokens", directory_ / "away");
  std::filesystem::create_directory(directory_ / "tokens");
}

void TestToken::bring_back() {
  std::filesystem::remove_all(directory_ / "tokens");
  std::filesystem::rename(directory_ / "away", directory_ / "tokens");
}

bool TestToken::add_softhsm_token(const std::string& label) { return init_softhsm_token(label); }

std::unique_ptr<TestToken> TestToken::start_nss(const std::string& label) {
  const auto module = find({"/usr/lib/*/libsoftokn3.so", "/usr/lib/*/nss/libsoftokn3.so", "/usr/lib/libsoftokn3.so"});
  if (!module) return nullptr;
  auto token = std::unique_ptr<TestToken>(new TestToken(*module, label));
  const Path& folder = token->directory_.path();
  write(folder / "password", std::string(kPin) + "\n");
  const std::string database = "sql:" + folder.string();
  if (!run("certutil -N -d " + database + " -f " + (folder / "password").string())) return nullptr;
  token->parameters_ = "configdir='" + database + "' certPrefix='' keyPrefix='' secmod='secmod.db' flags='' " +
                       "dbTokenDescription='" + label + "'";
  return token;
}

}  // namespace cloister::testing
