#!/usr/bin/env bash
# Builds selfheald_VERSION_ARCH.deb: selfheald with a virtual environment of its own in /opt/selfheald.
#
#   build.sh [FOLDER [REQUIREMENT]]
#
# FOLDER takes the package (default: here). REQUIREMENT is what pip installs (default: this checkout, with the
# command line, and of its dependencies only what ../requirements.lock knows by its hash; with UNLOCKED=1 what
# pyproject.toml allows). Needs dpkg-deb and the distribution's Python with venv; with gcc and python3-dev the
# loops in C are built too. The variables of pip hold: PIP_NO_INDEX and PIP_FIND_LINKS build without a network.
set -euo pipefail
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
folder=$(cd "${1:-.}" && pwd)
# By its whole name, such as python3.11: the packages inside are for this one.
python=$(readlink -f "${PYTHON:-/usr/bin/python3}")

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/root
venv=$root/opt/selfheald

# From a copy: what an earlier build left in the checkout must not get into this one.
mkdir "$stage/source"
cp -a "$checkout"/{LICENSE,README.md,pyproject.toml,config,daemon,handlers,systemd} "$stage/source"
requirement=${2:-$stage/source[cli]}

"$python" -m venv "$stage/pip"
"$python" -m venv --without-pip "$venv"
pip=("$stage/pip/bin/python" -m pip --quiet --disable-pip-version-check)
from=()
if [[ -z ${2:-} && -z ${UNLOCKED:-} ]]; then
  "${pip[@]}" download --require-hashes --requirement "$here/../requirements.lock" --dest "$stage/files"
  from=(--no-index --find-links "$stage/files")
fi
# -g0: debug information would name the stage.
CFLAGS=-g0 "${pip[@]}" --python "$venv/bin/python" install --no-compile "${from[@]}" "$requirement"
version=$("$venv/bin/python" -I -c 'from importlib.metadata import version; print(version("selfheald"))')

# The environment moves from the stage to its place.
rm -f "$venv"/bin/[Aa]ctivate* "$venv"/lib/python*/site-packages/selfheald-*.dist-info/direct_url.json
grep -rlIZ "$venv" "$venv" | xargs -0r sed -i "s|$venv|/opt/selfheald|g"
"$python" -m compileall -q -s "$root" --invalidation-mode checked-hash "$venv/lib"
if grep -rq "$stage" "$root"; then
  echo "build.sh: files name the stage: $(grep -rl "$stage" "$root" | head -3)" >&2
  exit 1
fi

install -D -m 644 "$here/../selfheald.service" "$root/usr/lib/systemd/system/selfheald.service"
install -D -m 644 "$here/../selfheald.sysusers" "$root/usr/lib/sysusers.d/selfheald.conf"
install -D -m 644 "$here/../selfheald.tmpfiles" "$root/usr/lib/tmpfiles.d/selfheald.conf"
for name in selfheald.yaml selfheald.schema.json; do
  install -D -m 644 "$venv"/lib/python*/site-packages/config/"$name" "$root/etc/selfheald/$name"
done
install -d "$root/etc/selfheald/conf.d" "$root/usr/bin"
ln -s /opt/selfheald/bin/selfheald "$root/usr/bin/selfheald"
install -D -m 644 "$checkout/LICENSE" "$root/usr/share/doc/selfheald/copyright"

architecture=$(dpkg --print-architecture)
install -d "$root/DEBIAN"
install -m 755 "$here"/{preinst,postinst,prerm,postrm} "$root/DEBIAN"
printf '%s\n' /etc/selfheald/selfheald.yaml /etc/selfheald/selfheald.schema.json > "$root/DEBIAN/conffiles"
cat > "$root/DEBIAN/control" <<CONTROL
Package: selfheald
Version: $version
Architecture: $architecture
Maintainer: selfheald <root@localhost>
Section: admin
Priority: optional
Depends: $(basename "$python"), libc6, systemd (>= 247), init-system-helpers, passwd
Installed-Size: $(du -sk "$root" | cut -f1)
Description: anomaly detection and diagnosis from handler logs
 Watches a log directory, finds anomalies in handler telemetry, diagnoses them
 and recommends fixes. Runs as a hardened service of systemd, without a network.
CONTROL

package=$folder/selfheald_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package" > "$stage/log" || { cat "$stage/log" >&2; exit 1; }
echo "$package"
