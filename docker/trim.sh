#!/bin/bash
# Removes from VENV and SPARK what the job cannot reach: trim.sh VENV SPARK.
set -euo pipefail
shopt -s nullglob globstar

site=$1/lib/python3.11/site-packages
spark=$2

# C++ headers of Arrow.
rm -rf "$site"/pyarrow/include

# A slim image has no TensorFlow.
if [ -d "$site/tensorflow" ]; then
  # C++ headers; libclang is only for TensorFlow's build.
  rm -rf "$site"/tensorflow/include "$site"/clang "$site"/libclang-*.dist-info

  # Compilers for accelerators, and the client of tf.data's service: loaded on demand only.
  rm -rf "$site"/tensorflow/compiler/tf2xla/ops/_xla_ops.so \
    "$site"/tensorflow/compiler/mlir/stablehlo/stablehlo_extension.so "$site"/grpc "$site"/grpcio-*.dist-info

  # TensorFlow imports the client of a remote profiler, which the job does not use.
  profiler=$site/tensorflow/python/profiler/internal/_pywrap_profiler_plugin
  rm "$profiler.so"
  touch "$profiler.py"

  # Networks for telephones: `import tensorflow` loads their compiler, and keras asks for it on demand.
  rm -rf "$site"/tensorflow/lite
  for names in "$site"/tensorflow/_api/v2/{lite,compat/v1/lite,compat/v2/lite}; do
    rm -r "$names" && mkdir "$names" && touch "$names/__init__.py"
  done
fi

# botocore needs only the service models for credentials and S3.
find "$site"/botocore/data -mindepth 1 -maxdepth 1 -type d \
  ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -rf {} +

# Symbols are two fifths of TensorFlow's libraries, and one fifth of Arrow's. strip breaks numpy and pillow.
strip --strip-unneeded "$site"/{tensorflow,pyarrow,obstore}/**/*.so{,.*}

# Arrow Flight is a server protocol, and Arrow's own S3 client is not ours; nothing else links them.
rm -rf "$site"/pyarrow/libarrow_s3.so* "$site"/pyarrow/_s3fs.* "$site"/pyarrow/libarrow_flight.so* "$site"/pyarrow/libarrow_python_flight.so* "$site"/pyarrow/_flight.*

# AVIF is none of the formats that are read, and nothing draws text into images.
rm -rf "$site"/PIL/_{avif,imagingft}.*.so "$site"/pillow.libs/lib{avif,freetype,harfbuzz}-*

# The report embeds the minified scripts, without formulas and WebGL.
find "$site"/bokeh/server/static/js -type f ! -name '*.min.js' -delete
rm "$site"/bokeh/server/static/js/bokeh-{mathjax,gl,api}.min.js
# Wheels hold three copies where a link would do.
for library in "$site"/pyarrow/libarrow_python*.so.*.*; do
  for copy in "${library%%.so.*}.so" "${library%.*.*}"; do ln -sf "${library##*/}" "$copy"; done
done

# numpy's own tests; its public helpers for tests import one file of them.
find "$site/numpy" -path '*/tests/*' -type f ! -name _natype.py ! -name __init__.py -delete
# A build tool that TensorFlow asks for and does not import.
rm -rf "$site"/setuptools "$site"/setuptools-*.dist-info "$site"/_distutils_hack "$site"/distutils-precedence.pth \
  "$site"/pkg_resources

for package in h5py joblib pandas pyarrow; do
  find "$site/$package" -type d -name tests -prune -exec rm -rf {} + 2>/dev/null || true
done
find "$site" \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.map' -o -name '*.h' -o -name '*.a' \) -delete

# Spark Connect, Hive, the REPL, and the disk store of the history server. hive-storage-api stays: ORC's
# data source is loaded with all others, and needs it.
cd "$spark/jars"
rm -rf ./connect-repl ./spark-connect* ./spark-hive* ./spark-repl* ./scala-compiler-* ./jline-* \
  ./hive-{beeline,cli,common,exec,jdbc,llap,metastore,serde,service,shims,udf}* ./datanucleus-* ./derby* ./javax.jdo-* ./jdo-api-* \
  ./libfb303-* ./libthrift-* ./rocksdbjni-* ./leveldbjni-* \
  ./netty-tcnative-boringssl-static-*-{osx,windows}-* ./netty-transport-native-kqueue-*
rm -rf "$spark"/{data,examples,sbin}

# Spark's standalone master with ZooKeeper; keys in PEM files that a pod has no use for; a solver of
# eigenvectors of sparse matrices.
rm -f ./curator-* ./zookeeper-* ./bcprov-* ./bcpkix-* ./bcutil-* ./arpack_combined_all-*
# Libraries of other systems and processors than this one.
case $(uname -m) in
  x86_64) ours='linux/(amd64|x86_64)/'; rm -f ./netty-*-linux-{aarch_64,riscv64}.jar ;;
  aarch64) ours='linux/aarch64/'; rm -f ./netty-*-linux-{x86_64,riscv64}.jar ;;
esac
for jar in ./zstd-jni-*.jar ./snappy-java-*.jar ./lz4-java-*.jar; do
  unzip -Z1 "$jar" | grep -E '\.(so|a|dll|dylib|jnilib)$' | grep -v -i -E "$ours" | zip -q -d "$jar" -@
done
