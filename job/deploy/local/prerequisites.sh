#!/bin/sh
# Install the prerequisites on this machine: a venv with a supported Python, and a supported Java.
#
# prerequisites.sh VENV: creates the folder VENV and writes Java's home to VENV/java-home. Missing
# packages are installed with apt, as root or with sudo; without apt, one line says what to install.
# Search order: PYTHON and JAVA_HOME, if set; then PATH; for Java JVM_FOLDER last.
set -eu

venv=$1
jvm_folder=${JVM_FOLDER:-/usr/lib/jvm}

fail() {
    echo "$1" >&2
    exit 1
}

apt_install() { # apt_install WHAT PACKAGE...: fails with one line if apt cannot be used
    what=$1
    shift
    command -v apt-get >/dev/null || fail "$what is missing and there is no apt here; fix: install $what"
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "$what is missing; fix: as root, apt-get install $1"
        as_root=sudo
    fi
    echo "installing $what by apt" >&2
    $as_root apt-get update -qq >/dev/null
    for package in "$@"; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            $as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -qq --no-install-recommends "$package" >/dev/null
            return
        fi
    done
    fail "$what is missing and apt knows none of: $*; fix: install $what"
}

python_fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.11 python3.12 python3.13; do
        if python_fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python from 3.11 to 3.13 on PATH; fix: install one, or make PYTHON=/path/to/python3.11"
}

make_venv() {
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && return
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        apt_install "Python's venv module" "python$version-venv" python3-venv
    fi
    "$python" -m venv "$venv"
}

java_version() { # the major version of the Java at home $1; nothing if there is none
    "$1/bin/java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p'
}

java_homes() {
    [ -z "${JAVA_HOME:-}" ] || echo "$JAVA_HOME"
    on_path=$(command -v java || true)
    [ -z "$on_path" ] || dirname "$(dirname "$(readlink -f "$on_path")")"
    for home in "$jvm_folder"/*17* "$jvm_folder"/*21*; do
        [ ! -x "$home/bin/java" ] || echo "$home"
    done
}

find_java() { # prints the first home of Java 17 to 21, and why others are skipped
    java_homes | while read -r home; do
        version=$(java_version "$home")
        case $version in
            17 | 18 | 19 | 20 | 21)
                echo "$home"
                return
                ;;
            ?*) echo "not used: $home is Java $version, Spark 4.1 needs 17 or 21" >&2 ;;
        esac
    done
}

make_venv
java_home=$(find_java)
if [ -z "$java_home" ]; then
    apt_install "Java 17 or 21" openjdk-17-jre-headless openjdk-21-jre-headless
    java_home=$(find_java 2>/dev/null)
fi
[ -n "$java_home" ] || fail "no Java 17 or 21 found; fix: install one, or make JAVA_HOME=/path/to/it"
echo "$java_home" >"$venv/java-home"
