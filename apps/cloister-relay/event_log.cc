#include "cloister-relay/event_log.h"

namespace cloister::relay {

void EventLog::refused(const mesh::RefusedConnection& connection) {
  {
    const std::scoped_lock lock(mutex_);
    const net::Ticks second = net::ticks_now() / 1000;
    if (second != second_) {
      if (withheld_ != 0) log_.warning("refusals-not-logged", {{"count", withheld_}});
      second_ = second;
      written_ = withheld_ = 0;
    }
    if (written_ >= kRefusalsPerSecond) {
      ++withheld_;
      return;
    }
    ++written_;
  }
  log_.warning("refused", {{"reason", std::string(mesh::relay_refusal_name(connection.why))},
                           {"listener", connection.listener},
                           {"remote", connection.remote},
                           {"detail", connection.detail}});
}

void EventLog::ended(const mesh::EndedConnection& connection) {
  log_.info("connection", {{"ended", std::string(mesh::relay_end_name(connection.why))},
                           {"listener", connection.listener},
                           {"remote", connection.remote},
                           {"peer", connection.peer_id},
                           {"group", connection.group},
                           {"cipher", connection.cipher},
                           {"ms", connection.lasted.ms},
                           {"sent", connection.sent},
                           {"received", connection.received}});
}

}  // namespace cloister::relay
