# Warnings, hardening, sanitizers.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
                    -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees leaks and reads past the end in its own <variant> and <string> when inlining deeply.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
                      -Wno-stringop-overread)
  # It collects its garbage less often: a tenth of the time that sources with much JSON take to compile.
  add_compile_options("SHELL:--param ggc-min-heapsize=524288")
endif()
if(CLOISTER_WERROR)
  add_compile_options(-Werror)
endif()

if(CLOISTER_HARDENED)
  add_compile_options(-fstack-protector-strong -ftrivial-auto-var-init=zero -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  add_compile_options(-fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_compile_options(-fcf-protection=full)
  endif()
  add_link_options(-Wl,-z,relro -Wl,-z,noexecstack -Wl,-z,separate-code)
endif()

if(CLOISTER_SANITIZE)
  add_compile_options(-fsanitize=${CLOISTER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CLOISTER_SANITIZE})
  add_compile_definitions(CLOISTER_SANITIZED=1)
endif()
if(CLOISTER_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Programs are position independent; the libraries they load find our OpenSSL through DT_RPATH, which reaches further
# than RUNPATH: see docs/decisions/openssl.md.
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
add_link_options(-Wl,--disable-new-dtags)
# Bound at start in every build: resolving a function on its first call saves all vector registers, and with them what
# was last copied, key bytes too, on the stack.
add_link_options(-Wl,-z,now)

find_program(MOLD mold)
if(MOLD AND NOT CLOISTER_HARDENED AND (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12.1))
  add_link_options(-fuse-ld=mold)
endif()
