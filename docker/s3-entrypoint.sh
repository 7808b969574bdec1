#!/bin/bash
# Starts SeaweedFS and nginx, and creates the buckets in BUCKETS.
set -euo pipefail

cat > /tmp/identities.json <<JSON
{"identities": [{"name": "local", "actions": ["Admin"],
  "credentials": [{"accessKey": "$AWS_ACCESS_KEY_ID", "secretKey": "$AWS_SECRET_ACCESS_KEY"}]}]}
JSON

weed_shell() { weed shell -master 127.0.0.1:9333 2>/dev/null <<<"$1"; }

# `weed shell` fails if the bucket exists, and until all parts are up.
make_buckets() {
  for bucket in ${BUCKETS:-}; do
    until weed_shell s3.bucket.list | grep -q "^ *$bucket\b"; do
      weed_shell "s3.bucket.create -name $bucket" >/dev/null || sleep 1
    done
  done
  touch /tmp/ready
}

# Two volumes per bucket instead of seven, and a small heap.
WEED_MASTER_VOLUME_GROWTH_COPY_1=2 GOMEMLIMIT=256MiB weed server -dir=/data -ip=127.0.0.1 \
  -master.telemetry=false -master.volumeSizeLimitMB=64 -volume.max=0 -volume.preStopSeconds=0 \
  -s3 -s3.port=8334 -s3.config=/tmp/identities.json -s3.iam=false -s3.autoCreateBucket=false \
  -s3.port.iceberg=0 -s3.port.lance=0 -filer.localSocket=/tmp/filer.sock -s3.localSocket=/tmp/s3.sock &
make_buckets &
exec nginx -c /opt/s3-nginx.conf
