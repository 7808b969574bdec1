#!/bin/bash
# Starts a Spark `driver` or `executor` on Kubernetes, or runs any other command unchanged.
set -eo pipefail

classpath="${SPARK_CLASSPATH:+$SPARK_CLASSPATH:}${SPARK_CONF_DIR:-$SPARK_HOME/conf}:$SPARK_HOME/jars/*"
classpath+="${SPARK_EXTRA_CLASSPATH:+:$SPARK_EXTRA_CLASSPATH}:$PWD"

case "$1" in
  driver)
    shift
    command=(
      "$SPARK_HOME/bin/spark-submit"
      --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS"
      --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=$SPARK_DRIVER_BIND_ADDRESS"
      --deploy-mode client
      "$@"
    )
    ;;
  executor)
    shift
    # Spark passes one JVM option per variable, numbered from 0; later options win.
    java_options=()
    while IFS= read -r name; do java_options+=("${!name}"); done < <(compgen -A variable SPARK_JAVA_OPT_ | sort -t_ -k4n)
    command=(
      "$JAVA_HOME/bin/java"
      "${java_options[@]}"
      "-Xms$SPARK_EXECUTOR_MEMORY"
      "-Xmx$SPARK_EXECUTOR_MEMORY"
      -cp "$classpath"
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend
      --driver-url "$SPARK_DRIVER_URL"
      --executor-id "$SPARK_EXECUTOR_ID"
      --cores "$SPARK_EXECUTOR_CORES"
      --app-id "$SPARK_APPLICATION_ID"
      --hostname "$SPARK_EXECUTOR_POD_IP"
      --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID"
      --podName "$SPARK_EXECUTOR_POD_NAME"
    )
    ;;
  *)
    command=("$@")
    ;;
esac

# The init process forwards signals and reaps orphaned Python workers.
exec /usr/bin/tini -s -- "${command[@]}"
