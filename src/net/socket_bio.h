// A socket as OpenSSL reads and writes it, without the signal that writing to a closed one raises.
#pragma once

#include <openssl/bio.h>

namespace cloister::net {

// The socket stays its owner's. Null when memory runs out.
BIO* new_socket_bio(int socket);

}  // namespace cloister::net
