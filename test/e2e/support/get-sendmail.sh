#!/bin/bash
# Puts Debian's Sendmail where the tests look for it. It is unpacked, not installed: it would replace Postfix.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
root=$PWD/node_modules/.cache/sendmail
[ ! -x "$root/usr/libexec/sendmail/sendmail" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chown _apt "$work" # apt-get downloads as this user
get() { (cd "$work" && apt-get download -q sendmail-bin sendmail-cf); }
get || { apt-get update -q && get; } # on a fresh machine apt-get knows no packages yet
rm -rf "$root"
mkdir -p "$root"
for package in "$work"/*.deb; do dpkg -x "$package" "$root"; done
chmod g-s "$root/usr/libexec/sendmail/sendmail" # setgid mail is for an installed one
if missing=$(ldd "$root/usr/libexec/sendmail/sendmail" | grep 'not found'); then
  rm -rf "$root"
  printf 'Sendmail needs libraries that are not installed:\n%s\n' "$missing" >&2
  exit 1
fi
