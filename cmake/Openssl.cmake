# OpenSSL 3.5 or newer, as OpenSSL35::crypto and OpenSSL35::ssl: the one tools/setup-openssl.sh built, or the system's.
set(CLOISTER_OPENSSL "${CMAKE_SOURCE_DIR}/.deps/openssl" CACHE PATH "Where OpenSSL 3.5 is, if the system's is older")

if(EXISTS "${CLOISTER_OPENSSL}/built")
  set(openssl_include "${CLOISTER_OPENSSL}/include")
  set(openssl_library "${CLOISTER_OPENSSL}/lib/libcrypto.so")
  set(openssl_ssl_library "${CLOISTER_OPENSSL}/lib/libssl.so")
  list(APPEND CMAKE_BUILD_RPATH "${CLOISTER_OPENSSL}/lib")
else()
  find_package(OpenSSL 3.5 REQUIRED COMPONENTS Crypto SSL)
  set(openssl_include "${OPENSSL_INCLUDE_DIR}")
  set(openssl_library "${OPENSSL_CRYPTO_LIBRARY}")
  set(openssl_ssl_library "${OPENSSL_SSL_LIBRARY}")
endif()

add_library(OpenSSL35::crypto SHARED IMPORTED)
set_target_properties(OpenSSL35::crypto PROPERTIES
  IMPORTED_LOCATION "${openssl_library}"
  INTERFACE_INCLUDE_DIRECTORIES "${openssl_include}")

add_library(OpenSSL35::ssl SHARED IMPORTED)
set_target_properties(OpenSSL35::ssl PROPERTIES
  IMPORTED_LOCATION "${openssl_ssl_library}"
  INTERFACE_INCLUDE_DIRECTORIES "${openssl_include}"
  INTERFACE_LINK_LIBRARIES OpenSSL35::crypto)
