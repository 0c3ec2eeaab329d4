// How much a program says of itself, and in which form.
#pragma once

namespace cloister::daemon {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kJson, kText };

}  // namespace cloister::daemon
