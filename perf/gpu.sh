#!/usr/bin/env bash
# What can only be done on a machine with an NVIDIA GPU: builds with ONNX Runtime's GPU package, serves the shipped model on the CPU, on CUDA and
# on TensorRT, checks that they agree and that nothing fell back, and measures each. Needs the .NET SDK, gcc, the driver, CUDA 12, cuDNN 9 (and
# TensorRT 10 for its part), wrk, curl.
#   perf/gpu.sh [seconds a measurement]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-20}
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
out=$(mktemp -d)
server=
trap 'if [[ -n $server ]]; then kill "$server"; fi; rm -rf "$out"' EXIT
dotnet publish native-aot -c Release -p:OnnxRuntime=Gpu -o artifacts/gpu -v quiet --nologo
request=$(perf/serve-request 1)
status=0
for provider in cpu cuda tensorrt; do
  options=(--provider "$provider" --batch-sizes 1,8,64,256 --engine-cache "$out/engines")
  if [[ $provider == cuda ]]; then options+=(--device-memory 1024); fi
  artifacts/gpu/fastiot serve --listen 127.0.0.1:18599 "${options[@]}" 2> "$out/$provider.log" &
  server=$!
  if ! curl -sf --retry 60 --retry-delay 1 --retry-connrefused 127.0.0.1:18599/readyz > "$out/ready"; then
    echo "FAILED: $provider does not start"; cat "$out/$provider.log"; status=1; server=; continue
  fi
  curl -s -d "$request" 127.0.0.1:18599/v1/models/anomaly_detector:predict > "$out/$provider.json"
  if ! curl -s 127.0.0.1:18599/metrics | grep -q '^fastiot_inference_degraded{.*} 0$'; then
    echo "FAILED: $provider fell back to the CPU"; cat "$out/$provider.log"; status=1
  fi
  python3 - "$out/cpu.json" "$out/$provider.json" <<'CHECK' || { echo "FAILED: $provider differs from the CPU"; status=1; }
import json, math, sys
flat = lambda v: [v] if isinstance(v, (int, float)) else [x for w in (v.values() if isinstance(v, dict) else v) for x in flat(w)]
a, b = (flat(json.load(open(p))["predictions"]) for p in sys.argv[1:])
sys.exit(not (len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-3, abs_tol=1e-3) for x, y in zip(a, b))))
CHECK
  echo "== $provider: one window a request, 64 connections"
  wrk -t2 -c64 -d"${seconds}s" --latency -s perf/serve.lua http://127.0.0.1:18599 -- 1 | grep -E 'Requests/sec|99%|Non-2xx' || true
  echo "== $provider: 256 windows a request, 8 connections"
  wrk -t2 -c8 -d"${seconds}s" --latency -s perf/serve.lua http://127.0.0.1:18599 -- 256 | grep -E 'Requests/sec|99%|Non-2xx' || true
  kill "$server"; wait "$server" || true
  server=
done
exit $status
