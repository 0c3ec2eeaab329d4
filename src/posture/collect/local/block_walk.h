// From a path to what encrypts it: through mounts, overlays, volumes, RAID and loop devices down to every disk below,
// by mountinfo and sysfs. No rights are needed but for reading headers of LUKS volumes.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "posture/collect/fact_maker.h"
#include "posture/collect/local/luks_header.h"
#include "posture/collect/local/mounts.h"
#include "posture/collect/local/system_tree.h"

namespace cloister::posture {

// fscrypt's policy of a directory, as the kernel has it; nothing where it has none.
struct FscryptPolicy {
  unsigned version = 2;
  unsigned contents_mode = 0;  // as linux/fscrypt.h numbers them
  std::string key_identifier;  // in hexadecimal
};
using AskFscrypt = std::function<std::optional<FscryptPolicy>(const Path&)>;
std::optional<FscryptPolicy> ask_kernel_for_fscrypt(const Path& path);

// What lies under a path or a device.
struct Rest {
  bool in_memory = false;  // bytes here don't outlive the machine's power, unless they are swapped
  StorageView view;
  std::vector<std::string> trail;  // how it was found, a line for each step
};

class BlockWalk {
 public:
  // `operator_keys`: names ("luks:UUID", "fscrypt:IDENTIFIER") of keys that the estate declares, and somebody therefore
  // keeps. References outlive it.
  BlockWalk(const SystemTree& tree, const std::vector<Mount>& mounts, const std::set<std::string>& operator_keys,
            AskFscrypt ask_fscrypt)
      : tree_(&tree), mounts_(&mounts), operator_keys_(&operator_keys), ask_fscrypt_(std::move(ask_fscrypt)) {}

  // Of a file, a folder or a device node. An error says why it can't be told; the encryption is then unknown.
  Result<Rest> of_path(const std::string& path) const { return of_path(path, 0); }
  // Of a folder with every file system that is mounted below it, but for those in one of the folders `apart`, paths
  // without links that lie below it too. What is in the clear in one is so though another can't be told.
  Result<Rest> of_tree(const std::string& path, const std::vector<std::string>& apart) const;
  // "8:2".
  Result<Rest> of_device(const std::string& number) const { return of_device(number, 0); }

 private:
  Result<Rest> of_path(const std::string& path, unsigned depth) const;
  Result<Rest> of_mount(const Mount& mount, unsigned depth) const;
  Result<Rest> of_overlay(const Mount& mount, unsigned depth) const;
  Result<Rest> of_btrfs(const Mount& mount, unsigned depth) const;
  Result<Rest> of_device(const std::string& number, unsigned depth) const;
  Result<Rest> of_lower(const std::string& folder, const std::vector<std::string>& lower, unsigned depth) const;
  Result<Rest> of_zram(const std::string& folder, unsigned depth) const;
  Rest of_crypt(const std::string& folder, const std::string& uuid, const std::vector<std::string>& lower) const;
  void add_header(const std::string& device, const std::string& uuid, Rest& rest) const;
  // The number of a device node by its name: "/dev/mapper/data".
  Result<std::string> number_of(const std::string& node) const;

  const SystemTree* tree_;
  const std::vector<Mount>* mounts_;
  const std::set<std::string>* operator_keys_;
  AskFscrypt ask_fscrypt_;
};

// Of parts that data is spread over: what isn't encrypted in one isn't encrypted.
Rest weakest(std::vector<Rest> parts);

}  // namespace cloister::posture
