#!/bin/bash
# Runs the job on the cluster: uploads sample images, applies the chart, follows the run, downloads its output.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { echo "kind-run: $*"; }
kubectl_() { kubectl --context "$KUBE_CONTEXT" --namespace "$NAMESPACE" "$@"; }
secret() { kubectl_ get secret s3-credentials -o "jsonpath={.data.$1}" | base64 -d; }

ours=$(kubectl_ get namespace --output name \
  --field-selector "metadata.name=$NAMESPACE" --selector image-features/made-by=kind-up)
if [ -z "$ours" ]; then
  say "there is no namespace $NAMESPACE in $KUBE_CONTEXT that kind-up made; run \`make kind-up\` first" >&2
  exit 1
fi

application=$RELEASE-$RUN_ID
results=build/kind-run/$RUN_ID

port_log=$(mktemp)
# Not through kubectl_: $! would be a subshell, and killing it would leave kubectl running.
kubectl --context "$KUBE_CONTEXT" --namespace "$NAMESPACE" port-forward service/s3 :8333 >"$port_log" &
forward=$!
trap 'kill $forward 2>/dev/null; rm -f "$port_log"' EXIT
until grep -q Forwarding "$port_log"; do
  kill -0 "$forward" 2>/dev/null || exit 1
  sleep 0.2
done
S3_ENDPOINT=http://127.0.0.1:$(sed -n 's/.*127.0.0.1:\([0-9]*\) .*/\1/p' "$port_log")
AWS_ACCESS_KEY_ID=$(secret AWS_ACCESS_KEY_ID)
AWS_SECRET_ACCESS_KEY=$(secret AWS_SECRET_ACCESS_KEY)
export S3_ENDPOINT AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY

say "sample images into s3a://images/sample"
"$PYTHON" k8s/s3_copy.py put examples/images images/sample

say "applying $application"
helm template "$RELEASE" helm/image-features --skip-tests --namespace "$NAMESPACE" --values "$VALUES" \
  --set-string "runId=$RUN_ID,image.repository=${IMAGE%:*},image.tag=${IMAGE##*:}" \
  --set-string "s3.endpoint=http://s3.$NAMESPACE.svc:8333" | kubectl_ apply -f -

state() { kubectl_ get sparkapplication "$application" -o 'jsonpath={.status.applicationState.state}'; }
exit_code() {
  kubectl_ get pod "$application-driver" -o 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}'
}

until [[ $(state) =~ ^(RUNNING|COMPLETED|FAILED)$ ]]; do sleep 1; done
kubectl_ logs --follow "$application-driver" 2>&1 | grep -v -e ' INFO ' -e ' WARN ' || true
until [[ $(state) =~ ^(COMPLETED|FAILED)$ ]]; do sleep 1; done

say "$application is $(state)"
"$PYTHON" k8s/s3_copy.py get "$results" results/sample
say "report: $results/report/index.html"
[ "$(state)" = COMPLETED ] || exit "$(exit_code)"
