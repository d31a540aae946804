#!/usr/bin/env bash
# Installs the system libraries that Soma links: Debian and Ubuntu through apt, with the images and the text that claim checks
# train on; macOS through Homebrew (untested; Fashion-MNIST has to be put into data/fashion-mnist by hand there).
# With --tests also what the tests need: a browser, in which the pages of the server are opened.
# Does nothing, quickly, when they are there.
set -euo pipefail

apt_packages=(libdnnl-dev libsleef-dev libopenblas-dev libpng-dev libjpeg62-turbo-dev libsndfile1-dev zlib1g-dev libsqlite3-dev
  dataset-fashion-mnist bible-kjv)
[ "${1:-}" != --tests ] || apt_packages+=(chromium)
brew_packages=(onednn sleef openblas libpng jpeg-turbo libsndfile sqlite)

if command -v apt-get >/dev/null 2>&1; then
  missing=()
  for package in "${apt_packages[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || exit 0
  echo "Installing ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "install-packages: run as root, or install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
elif command -v brew >/dev/null 2>&1; then
  brew install --quiet "${brew_packages[@]}"
else
  echo "install-packages: no apt-get and no brew here; install by hand: ${apt_packages[*]}" >&2
  exit 1
fi
