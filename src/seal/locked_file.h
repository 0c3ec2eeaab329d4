// An exclusive lock that keeps others out: on the file that still has the name it was opened by.
#pragma once

#include "base/file.h"

namespace cloister::seal {

// As File::lock_exclusive(). kUnavailable also when the file was replaced or removed since it was opened: nobody else
// would meet the lock, and what is written there is lost.
Status lock_in_place(const File& file);

}  // namespace cloister::seal
