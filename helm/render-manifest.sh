#!/bin/bash
# Writes k8s/sparkapplication.yaml: the chart with ci/kind.yaml, for `kubectl apply` without Helm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Render before writing: if Helm fails or is missing, the file does not change.
chart="$(helm template image-features helm/image-features --skip-tests --namespace image-features \
  --values helm/image-features/ci/kind.yaml)"
printf '%s\n' "# Generated from helm/image-features with ci/kind.yaml by \`make manifests\`; edit those." \
  "$chart" >k8s/sparkapplication.yaml
