#!/bin/bash
# The cluster and the namespace: our cluster is created where it is missing, that of USE_CLUSTER is checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { echo "kind-up: $*"; }
fail() { say "$*" >&2; exit 1; }
kubectl_() { kubectl --context "$KUBE_CONTEXT" "$@"; }

if [ -n "$USE_CLUSTER" ]; then
  # A namespace of other users may have a Secret or a Service with the name of ours.
  theirs=$(kubectl_ get namespace --output name \
    --field-selector "metadata.name=$NAMESPACE" --selector image-features/made-by!=kind-up)
  [ -z "$theirs" ] ||
    fail "kind-up did not make the namespace $NAMESPACE of $USE_CLUSTER; choose another name: NAMESPACE=..."
elif kind get clusters 2>/dev/null | grep -qx "$CLUSTER"; then
  say "cluster $CLUSTER is there"
  # Another checkout may have made it; and its nodes may have been killed with Docker.
  { kind export kubeconfig --name "$CLUSTER" && kubectl_ get --raw /readyz --request-timeout=30s; } >/dev/null ||
    fail "cluster $CLUSTER does not answer; delete it by \`make kind-down\`, then try again"
else
  say "creating cluster $CLUSTER"
  $CREATE_CLUSTER --name "$CLUSTER" --config k8s/kind-config.yaml
fi

# Before the operator: its chart puts roles into the namespaces that it watches.
say "namespace $NAMESPACE"
sed "s|name: image-features|name: $NAMESPACE|" k8s/namespace.yaml |
  kubectl label --local --filename - image-features/made-by=kind-up --output yaml | kubectl_ apply -f -

[ -z "$USE_CLUSTER" ] || exec "$PYTHON" -m k8s.check_operator "$KUBE_CONTEXT" "$NAMESPACE"
