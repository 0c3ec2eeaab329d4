// One file, one verdict, in this order: a header of ours, another program's encryption, a format that anybody reads,
// text, a compressor one level in, and last what statistics can still say.
#pragma once

#include "posture/collect/content/known_keys.h"
#include "posture/collect/content/sample.h"
#include "posture/collect/content/verdict.h"

namespace cloister::posture::content {

struct ClassifyOptions {
  const KnownKeys* keys = nullptr;  // never null
  // Bytes of one file that statistics look at, in windows of 64 KiB; 0: all of it.
  std::uint64_t statistics_budget = std::uint64_t{1} << 20;
};

// `buffer` has kWindow bytes. Never fails: what can't be read is a verdict too.
Finding classify(const Sample& sample, const ClassifyOptions& options, MutableByteView buffer);

}  // namespace cloister::posture::content
