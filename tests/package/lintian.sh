#!/bin/bash
# Debian's own checks have nothing to say about the package, and it has the program's version.
. "$(dirname -- "$0")/../interop/lib.sh"

"$here/../package/build-package" "$build" "$tmp"
packages=("$tmp"/luksdetached_*.deb)
lintian --allow-root --fail-on error,warning --display-level '>=warning' "${packages[@]}" || fail "lintian has something to say"

version=$("$build/server/luksdetached" --version)
[ "${version#luksdetached }" = "$(dpkg-deb --field "${packages[0]}" Version)" ] ||
  fail "debian/changelog has another version than $version"

note "the same package again"
mkdir "$tmp/again"
"$here/../package/build-package" "$build" "$tmp/again"
same "${packages[0]}" "$tmp"/again/luksdetached_*.deb
