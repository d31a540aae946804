#!/bin/sh
# run.sh [SECONDS [READER…]]: builds the fuzzer and runs each reader for so many seconds (60) on changed copies of the tests'
# files. Exit status 1 if a reader trapped, hung (10 s), touched memory that is not its own, or held more than ten times the
# input and 64 MiB. What did it lies in Fuzz/findings/.
set -u
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
readers=${*:-onnx safetensors pt gguf npy npz tokenizer png jpeg idx csv edf vnnlib gzip text obj sound}
swift=${SWIFT:-swift}

library=$("$swift" -print-target-info | sed -n 's/.*"runtimeResourcePath" *: *"\(.*\)".*/\1/p')
driver=$(find "$library/../clang" "$library/clang" -name 'libclang_rt.fuzzer_no_main-*.a' 2>/dev/null | head -1)
[ -n "$driver" ] || { echo "this Swift toolchain has no libFuzzer"; exit 1; }
# Swift alone is instrumented: the kernels in C, which no reader calls, would take a quarter of an hour to compile.
counters=edge,trace-cmp,inline-8bit-counters,pc-table
"$swift" build -c release -Xswiftc -sanitize=address -Xswiftc -sanitize-coverage=$counters -Xlinker "$driver" \
  -Xlinker -lstdc++ || exit 1
program=$("$swift" build -c release --show-bin-path)/Fuzz

python3 seeds.py seeds
status=0
mkdir -p findings
for reader in $readers; do
  mkdir -p "corpus/$reader"
  # Leaks of the runtime's own caches are none of a reader's.
  if ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 "$program" "$reader" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=4096 -max_len=65536 -print_final_stats=1 -artifact_prefix="findings/$reader-" \
    "corpus/$reader" "seeds/$reader" > "findings/$reader.log" 2>&1
  then
    echo "$reader: $(sed -n 's/^stat::number_of_executed_units: *//p' "findings/$reader.log") files, nothing found"
  else
    echo "$reader: found something, see Fuzz/findings/$reader.log"
    status=1
  fi
done
exit $status
