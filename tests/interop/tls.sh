# Certificates for the tests, made by certtool.
# shellcheck shell=bash disable=SC2154  # tmp comes from lib.sh

new_key() { certtool --generate-privkey --key-type ecdsa --curve secp256r1 --outfile "$1" 2>/dev/null; }

# authority NAME: a CA in $tmp/NAME: its key, and its certificate as clients want it.
authority() {
  mkdir -p "$tmp/$1"
  new_key "$tmp/$1/key.pem"
  printf 'cn = CA %s\nca\ncert_signing_key\nexpiration_days = 30\n' "$1" >"$tmp/$1/template"
  certtool --generate-self-signed --load-privkey "$tmp/$1/key.pem" --template "$tmp/$1/template" \
    --outfile "$tmp/$1/ca-cert.pem" 2>/dev/null
}

# certificate CA NAME server|client LINE…: $tmp/NAME with ca-cert.pem and server- or client-{key,cert}.pem;
# LINEs go into certtool's template. Valid for 30 days unless a LINE says when it ends.
certificate() {
  local ca=$tmp/$1 dir=$tmp/$2 role=$3
  shift 3
  mkdir -p "$dir"
  cp "$ca/ca-cert.pem" "$dir/"
  new_key "$dir/$role-key.pem"
  {
    printf 'cn = %s\ntls_www_%s\nsigning_key\n' "${dir##*/}" "$role"
    printf '%s\n' "$@"
    case "$*" in *expiration_date*) ;; *) echo 'expiration_days = 30' ;; esac
  } >"$dir/template"
  certtool --generate-certificate --load-ca-certificate "$ca/ca-cert.pem" \
    --load-ca-privkey "$ca/key.pem" --load-privkey "$dir/$role-key.pem" --template "$dir/template" \
    --outfile "$dir/$role-cert.pem" 2>/dev/null
}
