#!/bin/bash
# Without one of the three things that a volume needs, or with a parameter that is unknown, repeated
# or malformed, the message names the parameter.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K
header=header=$tmp/v.header
payload=payload=$tmp/v.payload
secret=secret=$tmp/v.secret
refused 'header' "$payload" "$secret"
refused 'payload' "$header" "$secret"
refused 'secret' "$header" "$payload"
refused 'header|payload|secret'
refused 'colour' "$header" "$payload" "$secret" colour=blue
refused 'payload' "$header" "$payload" "$secret" "$payload"
refused 'lock' "$header" "$payload" "$secret" lock=maybe
refused 'insecure' "$header" "$payload" "$secret" insecure=2
refused 'header' "header=" "$payload" "$secret"
refused 'payload' "$header" "payload=" "$secret"
refused 'secret' "$header" "$payload" "secret="
