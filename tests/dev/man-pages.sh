#!/bin/bash
# The sources of the man pages are POD that podchecker has nothing to say about: pod2man passes over what
# it does not understand, such as a heading without a blank line before it.
set -euo pipefail
cd -- "$(dirname -- "$0")/../../docs"

said=$(podchecker -warnings -warnings ./*.pod 2>&1) || true
printf '%s\n' "$said"
pages=(*.pod)
[ "$(grep -c 'pod syntax OK' <<<"$said")" = ${#pages[@]} ] || exit 1
if grep -Eq 'WARNING|ERROR' <<<"$said"; then exit 1; fi
