#!/bin/bash
# Build the named programs of list.txt (all without a name) from their Go modules, unless they are in the cache. NAME@VERSION
# builds another version of Kubernetes' own.
# Prints the path of each. AIOCSI_CACHE is the cache (default ~/.cache/aiocsi); GOMAXPROCS and GOFLAGS are honoured.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${AIOCSI_CACHE:-$HOME/.cache/aiocsi}
kubernetes=$(awk '$1 == "kubelet" {print $3}' "$here/list.txt")
export GOFLAGS="${GOFLAGS:-} -buildvcs=false" GOTOOLCHAIN=local CGO_ENABLED=0

module_folder() { go mod download -json "$1@$2" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p'; }

# Upstream's own replacements, less those that point into its working tree (their modules are published as well).
replacements() {
  awk '/^replace \(/ {block = 1; next} block && /^\)/ {block = 0} block {print "replace", $0} /^replace [^(]/ {print}' "$1" |
    grep -vE '=> *\.\.?/' || true
}

# The staging modules, which k8s.io/kubernetes at this version requires at v0.0.0 and replaces by folders of its own tree.
staging_modules() {
  sed -n 's#^\s*\(k8s.io/[a-z0-9-]*\) => ./staging/.*#\1#p' "$(module_folder k8s.io/kubernetes "$1")/go.mod" |
    sed "s#.*#replace & => & v0.${1#v1.}#"
}

# What else Kubernetes is built with, as replacements. The protocol of CSI is left out: Kubernetes takes an older one than
# the sidecars speak.
modules_of_kubernetes() {
  (cd "$(wrapper k8s.io/kubernetes "$kubernetes" kubernetes)" && go list -mod=mod -m all) |
    awk 'NF == 2 && $1 !~ /^k8s.io\/kubernetes$|container-storage-interface/ {print "replace", $1, "=>", $1, $2}'
}

# Print the folder of a module whose only requirement is the wanted one. "kubernetes" and "suite" need the staging
# modules; "helm" and "sidecar" take these and all others that Kubernetes is built with, at its versions: then nearly all
# of their packages are compiled already. (That is also why there is no -trimpath: Go would compile a package once for
# each version that is asked for, though all of them are replaced by the same one.)
wrapper() {
  local module=$1 version=$2 kind=$3 source folder
  folder=$cache/src/$(tr '/@' '__' <<<"$module@$version")
  source=$(module_folder "$module" "$version")
  if [ ! -e "$folder/go.mod" ]; then
    mkdir -p "$folder"
    cp "$source/go.sum" "$folder/go.sum" 2>/dev/null || true
    {
      echo "module example.invalid/wrapper"
      sed -n '/^go /p; /^godebug /p' "$source/go.mod"
      echo "require $module $version"
      case $kind in
      plain | seccomp | containerd | promtool) replacements "$source/go.mod" ;;
      kubernetes | suite) replacements "$source/go.mod"; staging_modules "$version" ;;
      *) replacements "$source/go.mod" | { grep -v ' k8s.io/' || true; }; staging_modules "$kubernetes"; modules_of_kubernetes ;;
      esac
    } | awk '$1 != "replace" || !replaced[$2]++' >"$folder/go.mod.$$"
    mv "$folder/go.mod.$$" "$folder/go.mod"
  fi
  echo "$folder"
}

# The flags that put a version into a program: a cluster compares those of its parts.
stamp() {
  local kind=$1 module=$2 version=$3 package minor=${kubernetes#v1.}
  case $kind in
  kubernetes | suite)
    minor=${version#v1.}
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
      printf -- '-X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s -X %s.gitTreeState=clean ' \
        "$package" "$version" "$package" "$package" "${minor%%.*}" "$package"
    done
    ;;
  containerd) echo "-X $module/version.Version=$version" ;;
  helm)
    printf -- '-X %s/internal/version.version=%s ' "$module" "$version"
    for package in chartutil lint/rules; do
      printf -- '-X %s/pkg/%s.k8sVersionMajor=1 -X %s/pkg/%s.k8sVersionMinor=%s ' \
        "$module" "$package" "$module" "$package" "${minor%%.*}"
    done
    ;;
  *) echo "-X main.version=${version#v}" ;;
  esac
}

build() {
  local name=$1 module=$2 version=$3 package=$4 kind=$5 target started=$SECONDS folder
  local tags="netgo,osusergo" link=("-s -w $(stamp "$kind" "$module" "$version")") command=(go build)
  target=$cache/bin/$name/$version/$name
  if [ ! -x "$target" ]; then
    mkdir -p "$(dirname "$target")"
    case $package in
    .) package=$module ;;
    github.com/*) ;;
    *) package=$module/$package ;;
    esac
    case $kind in
    seccomp)
      pkg-config --exists libseccomp || { echo "missing: libseccomp; as root: apt-get install libseccomp-dev" >&2; exit 1; }
      export CGO_ENABLED=1
      tags+=",seccomp" link+=("-extldflags -static")
      ;;
    containerd) tags+=",no_aufs,no_btrfs,no_devmapper,no_zfs,static_build" ;;
    suite) command=(go test -c) ;;
    promtool) tags+=",remove_all_sd" ;; # its service discovery brings the libraries of twenty clouds
    esac
    folder=$(wrapper "$module" "$version" "$kind")
    (cd "$folder" && "${command[@]}" -mod=mod -tags "$tags" -ldflags "${link[*]}" -o "$target.new" "$package")
    export CGO_ENABLED=0
    mv "$target.new" "$target"
    echo "$name $version: built in $((SECONDS - started)) s" >&2
  fi
  echo "$target"
}

names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(awk '/^[^#]/ {print $1}' "$here/list.txt")
for name in "${names[@]}"; do
  read -r -a row < <(awk -v name="${name%@*}" '$1 == name' "$here/list.txt") || { echo "no program $name" >&2; exit 2; }
  [ "$name" = "${name%@*}" ] || row[2]=${name#*@}
  build "${row[@]}"
done
