// An exclusive lock that keeps others out: on the file that still has the name it was opened by.
#pragma once

#include <functional>

#include "base/file.h"

namespace cloister::seal {

// As File::lock_exclusive(). kUnavailable also when the file was replaced or removed since it was opened: nobody else
// would meet the lock, and what is written there is lost.
Status lock_in_place(const File& file);

// Opens a file only to read it and locks it in place. Open for writing where that is allowed, since network file
// systems lock nothing else exclusively.
Result<File> open_locked(const std::function<Result<File>(File::Access)>& open);

}  // namespace cloister::seal
