#!/bin/sh
# Fetches what Guides/neural-fields.md works on, into a folder (default: field-samples):
#   chelsea.png   a photograph of a cat, 451 x 300 (Stefan van der Walt, CC0), from the PyPI package scikit-image
#   bell.oga      a bell of 0.14 s, 44.1 kHz, two channels, from the Debian package sound-theme-freedesktop (CC BY)
#   center.oga    a voice of 1.4 s, 48 kHz, from the same package (GPL 2+)
#   bull.obj      a bull of 3,732 triangles, from the Debian package assimp-testmodels (BSD)
# Needs pip, apt-get and dpkg; installs nothing.
set -eu

folder=${1:-field-samples}
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m pip download --quiet --no-deps --dest "$work" 'scikit-image==0.26.0'
python3 -m zipfile -e "$work"/scikit_image*.whl "$work/scikit-image"
cp "$work/scikit-image/skimage/data/chelsea.png" "$folder/"

(cd "$work" && apt-get download --quiet=2 sound-theme-freedesktop assimp-testmodels)
for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$work/root"; done
sounds="$work/root/usr/share/sounds/freedesktop/stereo"
cp "$sounds/bell.oga" "$folder/"
cp "$sounds/audio-channel-front-center.oga" "$folder/center.oga"
cp "$work/root/usr/share/assimp/models/OBJ/WusonOBJ.obj" "$folder/bull.obj"
ls -l "$folder"
