// A model as another process reads it: a file in memory alone, which nobody can change any more. Where that process is
// this worker's own there is SecretMemory.
#pragma once

#include "base/file.h"

namespace cloister::worker {

// Empty. To be made before the lockdown: a kernel before 6.3 has none but those that can be executed, which the filter
// refuses.
Result<File> make_memory_file(const std::string& name);

// Moves, doesn't copy. Destroyed, it overwrites what is in it, for every process that has it open.
class EngineFile {
 public:
  // In a memory file that is empty. Zeroed; at least one byte. Its pages are locked: kUnavailable when the limit on
  // locked memory is too low for it.
  static Result<EngineFile> allocate(File file, std::size_t size);

  EngineFile(EngineFile&& other) noexcept;
  EngineFile& operator=(EngineFile&&) = delete;
  EngineFile(const EngineFile&) = delete;
  ~EngineFile();

  MutableByteView expose_mutable() { return {data_, size_}; }
  ByteView expose() const { return {data_, size_}; }
  // From now on nobody but this object can write to it, make it longer or shorter.
  Status freeze();
  // To hand to a child; closed on exec, so the child duplicates it.
  const File& file() const { return file_; }

 private:
  EngineFile(File file, std::uint8_t* data, std::size_t size) : file_(std::move(file)), data_(data), size_(size) {}

  File file_;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace cloister::worker
