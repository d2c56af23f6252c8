#!/usr/bin/env bash
# Feeds the decoder of configuration files with whatever libFuzzer makes of the tests' own files, for so many seconds.
# usage: Tests/fuzz.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/Fuzzing"
seconds=${1:-60}
swift=${SWIFT:-swift}

corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
"$swift" build --sanitize fuzzer --sanitize address --product ConfigurationFuzzer
cp ../ServiceTests/Configurations/bad/*.toml ../../deploy/multihomed.toml "$corpus"
# The first mistake ends it: its input is written to a file crash-... in this folder.
SWIFT_BACKTRACE=enable=no .build/debug/ConfigurationFuzzer -max_total_time="$seconds" -max_len=4096 -timeout=10 \
  -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 "$corpus"
