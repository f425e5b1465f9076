#!/bin/bash -eu
exec "$SRC/c2w/fuzz/oss-fuzz/build.sh"
