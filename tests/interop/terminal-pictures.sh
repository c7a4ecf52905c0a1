#!/bin/bash
# The pictures in README say what the program says today.
. "$(dirname -- "$0")/lib.sh"
. "$here/installed.sh"

mkdir "$tmp/pictures"
/usr/bin/python3 -B "$here/../../docs/terminal/record.py" --check "$tmp/pictures" || fail "the pictures are old"
