#!/usr/bin/env bash
# Puts one OpenSSL of at least 3.5 where the build finds it, and prints its folder.
#
#   tools/setup-openssl.sh DEPS_DIR
#
# Where the system's own libssl-dev is new enough, prints "system". Otherwise it builds Debian's own source package of
# the next release, once, into DEPS_DIR/openssl. The mirror is the one the system's apt configuration names, and apt
# checks the archive's signature and the package's hashes exactly as it does for any other package.
set -euo pipefail

readonly minimum="3.5"
readonly suite="trixie"
# 64-bit arithmetic for P-384 and P-521, which vendors' chains are signed with: signatures verify 1.7 and 3 times as fast.
readonly options="no-tests no-docs no-apps shared enable-ec_nistp_64_gcc_128 -Wl,-z,relro -Wl,-z,now"

deps_dir=${1:?usage: tools/setup-openssl.sh DEPS_DIR}
mkdir -p "$deps_dir"
deps_dir=$(cd "$deps_dir" && pwd)
prefix="$deps_dir/openssl"

# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"
say() { printf 'openssl: %s\n' "$*" >&2; }

system_version=$(dpkg-query -W -f '${Version}' libssl-dev 2>/dev/null || true)
if [ -n "$system_version" ] && dpkg --compare-versions "$system_version" ge "$minimum"; then
  echo system
  exit 0
fi
# The stamp is the version and the options: what was built with others is built once more.
if [ -f "$prefix/built" ] && [ "$(sed -n 2p "$prefix/built")" = "$options" ]; then
  echo "$prefix"
  exit 0
fi

if [ -f "$prefix/built" ]; then
  say "the OpenSSL in $prefix was configured otherwise"
else
  say "the system's OpenSSL is ${system_version:-absent}, $minimum or newer is needed"
fi
work=$(mktemp -d "$deps_dir/openssl-build.XXXXXX")
trap 'rm -rf "$work"' EXIT

# One "deb-src" line for each Debian archive the system already uses, with the suite of the next release.
sources="$work/sources.list"
list_sources() {
  # The expressions in the format are apt's.
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(SITE) $(SUITE) $(LABEL) $(COMPONENT)' 'Created-By: Packages' | sort -u |
    while read -r site _ label component; do
      [ "$component" = main ] || continue
      case "$label" in
        Debian) echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite main" ;;
        Debian-Security) echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite-security main" ;;
      esac
    done | sort -u
}
list_sources >"$sources"
if ! [ -s "$sources" ]; then
  say "apt has no lists yet: updating them"
  as_root apt-get -qq update >&2
  list_sources >"$sources"
fi
if ! [ -s "$sources" ]; then
  say "apt names no Debian archive to fetch the source package from; install OpenSSL $minimum (libssl-dev) by hand"
  exit 1
fi

mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/source"
apt_options=(
  -o "Dir::Etc::SourceList=$sources" -o "Dir::Etc::SourceParts=-"
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
  -o "APT::Sandbox::User=$(id -un)" -o "Acquire::Retries=3"
)
say "fetching Debian's source package from $suite"
apt-get "${apt_options[@]}" -qq update >&2
# Newest first: an index can name a version whose files a mirror doesn't carry yet.
version=""
for candidate in $(apt-cache "${apt_options[@]}" showsrc openssl | sed -n 's/^Version: //p' | sort -ruV); do
  if (cd "$work/source" && apt-get "${apt_options[@]}" -qq source --download-only "openssl=$candidate" >"$work/fetch.log" 2>&1); then
    version=$candidate
    break
  fi
  say "$candidate is named by the archive but can't be fetched, trying the one before it"
done
if [ -z "$version" ]; then
  cat "$work/fetch.log" >&2
  say "no version of the source package could be fetched from $suite"
  exit 1
fi
dsc=$(find "$work/source" -name 'openssl_*.dsc' | head -n 1)
dpkg --compare-versions "$version" ge "$minimum" || { say "$suite has $version, which is older than $minimum"; exit 1; }
(cd "$work/source" && dpkg-source --no-check -x "$(basename "$dsc")" tree >"$work/unpack.log")

case "$(dpkg --print-architecture)" in
  amd64) target=linux-x86_64 ;;
  arm64) target=linux-aarch64 ;;
  *) target=$(dpkg --print-architecture); say "no known OpenSSL target for $target"; exit 1 ;;
esac
say "building OpenSSL $version (about two minutes on two cores, once)"
(
  cd "$work/source/tree"
  # Each word of the options is one.
  # shellcheck disable=SC2086
  ./Configure "$target" --prefix="$prefix" --libdir=lib $options >"$work/configure.log"
  # The shared libraries alone: every object of the static ones would be compiled once more.
  make -j"$(nproc)" build_generated >"$work/make.log" 2>&1 || { tail -n 20 "$work/make.log" >&2; exit 1; }
  make -j"$(nproc)" libcrypto.so libssl.so >"$work/make.log" 2>&1 || { tail -n 20 "$work/make.log" >&2; exit 1; }
  rm -rf "$prefix"
  mkdir -p "$prefix/lib" "$prefix/include/openssl"
  cp -a libcrypto.so* libssl.so* "$prefix/lib/"
  cp include/openssl/*.h "$prefix/include/openssl/"
)
printf '%s\n%s\n' "$version" "$options" >"$prefix/built"
say "OpenSSL $version is in $prefix"
echo "$prefix"
