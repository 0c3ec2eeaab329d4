# Shared by `do` and the scripts beside it: saying what is done, installing what is needed. Sourced, not run.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() {
  printf 'do: %s\n' "$1" >&2
  exit "${2:-1}"
}

# Runs a command as root: directly, or with sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "this needs root to install packages: run as root, install sudo, or install by hand: ${missing:-what it names}" 3
  fi
}

packages_for() {  # purposes...
  local purpose
  for purpose in "$@"; do
    sed -n "s/^$purpose  *//p" tools/packages.txt
  done | tr ' ' '\n' | sed '/^$/d' | while read -r name; do first_known "$name"; done | sort -u
}

# Of "a|b": the first that is installed, else the first that apt can install, else the last.
first_known() {
  local name last=$1
  case "$1" in
    *"|"*)
      for name in ${1//|/ }; do
        if dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed; then
          echo "$name"
          return
        fi
      done
      for name in ${1//|/ }; do
        last=$name
        # A name that others mention is known as well, without a candidate.
        if LC_ALL=C apt-cache policy "$name" 2>/dev/null | grep -q '^  Candidate: [^(]'; then break; fi
      done
      ;;
  esac
  echo "$last"
}

# A machine that never fetched the lists of packages can't tell which of two names it has.
need_package_lists() {
  if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; then
    say "fetching the lists of packages"
    as_root apt-get -qq update
  fi
}

# Installs the packages of these purposes that aren't there.
need() {
  local wanted missing
  ! command -v apt-get >/dev/null || need_package_lists
  wanted=$(packages_for "$@" | tr '\n' ' ')
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    if [ -n "${CLOISTER_PACKAGES_READY:-}" ]; then return; fi
    fail "this system has no apt; install the equivalents of these Debian packages, then set CLOISTER_PACKAGES_READY=1: $wanted" 3
  fi
  # shellcheck disable=SC2086 # a list of names
  missing=$({ dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null || true; } |  # unknown names: status 1
    awk '$2 == "installed" {print $1}' | sort -u | comm -13 - <(packages_for "$@") | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  say "installing packages: $missing"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
  # shellcheck disable=SC2086 # a list of names
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
}

need_openssl() {
  local found
  found=$(tools/setup-openssl.sh .deps)
  [ "$found" = system ] || [ -f "$found/built" ] || fail "no OpenSSL 3.5"
}

# Configures (once) and builds a preset, or some of its targets.
configure_options=()
# A newer compiler's new warnings are ours to mend, not to stop somebody's demo.
[ -z "${CI:-}" ] || configure_options+=(-DCLOISTER_WERROR=ON)
build() {  # preset [target...]
  local preset=$1
  shift
  if [ ! -f "build/$preset/build.ninja" ]; then
    say "configuring $preset"
    cmake --preset "$preset" "${configure_options[@]}" >"build-$preset.log" 2>&1 || {
      cat "build-$preset.log" >&2
      rm -f "build-$preset.log"
      fail "configuring $preset failed"
    }
    rm -f "build-$preset.log"
  fi
  say "building $preset"
  if [ $# -gt 0 ]; then
    cmake --build "build/$preset" --target "$@"
  else
    cmake --build "build/$preset"
  fi
}
