// Who a caller is, as selectors: from its credentials by the kernel, its executable, and where it is in the tree of
// control groups. docs/registration.md lists them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/registration/containers.h"
#include "mesh/registration/pods.h"
#include "mesh/registration/process.h"
#include "mesh/selector.h"

namespace cloister::mesh {

struct Attested {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string path;  // empty: not known
  std::set<Selector> selectors;
};

// Looked at only when some entry depends on it: digests read whole files, names may be asked from a directory service.
struct AttestWith {
  bool digest = false;  // unix:sha256
  bool names = false;   // unix:user, unix:group, unix:supplementary_group
  friend bool operator==(const AttestWith&, const AttestWith&) = default;
};

struct AttestorOptions {
  bool systemd = false;
  bool slurm = false;
  bool kubernetes = false;
  bool docker = false;
  Path pods_file;        // empty: of Kubernetes only what control groups say
  Path containers_file;  // empty: of Docker only what control groups say
  Path proc = "/proc";
  std::vector<Path> unit_folders = system_unit_folders();
  // Empty where there is none.
  std::function<std::string(uid_t)> user_name = system_user_name;
  std::function<std::string(gid_t)> group_name = system_group_name;
  // A file that can't be used, once for each state of it. Any thread.
  std::function<void(const Error&)> on_problem;

  static std::vector<Path> system_unit_folders();  // in the order in which systemd looks, systemd.unit(5)
  static std::string system_user_name(uid_t uid);
  static std::string system_group_name(gid_t gid);
};

// A file that is read again when it was changed. Any thread may call.
template <typename Value>
class FreshFile {
 public:
  using Parse = Result<Value> (*)(std::string_view text);
  FreshFile(Path path, std::size_t size_max, Parse parse)
      : path_(std::move(path)), size_max_(size_max), parse_(parse) {}

  // Null when there is no path, or what is there now can't be used: `problem` is set the first time then.
  std::shared_ptr<const Value> current(std::optional<Error>& problem);

 private:
  Result<Value> read() const;
  std::string state() const;

  const Path path_;
  const std::size_t size_max_;
  const Parse parse_;
  std::mutex mutex_;
  std::string seen_;
  std::shared_ptr<const Value> value_;
};

// Any thread may call.
class Attestor {
 public:
  explicit Attestor(AttestorOptions options);

  // kDenied: the caller has ended or is another user by now. kUnavailable: look again. Where the kernel doesn't say
  // which process called, its user and group are all that is attested.
  Result<Attested> attest(const net::UnixPeer& caller, AttestWith with);

 private:
  void add_users(Attested& attested, const std::vector<gid_t>& groups, AttestWith with) const;
  void add_groups(Attested& attested, const ControlGroupFacts& facts);
  void add_unit(Attested& attested, const std::string& unit) const;

  const AttestorOptions options_;
  ProcessReader reader_;
  FreshFile<Pods> pods_;
  FreshFile<Containers> containers_;
};

}  // namespace cloister::mesh
