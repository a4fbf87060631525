#!/usr/bin/env bash
# Makes the certificates beside it anew (OpenSSL 3). They guard nothing: tests alone use them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
from=20200101000000Z to=21200101000000Z

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2> /dev/null; }

cat > ca.cnf <<'CONF'
[ca]
default_ca = all
[all]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[server]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,DNS:shop.example,IP:127.0.0.1
[client]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = clientAuth
[itself]
basicConstraints = critical,CA:TRUE
subjectAltName = DNS:localhost,IP:127.0.0.1
CONF

request() { openssl req -new -key "$1.key" -subj "/CN=loadgen test $1" -out "$1.csr"; }

# sign NAME EXTENSIONS FROM TO [AUTHORITY]
sign() {
    : > index.txt
    local by=("-selfsign" "-keyfile" "$1.key")
    [ $# -gt 4 ] && by=("-cert" "$5.pem" "-keyfile" "$5.key")
    openssl ca -batch -notext -config ca.cnf -in "$1.csr" "${by[@]}" -extensions "$2" \
        -startdate "$3" -enddate "$4" -out "$1.pem" 2> /dev/null
}

for name in ca other-ca server expired client itself; do key "$name"; request "$name"; done
sign ca authority "$from" "$to"
sign other-ca authority "$from" "$to"
sign server server "$from" "$to" ca
sign expired server 20200101000000Z 20200201000000Z ca
sign client client "$from" "$to" ca
sign itself itself "$from" "$to"
cp {ca,other-ca,server,expired,client,itself}.pem {server,expired,client,itself}.key "$here"
