#!/bin/bash
# Prepares cluster and namespace: creates the kind cluster if it is missing, or checks that of USE_CLUSTER.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { echo "kind-up: $*"; }
fail() { say "$*" >&2; exit 1; }
kubectl_() { kubectl --context "$KUBE_CONTEXT" "$@"; }

if [ -n "$USE_CLUSTER" ]; then
  # A namespace of other users may have a Secret or a Service with the same name.
  theirs=$(kubectl_ get namespace --output name \
    --field-selector "metadata.name=$NAMESPACE" --selector image-features/made-by!=kind-up)
  [ -z "$theirs" ] ||
    fail "kind-up did not make the namespace $NAMESPACE of $USE_CLUSTER; choose another name: NAMESPACE=..."
elif kind get clusters 2>/dev/null | grep -qx "$CLUSTER"; then
  say "cluster $CLUSTER is there"
  # Another checkout may have created it, and its nodes may have stopped with Docker.
  { kind export kubeconfig --name "$CLUSTER" && kubectl_ get --raw /readyz --request-timeout=30s; } >/dev/null ||
    fail "cluster $CLUSTER does not answer; delete it by \`make kind-down\`, then try again"
else
  say "creating cluster $CLUSTER"
  $CREATE_CLUSTER --name "$CLUSTER" --config k8s/kind-config.yaml
fi

# Create the namespace before the operator: the operator's chart adds Roles to its watched namespaces.
say "namespace $NAMESPACE"
sed "s|name: image-features|name: $NAMESPACE|" k8s/namespace.yaml |
  kubectl label --local --filename - image-features/made-by=kind-up --output yaml | kubectl_ apply -f -

[ -z "$USE_CLUSTER" ] || exec "$PYTHON" -m k8s.check_operator "$KUBE_CONTEXT" "$NAMESPACE"
