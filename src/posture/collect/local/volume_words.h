// What volumes and file systems say of themselves, in the words of docs/formats/facts.md.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "posture/collect/local/block_walk.h"

namespace cloister::posture {

// By device-mapper's uuid: "luks2", "luks1", "dm-crypt" for what encrypts; nothing for what doesn't (LVM, verity).
std::optional<std::string> crypt_scheme(const std::string& uuid);
// The volume's own uuid with its dashes; empty where the name has none.
std::string crypt_uuid(const std::string& uuid);

// A file system that encrypts what it stores in another: gocryptfs, eCryptfs, EncFS, CryFS. Nothing for others.
std::optional<StorageView> stacked_view(const Mount& mount);

StorageView fscrypt_view(const FscryptPolicy& policy, const std::set<std::string>& operator_keys);

void apply_luks(const LuksHeader& header, const std::set<std::string>& operator_keys, StorageView& view);
std::string luks_words(const LuksHeader& header);  // one line, for the trail

}  // namespace cloister::posture
