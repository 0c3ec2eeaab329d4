// Tells systemd how far the daemon is, without its library: sd_notify(3), "Notes".
#pragma once

#include <string_view>

namespace cloister::daemon {

// "READY=1", "STOPPING=1", "STATUS=…": one or more lines. Nothing happens without NOTIFY_SOCKET.
void notify_manager(std::string_view lines);
// The lines that say a reload begins; READY=1 says it is over.
void notify_reloading();

}  // namespace cloister::daemon
