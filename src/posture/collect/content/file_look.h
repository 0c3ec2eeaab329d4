// One file of a directory: opened, read as far as its verdict needs, closed.
#pragma once

#include "posture/collect/content/classify.h"
#include "posture/collect/content/location_tally.h"
#include "posture/collect/content/walker.h"

namespace cloister::posture::content {

// Of one thread.
struct LookBuffers {
  Bytes head = Bytes(kWindow), window = Bytes(kWindow);
};

struct FileLook {
  Finding finding;
  std::uint64_t size = 0;
  std::string sha256_head;  // of the first 4096 bytes; empty for what is sealed or can't be read
  bool special = false;     // no regular file: a pipe, a link
};

// Of an open directory.
FileLook look_at_file(int directory, const std::string& name, const ClassifyOptions& options, LookBuffers& buffers);

// All files of a batch.
LocationTally look_at_batch(const FileBatch& batch, const ClassifyOptions& options, LookBuffers& buffers,
                            Progress& progress);

}  // namespace cloister::posture::content
