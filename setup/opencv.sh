#!/bin/sh
# Usage: setup/opencv.sh PYTHON
#
# opencv-python's wheel needs libGL, libglib and libxcb from the system. Where `import cv2` fails for want of a shared
# library, this lays opencv-python-headless of the same version, which needs none of them, over its files.
# The record of opencv-python stays, because face-alignment requires a package of that name: `pip check` stays quiet and
# a later `pip install` does not bring the windowed build back.
set -eu
python=$1

if error=$("$python" -c 'import cv2' 2>&1); then
    exit 0
fi
case $error in
*"cannot open shared object file"* | *"Library not loaded"*) ;;
*)
    printf 'import cv2 fails, and not for want of a library of the system:\n%s\n' "$error" >&2
    exit 1
    ;;
esac

version=$("$python" -c 'from importlib.metadata import version; print(version("opencv-python"))')
echo "The system lacks a library of OpenCV's windows: putting opencv-python-headless $version in its place"
"$python" -m pip install --no-deps --force-reinstall "opencv-python-headless==$version"
"$python" -c 'import cv2'
