#!/bin/bash
# Files that are not there or cannot be what they should be are named.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K
absent=$tmp/absent
refused "$absent.*no such file" "header=$absent" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
refused "$absent.*no such file" "header=$tmp/v.header" "payload=$absent" "secret=$tmp/v.secret"
refused "$absent.*no such file" "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$absent"
refused "$absent.*no such file" "header=file://$absent" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
[ ! -e "$absent" ] || fail "a missing file was made"

note "directories"
refused "$tmp.*(directory|regular file)" "header=$tmp" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
refused "$tmp.*(directory|regular file)" "header=$tmp/v.header" "payload=$tmp" "secret=$tmp/v.secret"
refused "$tmp.*(directory|regular file)" "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp"

note "schemes that are not known"
refused 'gopher' "header=gopher://host/x" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
