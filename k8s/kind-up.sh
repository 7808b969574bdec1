#!/bin/bash
# Makes what is missing: the cluster, its namespace, S3, the image on its nodes, the operator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { echo "kind-up: $*"; }

if [ -n "${KUBECONFIG_GIVEN:-}" ]; then
  say "using the cluster of KUBECONFIG"
elif kind get clusters 2>/dev/null | grep -qx "$CLUSTER"; then
  say "cluster $CLUSTER is there"
  # Another checkout may have made it; and its nodes may have been killed with Docker.
  if ! { kind export kubeconfig --name "$CLUSTER" && kubectl get --raw /readyz --request-timeout=30s; } >/dev/null; then
    say "cluster $CLUSTER does not answer; delete it by \`make kind-down\`, then try again" >&2
    exit 1
  fi
else
  say "creating cluster $CLUSTER"
  $CREATE_CLUSTER --name "$CLUSTER" --config k8s/kind-config.yaml
fi

for image in "$IMAGE" "$S3_IMAGE"; do
  say "loading $image"
  $LOAD_IMAGE "$image"
done

say "namespace and S3"
kubectl apply -f k8s/namespace.yaml
sed "s|image: image-features-s3:dev|image: $S3_IMAGE|" k8s/s3.yaml | kubectl apply -f -

say "operator"
$INSTALL_OPERATOR --values k8s/spark-operator-values.yaml
kubectl -n "$NAMESPACE" rollout status deployment/s3 --timeout=3m
say "ready"
