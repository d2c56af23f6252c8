#!/bin/sh
# Runs the unit and network tests in a debug build with a sanitizer: sanitize.sh address|thread
#
# Fewer steps of the model test: a sanitized debug build is some hundred times slower.
set -eu
kind=${1:?address or thread}
flags="--sanitize=$kind --scratch-path .build-$kind"
: "${SWIFT:=swift}"

# shellcheck disable=SC2086 # several words
$SWIFT build --build-tests $flags
export MULTIHOMED_MODEL_STEPS="${MULTIHOMED_MODEL_STEPS:-200000}"
# Swift's runtime keeps metadata for the life of the process; that is no leak.
export ASAN_OPTIONS="detect_leaks=0:verify_asan_link_order=0"
export TSAN_OPTIONS="halt_on_error=1"
unset MULTIHOMED_BINARY
# shellcheck disable=SC2086
# XCTest is not used; its own pass would be reported as a leak.
exec Tests/sandbox.sh $SWIFT test --skip-build --disable-xctest $flags
