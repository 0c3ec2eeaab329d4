// What encrypts a location: layers that lie on each other, each of which may be enough by itself. A disk under sealed
// files need not be encrypted, nor files on a disk that is.
#pragma once

#include "posture/judge/proof.h"

namespace cloister::posture {

// Facts about one location. Those that prove nothing are among them.
struct LocationFacts {
  Subject subject;
  const Location* declared = nullptr;  // null: it was only seen
  Facts configuration;                 // storage.encryption, of the location
  Facts objects;                       // storage.encryption, of its objects
  Facts scans;                         // content.scan
  Facts seals;                         // seal.location

  // Where it is, as far as known: its address, or its name.
  const std::string& address() const;
};

// Declared locations in scope, and those that any of these facts is about; by subject.
std::vector<LocationFacts> locations(const View& view);
// Those declared as one of these kinds.
std::vector<LocationFacts> locations_of(const View& view, std::initializer_list<DataKind> kinds);

// One of storage.encryption says yes, in a scheme that is known; not the seal of files, which their bytes prove.
Finding look_encrypted(const Fact& fact);
bool is_seal(const Fact& fact);  // its scheme is one whose ciphertext lies in the files themselves
// Objects in a store of objects, where the default for new ones says nothing about those that are there.
bool is_object_store(std::string_view address);

// Files that anybody can read: in plain, or compressed; nothing where the fact doesn't count them.
std::optional<std::int64_t> readable_files(const Fact& scan);
// Every file was looked at, by a scanner that told planted files right.
Finding look_scan_complete(const Fact& scan);
// And each is sealed or otherwise encrypted.
Finding look_scan_sealed(const Fact& scan, const LocationFacts& location);

// What a control asks of each layer, besides that it encrypts.
struct LayerQuestion {
  std::string nobody;       // where nobody looked at the location
  std::string remediation;  // of a location that nothing encrypts
  Look configured;          // asked of storage.encryption
  // Asked of a location whose files are all sealed; its facts prove something.
  std::function<SubjectVerdict(const LocationFacts&)> sealed;
};
SubjectVerdict judge_layers(const View& view, const LocationFacts& location, const LayerQuestion& question);

}  // namespace cloister::posture
