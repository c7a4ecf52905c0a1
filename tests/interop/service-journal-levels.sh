#!/bin/bash
# Where standard error is the journal's, each line says its level as sd-daemon(3) has it; elsewhere in
# words. The variable that names the journal's stream counts only for that stream.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K
make_luks2 vm2 256K
chmod o+r "$tmp/vm1.secret" # a warning
printf wrong >"$tmp/vm2.secret"
{
  export_table vm1 vm1
  export_table vm2 vm2
} | service_config

use_service() {
  : >"$log"
  start_service
  settled
  exits 0 nbdinfo --size "$(uri_of vm1)"
  exits 1 nbdinfo --size "$(uri_of none)"
  ends_within_a_second
}
note "the journal's stream"
: >"$log"
export JOURNAL_STREAM
JOURNAL_STREAM=$(stat -c %d:%i "$log")
use_service
matches '^<3>export vm2 is refused to clients: cannot unlock' "$log"
matches '^<4>export vm1: .*can be read by every user' "$log"
matches '^<4>audit event=refusal' "$log"
matches '^<5>export vm1 is open: ' "$log"
matches '^<5>audit event=unlock' "$log"
matches '^<6>audit event=open' "$log"
if grep -v '^<[3-6]>' "$log"; then fail "lines without a level"; fi

note "another stream"
JOURNAL_STREAM=1:1
use_service
matches '^nbdkit: luksdetached: error: export vm2 is refused to clients: cannot unlock' "$log"
matches '^nbdkit: luksdetached: warning: export vm1: ' "$log"
matches '^nbdkit: luksdetached: notice: export vm1 is open: ' "$log"
matches '^nbdkit: luksdetached: info: audit event=open' "$log"
if grep '^<' "$log"; then fail "lines for a journal"; fi
