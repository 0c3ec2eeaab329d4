// Who connects a provider to the hosts it needs: the real one is web_transport(), tests put recorded exchanges there.
#pragma once

#include <functional>
#include <memory>

#include "kms/http_transport.h"

namespace cloister::kms {

using Connect = std::function<Result<std::unique_ptr<HttpTransport>>(const Endpoint&, const WebTransportOptions&)>;

}  // namespace cloister::kms
